// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/module_compiler.hpp"

#include <gtest/gtest.h>

namespace klp::kernel {
namespace {

TEST(CompilerMessages, AboutTheSourceAreAVerdict) {
    EXPECT_TRUE(is_verdict("klp-question-1:1:16: error: invalid application of 'sizeof' to incomplete type\n"));
    EXPECT_TRUE(
        is_verdict("In file included from /x/f.c:1:\n./include/linux/stddef.h:16:33: error: no member 'y'\n"
                   "klp-question-3:1:1: note: in expansion of macro 'offsetof'\n"));
    EXPECT_TRUE(
        is_verdict("/x/f.c:3:10: fatal error: generated/bounds.h: No such file or directory\n"
                   "compilation terminated.\n"));
    EXPECT_TRUE(is_verdict("f.c:3: error: in the form of old compilers\n"));
}

TEST(CompilerMessages, AboutTheCompilerAreNone) {
    EXPECT_FALSE(is_verdict(""));
    EXPECT_FALSE(is_verdict("Segmentation fault\n"));
    EXPECT_FALSE(is_verdict("f.c:1:1: warning: this is no error\n"));
    EXPECT_FALSE(is_verdict("gcc: fatal error: Killed signal terminated program cc1\ncompilation terminated.\n"));
    EXPECT_FALSE(is_verdict("cc1: fatal error: error writing to /tmp/a.s: No space left on device\n"));
    EXPECT_FALSE(is_verdict("f.c:9:1: fatal error: error writing to /tmp/a.s: No space left on device\n"));
    EXPECT_FALSE(is_verdict("cc1: out of memory allocating 65536 bytes after a total of 1 bytes\n"));
    EXPECT_FALSE(is_verdict("gcc: error: unrecognized command-line option '-mx'\n"));
    EXPECT_FALSE(
        is_verdict("/tmp/a.s: Assembler messages:\n/tmp/a.s: Fatal error: can't write 9 bytes to section .text\n"));
    EXPECT_FALSE(
        is_verdict("f.c:1:1: error: 'x' undeclared\nf.c:2:1: internal compiler error: in fold, at fold.c:1\n"));
    EXPECT_FALSE(is_verdict("f.c:1:1: error: 'x' undeclared\ncc1: error: unrecognized option '-fy'\n"));
}

}  // namespace
}  // namespace klp::kernel
