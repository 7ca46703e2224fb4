// SPDX-License-Identifier: GPL-2.0-or-later
// The compiler of a kernel. Only the very same one gives the bytes that were shipped.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/sandbox.hpp"
#include "kernel/kernel.hpp"

namespace klp::kernel {

struct Compiler {
    std::string program;     // "gcc-12", found in PATH
    std::string version;     // "(Debian 12.2.0-14) 12.2.0": CONFIG_CC_VERSION_TEXT without the name of the program
    std::string identity{};  // compiler_identity.hpp; empty where nobody asked for it
    fs::path root{};         // of its toolchain, whose PATH it is found in; empty: it is this machine's

    // In which it and the programs of its toolchain run; nullopt for this machine's own.
    [[nodiscard]] std::optional<Sandbox> sandbox(std::vector<fs::path> readable, std::vector<fs::path> writable) const;
};

// There is no such compiler here, or nobody can tell which one it is.
class NoCompiler : public Error {
public:
    explicit NoCompiler(Error error) : Error(std::move(error)) {}
};

// A GCC for `arch` in the version that CONFIG_CC_VERSION_TEXT names; `where` is the config's place. It is this
// machine's own, or one of a toolchain. Throws NoCompiler where there is none, or only in other versions; Error where
// one that may be it does not come to an answer.
[[nodiscard]] Compiler find_compiler(const Config& config, const arch::Arch& arch, const Location& where);
// That of the kernel's toolchain, where it has one: there another version will do, since the archive may have dropped
// the very one, and what it makes is compared with the shipped code anyway.
[[nodiscard]] Compiler find_compiler(const Kernel& kernel);

// Where the kernel's compiler is another version than made the kernel: both, for messages. Error: as above.
[[nodiscard]] std::optional<std::string> compiler_difference(const Kernel& kernel);

// What a compiler says of itself as the kernel's config has it: "gcc-14 (Debian 14.2.0-19) 14.2.0".
struct CompilerText {
    std::string name;             // "gcc-14"
    std::string version;          // "(Debian 14.2.0-19) 14.2.0"
    std::string major;            // "14"
    std::string package_version;  // "14.2.0-19"; empty where a distribution has not put it there
};
[[nodiscard]] CompilerText parse_compiler_text(std::string_view text);

}  // namespace klp::kernel
