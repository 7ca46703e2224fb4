// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/module_loading.hpp"
#include "arch/registry.hpp"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/assemble.hpp"

namespace klp::arch::late_relocation_test {
namespace {

using testing::HasSubstr;

std::optional<std::string> problem_of(std::string_view code) {
    const elf::Object object = test::assemble_with({"powerpc64le-linux-gnu-as", "-mpower8"}, code);
    const elf::Section& text = *object.find_section(".text");
    return for_object(object).module_loading().call_problem(text, text.rela().front());
}

TEST(CallProblem, Ppc64leCallsNeedANopToRestoreR2) {
    EXPECT_EQ(problem_of("bl foreign\n nop\n"), std::nullopt);
    EXPECT_THAT(problem_of("bl foreign\n blr\n").value(),
                HasSubstr("expected a nop after the call, to restore r2, found 0x4e800020"));
    EXPECT_THAT(problem_of("bl foreign\n").value(), HasSubstr("ends"));
}

// The kernel takes them, and r2 is lost.
TEST(CallProblem, Ppc64leBranchesMustComeBack) {
    EXPECT_THAT(problem_of("b foreign\n nop\n").value(), HasSubstr("does not come back"));
    EXPECT_THAT(problem_of("b foreign\n").value(), HasSubstr("does not come back"));
    EXPECT_THAT(problem_of("bne foreign\n nop\n").value(), HasSubstr("does not come back"));
    EXPECT_EQ(problem_of("bnel foreign\n nop\n"), std::nullopt);
}

TEST(CallProblem, OtherRelocationsAreNoCalls) {
    EXPECT_EQ(problem_of("addis 3,2,foreign@toc@ha\n blr\n"), std::nullopt);
}

TEST(CallProblem, OtherArchitecturesNeedNoNop) {
    const elf::Object object = test::assemble("call foreign\n ret\n");
    const elf::Section& text = *object.find_section(".text");
    EXPECT_EQ(for_object(object).module_loading().call_problem(text, text.rela().front()), std::nullopt);
}

TEST(ArchSections, AreOfX86Alone) {
    EXPECT_TRUE(for_name("x86_64").has_arch_section(".altinstructions"));
    EXPECT_FALSE(for_name("x86_64").has_arch_section("__bug_table"));
    EXPECT_FALSE(for_name("ppc64le").has_arch_section(".altinstructions"));
}

bool replaces_code(std::string_view arch, std::string_view section) {
    return for_name(arch).special_section(section)->code_at_load == CodeAtLoad::replaced;
}

TEST(ReplacesCode, WhereOtherCodeIsCopiedOver) {
    EXPECT_TRUE(replaces_code("x86_64", ".altinstructions"));
    EXPECT_FALSE(replaces_code("x86_64", ".smp_locks"));
    EXPECT_TRUE(replaces_code("ppc64le", "__ftr_fixup"));
}

}  // namespace
}  // namespace klp::arch::late_relocation_test
