// SPDX-License-Identifier: GPL-2.0-or-later
// Compiles sources against a kernel's headers, as parts of a module, in a folder outside of its tree.
#pragma once

#include <string>
#include <string_view>

#include "kernel/kbuild.hpp"

namespace klp::kernel {

class ModuleCompiler {
public:
    // `kbuild` must outlive it. The folder has to exist, and is for this ModuleCompiler alone.
    ModuleCompiler(const Kbuild& kbuild, fs::path folder) : kbuild_(kbuild), folder_(std::move(folder)) {}

    // FOLDER/NAME.o, after the programs that kbuild runs on objects. Error: the compiler fails.
    [[nodiscard]] fs::path compile(std::string_view name, const std::string& source) const;

private:
    const Kbuild& kbuild_;
    fs::path folder_;
};

}  // namespace klp::kernel
