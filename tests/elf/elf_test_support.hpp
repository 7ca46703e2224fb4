// SPDX-License-Identifier: GPL-2.0-or-later
// What the tests of the elf library share.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "elf/object.hpp"
#include "support/assemble.hpp"

namespace klp::elf {

inline std::vector<std::byte> to_vector(Bytes bytes) {
    return {bytes.begin(), bytes.end()};
}

inline std::string error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

// Code, data, strings, a group, an alias, common and absolute symbols, and several RELA sections.
inline constexpr std::string_view sample_text = R"(
        .section .text.first, "ax", @progbits
        .globl first
        .type first, @function
first:  call helper
        lea message(%rip), %rdi
        ret
        .size first, . - first
        .section .text.helper, "axG", @progbits, helper, comdat
        .weak helper
        .type helper, @function
helper: call external
        mov counter(%rip), %eax
        ret
        .size helper, . - helper
        .section .rodata.str1.1, "aMS", @progbits, 1
message: .string "hello"
        .data
        .type table, @object
table:  .quad first, helper + 4
        .size table, . - table
        .bss
counter: .zero 64
        .comm shared, 8, 8
        .set fixed, 0x1234
        .section __patchable, "aw", @progbits
        .quad .text.first
)";

inline Object sample() {
    return test::assemble(sample_text);
}

// Standard output of readelf, which must have nothing to complain about.
inline std::string readelf(const Object& object, const std::string& options) {
    const TempDir folder("klp-test");
    const fs::path file = folder.path() / "object.o";
    object.write_to(file);
    Command command;
    command.argv = {"readelf", options, file.string()};
    const CommandResult result = run_checked(command, "reading a test output");
    if (!result.errors.empty()) throw Error("readelf: " + result.errors);
    return result.output;
}

// Links the object alone with `ld -r`, so that a second reader checks it.
inline void link_again(const Object& object) {
    const TempDir folder("klp-test");
    object.write_to(folder.path() / "in.o");
    Command command;
    command.argv = {"ld", "-r", "-o", (folder.path() / "out.o").string(), (folder.path() / "in.o").string()};
    run_checked(command, "linking a test output");
}

}  // namespace klp::elf
