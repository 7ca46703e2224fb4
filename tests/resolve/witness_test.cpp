// SPDX-License-Identifier: GPL-2.0-or-later
// Equal names and equal bytes, told apart by what refers to them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "resolve/tiny_kernel.hpp"

namespace klp::resolve::test {
namespace {

using testing::HasSubstr;

// A static function and a static variable whose names each unit has.
std::string unit(const std::string& main, const std::string& body = "mov state(%rip), %rax\n ret\n") {
    return "variable state\n .quad 0\n end state\nfunc helper\n" + body + "end helper\nfunc " + main +
           "\n call helper\n ret\n end " + main + "\n";
}

TEST(Witness, TellsTheSecondOfTwoEqualFunctionsAndItsVariable) {
    const TinyKernel tiny({unit("first"), unit("second")});
    const auto kernel = tiny.kernel();
    const auto object = recompiled(unit("second"));
    const Unit second(kernel, "vmlinux", diff::Decomposition(object));

    const auto& helper = proof(second, object, "helper");
    EXPECT_EQ(helper.fidelity, Fidelity::identical) << helper.detail;
    EXPECT_EQ(helper.sympos, 2U);
    EXPECT_THAT(helper.detail, HasSubstr("second+0x1"));

    Diagnostics diagnostics;
    const auto state = second.resolve(reference_to(object, "state"), diagnostics).at(0);
    EXPECT_EQ(state.sympos, 2U);
    EXPECT_EQ(state.object, "vmlinux");
    EXPECT_EQ(state.how, "witness helper+0x3");
    EXPECT_FALSE(diagnostics.has_errors());
}

TEST(Witness, LeavesEqualFunctionsAmbiguousThatNothingRefersTo) {
    const std::string lone = "func helper\n ret\n end helper\n";
    const TinyKernel tiny({lone, lone});
    const auto kernel = tiny.kernel();
    const auto object = recompiled(lone);
    const Unit ambiguous(kernel, "vmlinux", diff::Decomposition(object));
    EXPECT_EQ(proof(ambiguous, object, "helper").fidelity, Fidelity::ambiguous);

    Diagnostics diagnostics;
    ambiguous.check_changed(change_of(object, "helper"), diagnostics);
    EXPECT_EQ(diagnostics.findings().at(0).id, "resolve.ambiguous");
    Diagnostics for_reference;
    (void)ambiguous.resolve(reference_to(object, "helper"), for_reference);
    ASSERT_EQ(for_reference.findings().at(0).id, "resolve.ambiguous");
    EXPECT_THAT(for_reference.findings()[0].notes, testing::SizeIs(3));
    EXPECT_THAT(for_reference.findings()[0].notes[1], HasSubstr("position 2"));
}

TEST(Witness, IsAlsoAVariableThatPointsToTheFunction) {
    const auto with_table = [](const std::string& table) {
        return "func helper\n ret\n end helper\nvariable " + table + "\n .quad helper\n end " + table + "\n";
    };
    const TinyKernel tiny({with_table("first_ops"), with_table("second_ops")});
    const auto kernel = tiny.kernel();
    const auto object = recompiled(with_table("second_ops"));
    const Unit second(kernel, "vmlinux", diff::Decomposition(object));
    EXPECT_EQ(proof(second, object, "helper").sympos, 2U);
}

TEST(Witness, SeparatesEqualsByWhatTheyReferTo) {
    // Nothing calls `lone`; the copy of the second unit refers to a variable that `second` has placed.
    const auto with_lone = [](const std::string& main) {
        return unit(main) + "func lone\n mov state(%rip), %rax\n nop\n ret\n end lone\n";
    };
    const TinyKernel tiny({with_lone("first"), with_lone("second")});
    const auto kernel = tiny.kernel();
    const auto object = recompiled(with_lone("second"));
    const Unit second(kernel, "vmlinux", diff::Decomposition(object));
    EXPECT_EQ(proof(second, object, "lone").sympos, 2U) << proof(second, object, "lone").detail;
}

TEST(Witness, ContradictsAnEqualFunctionOfAnotherFile) {
    // Recompiled, the second unit's helper equals the first unit's, but that is not the one that `second` calls.
    const TinyKernel tiny({unit("first"), unit("second", "mov state(%rip), %rax\n nop\n ret\n")});
    const auto kernel = tiny.kernel();
    const auto object = recompiled(unit("second"));
    const Unit second(kernel, "vmlinux", diff::Decomposition(object));
    const auto& helper = proof(second, object, "helper");
    EXPECT_EQ(helper.fidelity, Fidelity::different);
    EXPECT_THAT(helper.detail, HasSubstr("second+0x1"));
}

TEST(Witness, OfTwoPlacesIsAConflict) {
    // Two variables of one name, each with an alias by which another unit can refer to it.
    const auto state = [](const std::string& alias) {
        return ".globl " + alias + "\nvariable state\n " + alias + ": .quad 0\n end state\n";
    };
    const auto two = [](const std::string& of_first, const std::string& of_second) {
        return "func first\n mov " + of_first + "(%rip), %rax\n ret\n end first\nfunc second\n mov " + of_second +
               "(%rip), %rax\n nop\n ret\n end second\n";
    };
    const TinyKernel tiny({state("one"), state("other"), two("one", "other")});
    const auto kernel = tiny.kernel();
    const auto object = recompiled(state("none") + two("state", "state"));
    const Unit contradicted(kernel, "vmlinux", diff::Decomposition(object));
    Diagnostics diagnostics;
    (void)contradicted.resolve(reference_to(object, "state"), diagnostics);
    ASSERT_EQ(diagnostics.findings().size(), 1U);
    EXPECT_EQ(diagnostics.findings()[0].id, "resolve.conflict");
    EXPECT_THAT(diagnostics.findings()[0].notes.at(0), HasSubstr("second+0x3 says"));
}

TEST(Witness, AcceptsAnotherNumberOfTheCompiler) {
    const auto numbered = [](const std::string& number) {
        return "variable count." + number + "\n .quad 0\n end count." + number + "\nfunc f\n mov count." + number +
               "(%rip), %rax\n ret\n end f\n";
    };
    const TinyKernel tiny({numbered("17")});
    const auto kernel = tiny.kernel();
    const auto object = recompiled(numbered("18"));
    const Unit same(kernel, "vmlinux", diff::Decomposition(object));
    EXPECT_EQ(proof(same, object, "f").fidelity, Fidelity::identical) << proof(same, object, "f").detail;
    Diagnostics diagnostics;
    EXPECT_EQ(same.resolve(reference_to(object, "count.18"), diagnostics).at(0).name, "count.17");
}

}  // namespace
}  // namespace klp::resolve::test
