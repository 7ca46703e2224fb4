// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel of a few instructions: QEMU starts it through its PVH entry, and it writes to both serial ports.
#pragma once

#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/process.hpp"

namespace klp::test {

constexpr std::string_view tiny_kernel_resets = "movb $0xfe, %al\n outb %al, $0x64\n";  // keyboard controller
constexpr std::string_view tiny_kernel_hangs = "";

// Writes "console\n" to the first port and "report\n" to the second, does what `ending` says, and halts.
inline fs::path tiny_kernel(const fs::path& folder, std::string_view ending, bool pvh_note = true) {
    std::string text = R"(
        .section .text
        .code32
        .globl start
start:  movl $first, %esi
        movw $0x3f8, %dx
        movl $8, %ecx
        rep outsb
        movl $second, %esi
        movw $0x2f8, %dx
        movl $7, %ecx
        rep outsb
)";
    text += ending;
    text += R"(
halt:   hlt
        jmp halt
first:  .ascii "console\n"
second: .ascii "report\n"
        .section .note.Xen, "a", @note
        .long 4, 8, )";
    text += pvh_note ? "18" : "17";
    text += "\n .asciz \"Xen\"\n .quad start\n";
    Command assembler;
    assembler.argv = {"as", "--64", "-o", (folder / "tiny.o").string(), "-"};
    assembler.input = text;
    run_checked(assembler, "assembling a tiny kernel");
    Command linker;
    linker.argv = {
        "ld", "-Ttext=0x100000", "-e", "start", "-o", (folder / "tiny").string(), (folder / "tiny.o").string()};
    run_checked(linker, "linking a tiny kernel");
    return folder / "tiny";
}

}  // namespace klp::test
