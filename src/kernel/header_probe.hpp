// SPDX-License-Identifier: GPL-2.0-or-later
// Questions to a kernel's headers, answered by its compiler.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>

#include "arch/kernel_probe.hpp"
#include "kernel/module_compiler.hpp"

namespace klp::kernel {

// The headers cannot be compiled at all: nothing can be told.
class UnusableHeaders : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The value of each question's expression, by its name. nullopt: the compiler says that there is no such thing, while
// it takes the same headers without the expression. Throws UnusableHeaders; Error where the compiler comes to no
// verdict.
[[nodiscard]] std::map<std::string, std::optional<std::uint64_t>, std::less<>> ask_headers(
    const ModuleCompiler& module_compiler, std::span<const arch::HeaderQuestion> questions);

}  // namespace klp::kernel
