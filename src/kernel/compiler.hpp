// SPDX-License-Identifier: GPL-2.0-or-later
// The compiler of a kernel. Only the very same one gives the bytes that were shipped.
#pragma once

#include <string>

#include "base/error.hpp"
#include "kernel/kernel.hpp"

namespace klp::kernel {

struct Compiler {
    std::string program;     // "gcc-12", found in PATH
    std::string version;     // "(Debian 12.2.0-14) 12.2.0": CONFIG_CC_VERSION_TEXT without the name of the program
    std::string identity{};  // compiler_identity.hpp; empty where nobody asked for it
};

// There is no such compiler here, or nobody can tell which one it is.
class NoCompiler : public Error {
public:
    explicit NoCompiler(Error error) : Error(std::move(error)) {}
};

// A GCC for `arch` in the version that CONFIG_CC_VERSION_TEXT names; `where` is the config's place. Throws NoCompiler
// where there is none, or only in other versions; Error where one that may be it does not come to an answer.
[[nodiscard]] Compiler find_compiler(const Config& config, const arch::Arch& arch, const Location& where);

}  // namespace klp::kernel
