// SPDX-License-Identifier: GPL-2.0-or-later
// Compiles sources against a kernel's headers, as parts of a module, in a folder outside of its tree.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kernel/kbuild.hpp"

namespace klp::kernel {

// What a compiler says of a source.
struct Verdict {
    std::optional<fs::path> object;  // after the programs that kbuild runs on objects
    std::string complaint;           // where there is no object: the compiler's messages
};

// Whether GCC's messages are about the source: errors at a place in it. Others are the compiler's own ("cc1: fatal
// error: error writing to …", "gcc: fatal error: Killed signal terminated program cc1", an internal error). A fatal
// error at a place is about the source where a header is missing.
[[nodiscard]] bool is_verdict(std::string_view messages);

class ModuleCompiler {
public:
    // `kbuild` must outlive it. The folder has to exist, and is for this ModuleCompiler alone.
    ModuleCompiler(const Kbuild& kbuild, fs::path folder) : kbuild_(kbuild), folder_(std::move(folder)) {}

    // FOLDER/NAME.o, after the programs that kbuild runs on objects. Error: the compiler fails.
    [[nodiscard]] fs::path compile(std::string_view name, const std::string& source) const;

    // The same for a source that may be wrong. Error: the compiler comes to no verdict (it is ended by a signal, or by
    // an error of its own, or cannot write), or one of the other programs fails.
    [[nodiscard]] Verdict try_compile(std::string_view name, const std::string& source) const;

private:
    [[nodiscard]] CompileCommand prepare(std::string_view name, const std::string& source) const;
    [[nodiscard]] Command compilation(const CompileCommand& command, std::string_view name) const;
    [[nodiscard]] fs::path finish(const CompileCommand& command, std::string_view name) const;

    const Kbuild& kbuild_;
    fs::path folder_;
};

}  // namespace klp::kernel
