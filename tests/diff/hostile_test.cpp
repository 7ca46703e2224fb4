// SPDX-License-Identifier: GPL-2.0-or-later
// Objects that do not keep what they promise.
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diff/pair.hpp"

namespace klp::diff {
namespace {

using test::assemble;

void expect_refused(const elf::Object& object) {
    Diagnostics diagnostics;
    EXPECT_THROW((void)diff(decompose(object, object, {}, diagnostics), {}, diagnostics), Error);
}

TEST(Hostile, SymbolsEndInTheirSections) {
    expect_refused(assemble(".section .text.f,\"ax\"\n.type f,@function\nf: ret\n.size f,100\n"));
    expect_refused(assemble(".section .data.x,\"aw\"\n.type x,@object\nx: .byte 1\n.size x,-1\n"));
}

// The sanitized build sees an overflow.
TEST(Hostile, AddendsAreAddedModulo2To64) {
    elf::Object object = assemble(
        ".section .text.f,\"ax\"\n.type f,@function\nf: nop\n.globl inner\ninner: ret\n.size f,.-f\n"
        ".section .text.g,\"ax\"\n.type g,@function\ng: call inner\n.size g,.-g\n");
    object.find_section(".text.g")->relocations_section->relocations.at(0).addend = INT64_MAX;
    Diagnostics diagnostics;
    EXPECT_NO_THROW((void)diff(decompose(object, object, {}, diagnostics), {}, diagnostics));
}

TEST(Hostile, TablesAreArrays) {
    expect_refused(assemble(".section __jump_table,\"aw\"\n.zero 20\n"));
    expect_refused(assemble(".section __jump_table,\"aw\",@nobits\n.zero 16\n"));
    expect_refused(assemble(".section .orc_unwind_ip,\"a\"\n.zero 8\n.section .orc_unwind,\"a\"\n.zero 6\n"));
}

TEST(Hostile, CodeOfSharedSectionsIsInstructions) {
    expect_refused(assemble(
        ".section .text.x,\"ax\"\n.type f,@function\nf: .byte 6\n.size f,1\n.type g,@function\ng: ret\n.size g,1\n"));
}

}  // namespace
}  // namespace klp::diff
