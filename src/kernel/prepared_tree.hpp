// SPDX-License-Identifier: GPL-2.0-or-later
// What `make` generated in a kernel's source tree when it was prepared, noted in the kernel's folder: so that it is
// seen when somebody ran `make` there since. Then configuration, headers or programs may be others than the shipped
// kernel was built with.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernel/kernel.hpp"

namespace klp::kernel {

// Whatever was generated that code depends on: configuration, headers, Module.symvers, the linker script of modules,
// programs that edit objects, plugins of the compiler. Relative to the tree, in order.
[[nodiscard]] std::vector<fs::path> generated_files(const fs::path& tree);

struct TreeLook {
    enum class Result { as_noted, changed, not_noted };
    Result result = Result::as_noted;
    std::string change;  // one of the files, and what is with it, where one was changed
};
// Reads only the files that were touched.
[[nodiscard]] TreeLook look_at_tree(const Manifest& manifest);

// Notes what the tree has now. Nothing is noted where the kernel's folder cannot be written.
void note_tree(const Manifest& manifest);
// Before the tree is made anew: unless note_tree() follows, it counts as changed.
void note_unfinished_tree(const Manifest& manifest);

}  // namespace klp::kernel
