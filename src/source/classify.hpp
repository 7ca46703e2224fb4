// SPDX-License-Identifier: GPL-2.0-or-later
// What a file of the kernel's source tree is to a livepatch, told by its path.
#pragma once

#include <string_view>

namespace klp::source {

enum class FileKind {
    c_source,  // a .c file of the kernel or a module
    header,    // reaches code only by being included
    ignored,   // no part of the running kernel: documentation, user space tools
    text,      // documentation, unless sources include it or a Makefile makes something from it
    skipped,   // decides about kernels that are yet to be built; refused where a patch has nothing else
    refused,   // part of the kernel, but nothing that a livepatch can replace
};

struct FileClass {
    FileKind kind = FileKind::refused;
    std::string_view id;      // of the finding, for refused and skipped files
    std::string_view reason;  // why it is not compiled
};

[[nodiscard]] FileClass classify(std::string_view path);

}  // namespace klp::source
