// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "arch/registry.hpp"

namespace klp::arch::x86_64_layout {
namespace {

bool is_padding(std::string_view bytes) {
    return for_name("x86_64").is_padding(as_bytes(bytes));
}

TEST(Padding, IsNopsAndInt3) {
    EXPECT_TRUE(is_padding(""));
    EXPECT_TRUE(is_padding("\xcc\xcc\x90"));
    EXPECT_TRUE(is_padding({"\x66\x2e\x0f\x1f\x84\0\0\0\0\0\xcc", 11}));
}

TEST(Padding, IsNoOtherInstruction) {
    EXPECT_FALSE(is_padding("\x90\xc3"));
    EXPECT_FALSE(is_padding({"\0\0", 2}));
    EXPECT_FALSE(is_padding("\x0f\x1f"));
}

TEST(SameBranch, LooksPastTheDisplacement) {
    const auto same = [](std::string_view a, std::string_view b) {
        return for_name("x86_64").same_branch(as_bytes(a), as_bytes(b));
    };
    const std::string_view jmp_near("\xe9\0\0\0\0", 5), je_near("\x0f\x84\0\0\0\0", 6), call("\xe8\0\0\0\0", 5);
    EXPECT_TRUE(same(jmp_near, "\xeb\x10"));
    EXPECT_TRUE(same(je_near, "\x74\x10"));
    EXPECT_FALSE(same(je_near, "\x75\x10"));
    EXPECT_FALSE(same(jmp_near, call));
    EXPECT_FALSE(same("\x90", "\x90"));
}

}  // namespace
}  // namespace klp::arch::x86_64_layout
