// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses that two instructions make together, and the bits of instructions beside what relocations write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "resolve/tiny_kernel.hpp"

namespace klp::resolve::test {
namespace {

using testing::HasSubstr;

FunctionProof prove(const Tools& tools, const std::string& shipped, const std::string& ours) {
    const TinyKernel tiny({shipped}, {}, tools);
    const auto kernel = tiny.kernel();
    const auto object = recompiled(ours, tools);
    return proof(Unit(kernel, "vmlinux", diff::Decomposition(object)), object, "f");
}

// `pad` keeps the variables from the start of a page.
std::string arm64_unit(const std::string& body) {
    return R"(
        variable pad
        .zero 24
        end pad
        variable counter
        .quad 7
        end counter
        variable other
        .quad 8
        end other
        func first
        ret
        end first
        func f
    )" + body +
           R"(
        ret
        end f
    )";
}

FunctionProof prove_arm64(const std::string& shipped, const std::string& ours) {
    return prove(arm64_tools, arm64_unit(shipped), arm64_unit(ours));
}

TEST(Halves, OfArm64TellTheirSymbol) {
    const std::string body = R"(
        adrp x0, counter
        add x0, x0, :lo12:counter
        adrp x1, other
        ldr x2, [x1, :lo12:other]
        adrp x3, pad+6
        ldrh w3, [x3, :lo12:pad+6]
        bl first
    )";
    EXPECT_EQ(prove_arm64(body, body).fidelity, Fidelity::identical);
    const auto other =
        prove_arm64("adrp x0, other\nadd x0, x0, :lo12:other\n", "adrp x0, counter\nadd x0, x0, :lo12:counter\n");
    EXPECT_EQ(other.fidelity, Fidelity::different);
    EXPECT_THAT(other.detail, HasSubstr("recompiled to 'counter', shipped to 'other'"));
    const auto beside =
        prove_arm64("adrp x0, counter\nadd x0, x0, :lo12:counter+4\n", "adrp x0, counter\nadd x0, x0, :lo12:counter\n");
    EXPECT_EQ(beside.fidelity, Fidelity::different);
}

TEST(Halves, AloneTellNothing) {
    const auto high = prove_arm64("adrp x0, counter\n", "adrp x0, counter\n");
    EXPECT_EQ(high.fidelity, Fidelity::different);
    EXPECT_THAT(high.detail, HasSubstr("the shipped field does not tell its target"));
    // Of another sum, the lower half is of no use.
    const auto low = prove_arm64("adrp x0, counter\nadd x0, x0, :lo12:counter+4\n",
                                 "adrp x0, counter\nadd x0, x0, :lo12:counter+4\n");
    EXPECT_EQ(low.fidelity, Fidelity::different);
}

// Registers, conditions and operations are beside the numbers that relocations write.
TEST(Instructions, OfOtherRegistersAreOthers) {
    const std::string counter = "adrp x0, counter\nadd x0, x0, :lo12:counter\n";
    for (const char* ours :
         {"adrp x1, counter\nadd x0, x0, :lo12:counter\n", "adrp x0, counter\nadd x1, x0, :lo12:counter\n",
          "adrp x0, counter\nadd x0, x1, :lo12:counter\n", "adrp x0, counter\nadd w0, w0, :lo12:counter\n"}) {
        const auto result = prove_arm64(counter, ours);
        EXPECT_EQ(result.fidelity, Fidelity::different) << ours;
        EXPECT_THAT(result.detail, HasSubstr("bytes differ at +0x")) << ours;
    }
    EXPECT_THAT(prove_arm64("bl first\n", "b first\n").detail, HasSubstr("bytes differ at +0x0"));
}

std::string ppc64le_unit(const std::string& body) {
    return R"(
        .abiversion 2
        variable far
        .zero 0x48000
        end far
        variable counter
        .quad 7
        end counter
        variable other
        .quad 8
        end other
        func first
        blr
        end first
        func f
        0: addis 2, 12, .TOC. - 0b@ha
        addi 2, 2, .TOC. - 0b@l
        .localentry f, . - f
    )" + body +
           R"(
        blr
        end f
    )";
}

FunctionProof prove_ppc64le(const std::string& shipped, const std::string& ours) {
    return prove(ppc64le_tools, ppc64le_unit(shipped), ppc64le_unit(ours));
}

TEST(Halves, OfPpc64leCountFromTheToc) {
    const std::string body = R"(
        addis 3, 2, counter@toc@ha
        addi 3, 3, counter@toc@l
        addis 4, 2, other@toc@ha
        ld 5, other@toc@l(4)
        addis 6, 2, far+0x20004@toc@ha
        lwz 6, far+0x20004@toc@l(6)
        bl first
    )";
    const auto same = prove_ppc64le(body, body);
    EXPECT_EQ(same.fidelity, Fidelity::identical) << same.detail;
    const auto other = prove_ppc64le("addis 3, 2, other@toc@ha\naddi 3, 3, other@toc@l\n",
                                     "addis 3, 2, counter@toc@ha\naddi 3, 3, counter@toc@l\n");
    EXPECT_EQ(other.fidelity, Fidelity::different);
    EXPECT_THAT(other.detail, HasSubstr("recompiled to 'counter', shipped to 'other'"));
    EXPECT_EQ(prove_ppc64le("bl first\n", "b first\n").fidelity, Fidelity::different);
}

// Near the TOC pointer the linker makes a nop of the upper half, and counts the lower one from r2.
TEST(Halves, OfPpc64leThatTheLinkerEditedAreNotTaken) {
    const std::string near = "addis 6, 2, far+0x8004@toc@ha\nlwz 6, far+0x8004@toc@l(6)\n";
    EXPECT_THAT(prove_ppc64le(near, near).detail, HasSubstr("shipped 00 60 "));
}

}  // namespace
}  // namespace klp::resolve::test
