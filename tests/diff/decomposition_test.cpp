// SPDX-License-Identifier: GPL-2.0-or-later
// How an object is taken apart: pieces, what their fields refer to, and whom entries belong to.
#include "diff/decomposition.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/assemble.hpp"

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

namespace klp::diff {
namespace {

using test::assemble;

const Piece& piece(const Decomposition& object, std::string_view name) {
    const elf::Symbol* symbol = object.object().find_symbol(name);
    return *object.piece_of(*symbol);
}

// "label begin-end", in the order of the pieces.
std::vector<std::string> pieces(const Decomposition& object) {
    std::vector<std::string> lines;
    for (const Piece& each : object.pieces())
        lines.push_back(fmt::format("{} {}-{}", each.label(), each.range.begin, each.range.end));
    return lines;
}

// "+offset target+delta".
std::vector<std::string> fields(const Decomposition& object, const Piece& piece) {
    std::vector<std::string> lines;
    for (const Field& each : object.fields(piece)) {
        const Target& target = each.target;
        const bool is_named = target.kind == Target::Kind::piece || target.kind == Target::Kind::undefined;
        const std::string_view name = is_named && !target.name().empty() ? target.name() : target.section->name;
        lines.push_back(fmt::format("+{} {}{:+}", each.offset() - piece.range.begin, name, target.delta));
    }
    return lines;
}

TEST(Pieces, AreWhatSymbolsCover) {
    const auto object = assemble(R"(
        .section .text.f,"ax"
        .type f,@function
        .globl alias
f: alias:
        nop
inside: nop
        .size f,.-f
        .size alias,.-alias
        .type g,@function
g:      ret
        .section .data.x,"aw"
        .type x,@object
        .size x,4
x:      .long 1
        .quad 0x1122334455667788
    )");
    const Decomposition decomposition(object);
    EXPECT_THAT(pieces(decomposition), ElementsAre("alias 0-2", "g 2-3", "x 0-4", ".data.x 4-12"));
    std::vector<std::string> names;
    for (const elf::Symbol* each : piece(decomposition, "f").symbols) names.push_back(each->name);
    EXPECT_THAT(names, ElementsAre("alias", "f", "inside"));
    EXPECT_TRUE(piece(decomposition, "x").base == "x" && !piece(decomposition, "x").alone);
    for (std::size_t i = 0; i < decomposition.pieces().size(); ++i) EXPECT_EQ(decomposition.pieces()[i].index, i);
}

TEST(Pieces, KnowTheirColdParts) {
    const auto object = assemble(R"(
        .section .text.f,"ax"
        .type f,@function
f:      ret
        .size f,1
        .section .text.unlikely.f,"ax"
        .type f.cold,@function
f.cold: ret
        .size f.cold,1
    )");
    const Decomposition decomposition(object);
    EXPECT_EQ(piece(decomposition, "f.cold").parent, &piece(decomposition, "f"));
    EXPECT_THAT(piece(decomposition, "f").cold_parts, ElementsAre(&piece(decomposition, "f.cold")));
}

// A reference by way of the section means the piece at the place that it really points at: on x86 a field counts from
// the end of its instruction.
TEST(Fields, ReferToPiecesWhateverTheirSymbolIs) {
    const auto object = assemble(R"(
        .section .text.f,"ax"
        .type f,@function
f:      call outside
        leaq .data+8-0(%rip), %rax
        movq $text, %rdi
        .size f,.-f
        .data
        .type a,@object
        .size a,8
a:      .quad b
        .type b,@object
        .size b,8
b:      .quad f
        .section .rodata.str1.1,"aMS",@progbits,1
text:   .string "text"
    )");
    const Decomposition decomposition(object);
    EXPECT_THAT(fields(decomposition, piece(decomposition, "f")),
                ElementsAre("+1 outside-4", "+8 b-4", "+15 .rodata.str1.1+0"));
    EXPECT_THAT(fields(decomposition, piece(decomposition, "a")), ElementsAre("+0 b+0"));
    const Field& string = decomposition.fields(piece(decomposition, "f"))[2];
    EXPECT_EQ(string.target.kind, Target::Kind::literal);
    EXPECT_EQ(as_text(literal_at(*string.target.section, string.target.anchor)), std::string_view("text\0", 5));
}

// What the assembler resolved itself is a field like any other, wherever the functions come to lie.
TEST(Fields, IncludeBranchesToNeighboursOfOneSection) {
    const auto object = assemble(R"(
        .section .sched.text,"ax"
        .type f,@function
f:      call outside
        jmp g
        .size f,.-f
        .type g,@function
g:      ret
        .size g,1
    )");
    const Decomposition decomposition(object);
    EXPECT_THAT(fields(decomposition, piece(decomposition, "f")), ElementsAre("+1 outside-4", "+6 g-1"));
    EXPECT_EQ(decomposition.fields(piece(decomposition, "f"))[1].size, 1);
}

TEST(Fields, OfCodeThatIsNoneMatterToThoseWhoAsk) {
    const auto object = assemble(R"(
        .section .sched.text,"ax"
        .type f,@function
f:      .byte 6
        .size f,1
        .type g,@function
g:      call outside
        .size g,5
    )");
    const Decomposition decomposition(object);
    EXPECT_THAT(fields(decomposition, piece(decomposition, "g")), ElementsAre("+1 outside-4"));
    EXPECT_THAT([&] { (void)decomposition.fields(piece(decomposition, "f")); },
                ThrowsMessage<Error>(HasSubstr("not an x86-64 instruction")));
}

TEST(Entries, BelongToTheCodeThatTheyName) {
    const auto object = assemble(R"(
        .section .text.f,"ax"
        .type f,@function
f:      nop
1:      nop
        .size f,2
        .section .text.g,"ax"
        .type g,@function
g:      nop
        .size g,1
        .section __jump_table,"aw"
        .long 1b - ., 1b - .
        .quad key - .
        .long g - ., g - .
        .quad key - .
        .long outside - ., 0
        .quad key - .
    )");
    const Decomposition decomposition(object);
    const Piece& f = piece(decomposition, "f");
    ASSERT_EQ(f.entries.size(), 1U);
    EXPECT_EQ(f.entries[0].owner, &f);
    EXPECT_EQ(f.entries[0].owner_offset, 1U);
    EXPECT_EQ(f.entries[0].index, 0U);
    EXPECT_EQ(decomposition.fields(f.entries[0]).size(), 3U);
    ASSERT_EQ(piece(decomposition, "g").entries.size(), 1U);
    EXPECT_EQ(piece(decomposition, "g").entries[0].range.begin, 16U);
    ASSERT_EQ(decomposition.orphans().size(), 1U);
    EXPECT_EQ(decomposition.orphans()[0].owner, nullptr);
}

}  // namespace
}  // namespace klp::diff
