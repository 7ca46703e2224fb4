// SPDX-License-Identifier: GPL-2.0-or-later
// What reading finds in an object, and that writing it gives it back.
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "elf_test_support.hpp"

using testing::HasSubstr;

namespace klp::elf {
namespace {

TEST(Read, FindsSectionsWithTheirRelocations) {
    const Object object = sample();
    EXPECT_EQ(object.machine(), EM_X86_64);
    EXPECT_EQ(object.file_type(), ET_REL);
    const Section* text = object.find_section(".text.first");
    ASSERT_NE(text, nullptr);
    EXPECT_TRUE(text->is_code());
    EXPECT_TRUE(text->is_alloc());
    EXPECT_EQ(text->size(), 13U);
    ASSERT_NE(text->relocations_section, nullptr);
    EXPECT_EQ(text->relocations_section->name, ".rela.text.first");
    EXPECT_EQ(text->relocations_section->target, text);
    ASSERT_EQ(text->rela().size(), 2U);
    EXPECT_EQ(text->rela()[0].offset, 1U);
    EXPECT_EQ(text->rela()[0].symbol->name, "helper");
    EXPECT_EQ(text->rela()[0].addend, -4);
    EXPECT_EQ(object.find_section(".no such"), nullptr);
    const Section* strings = object.find_section(".rodata.str1.1");
    EXPECT_TRUE(strings->is_strings());
    EXPECT_EQ(as_text(strings->content()), std::string_view("hello\0", 6));
    const Section* bss = object.find_section(".bss");
    EXPECT_TRUE(bss->is_nobits());
    EXPECT_EQ(bss->size(), 64U);
    EXPECT_TRUE(bss->content().empty());
}

TEST(Read, PlacesSymbols) {
    const Object object = sample();
    const Symbol* first = object.find_symbol("first");
    EXPECT_TRUE(first->is_function());
    EXPECT_FALSE(first->is_local());
    EXPECT_EQ(first->placement, Placement::section);
    EXPECT_EQ(first->section->name, ".text.first");
    EXPECT_EQ(first->size, 13U);
    EXPECT_EQ(object.find_symbol("external")->placement, Placement::undefined);
    EXPECT_FALSE(object.find_symbol("external")->is_defined());
    EXPECT_EQ(object.find_symbol("shared")->placement, Placement::common);
    EXPECT_EQ(object.find_symbol("fixed")->placement, Placement::absolute);
    EXPECT_EQ(object.find_symbol("fixed")->value, 0x1234U);
    EXPECT_TRUE(object.find_symbol("table")->is_data_object());
}

TEST(Read, KnowsGroups) {
    const Object object = sample();
    const Section* group = object.find_section(".group");
    ASSERT_NE(group, nullptr);
    EXPECT_EQ(group->group_flags, static_cast<std::uint32_t>(GRP_COMDAT));
    EXPECT_EQ(group->group_signature, object.find_symbol("helper"));
    EXPECT_THAT(group->group_members,
                testing::ElementsAre(object.find_section(".text.helper"), object.find_section(".rela.text.helper")));
    EXPECT_EQ(group->size(), 12U);
}

TEST(Read, UneditedObjectsAreWrittenAsTheyWere) {
    const Object object = sample();
    const std::vector<std::byte> once = object.write();
    EXPECT_EQ(Object::read(once, "again.o").write(), once);
    // A module signature follows the ELF file.
    std::vector<std::byte> with_signature = once;
    for (const char c : std::string_view("~Module signature appended~\n"))
        with_signature.push_back(static_cast<std::byte>(c));
    EXPECT_EQ(Object::read(with_signature, "signed.ko").write(), with_signature);
}

TEST(Read, AnEditTakenBackIsNoEdit) {
    Object object = sample();
    const std::vector<std::byte> before = object.write();
    object.find_section(".data")->alignment = 64;
    EXPECT_NE(object.write(), before);
    object.find_section(".data")->alignment = 1;
    (void)object.find_section(".data")->edit();
    EXPECT_EQ(object.write(), before);
}

Relocation& first_relocation(Object& object) {
    return object.find_section(".text.first")->relocations_section->relocations[0];
}

TEST(Read, AnEditOfAnyPartIsOne) {
    using Edit = void (*)(Object&);
    constexpr std::array<Edit, 12> edits{
        [](Object& o) { first_relocation(o).addend += 8; },
        [](Object& o) { first_relocation(o).offset += 1; },
        [](Object& o) { first_relocation(o).type = R_X86_64_PC32; },
        [](Object& o) { first_relocation(o).symbol = o.find_symbol("external"); },
        [](Object& o) { o.find_section(".text.first")->edit()[0] ^= std::byte{1}; },
        [](Object& o) { o.find_section(".text.first")->flags |= SHF_WRITE; },
        [](Object& o) { o.find_section(".bss")->set_nobits_size(65); },
        [](Object& o) { o.find_section(".group")->group_members.pop_back(); },
        [](Object& o) { o.find_symbol("first")->value += 1; },
        [](Object& o) { o.find_symbol("first")->size += 1; },
        [](Object& o) { o.find_symbol("first")->binding = STB_WEAK; },
        [](Object& o) { o.find_symbol("first")->section = o.find_section(".data"); },
    };
    const std::vector<std::byte> before = sample().write();
    for (std::size_t i = 0; i < edits.size(); ++i) {
        Object object = Object::read(before, "sample.o");
        edits[i](object);
        EXPECT_NE(object.write(), before) << "edit " << i;
    }
}

// The assembler writes those of jumps behind all others.
TEST(Read, RelocationsAreInTheOrderOfTheirPlaces) {
    Object object(EM_X86_64, ByteOrder::little);
    Section& text = object.add_section(".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 16);
    text.set_content(std::vector<std::byte>(16));
    for (const std::uint64_t offset : {8, 0, 4}) {
        for (const std::int64_t addend : {1, 2}) object.add_relocation(text, {.offset = offset, .addend = addend});
    }
    const std::vector<std::byte> bytes = object.write();
    const Object again = Object::read(bytes, "again.o");
    std::vector<std::pair<std::uint64_t, std::int64_t>> places;
    for (const Relocation& each : again.find_section(".text")->rela()) places.emplace_back(each.offset, each.addend);
    const std::vector<std::pair<std::uint64_t, std::int64_t>> sorted{{0, 1}, {0, 2}, {4, 1}, {4, 2}, {8, 1}, {8, 2}};
    EXPECT_EQ(places, sorted);
}

// They are applied by the livepatch core, and not when the module is loaded.
TEST(Read, RelocationsOfALivepatchAreNotThoseOfTheSection) {
    Object object(EM_X86_64, ByteOrder::little);
    Section& text = object.add_section(".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 16);
    text.set_content(std::vector<std::byte>(16));
    Section& livepatch = object.add_rela_section(".klp.rela.vmlinux..text", SHF_ALLOC | shf_rela_livepatch, text);
    livepatch.relocations.push_back({.offset = 4, .symbol = object.null_symbol()});
    const Object alone = Object::read(object.write(), "alone.o");
    EXPECT_EQ(alone.find_section(".text")->relocations_section, nullptr);
    EXPECT_TRUE(alone.find_section(".text")->rela().empty());
    ASSERT_EQ(alone.find_section(".klp.rela.vmlinux..text")->relocations.size(), 1U);
    object.add_relocation(text, {.offset = 8});
    const Object both = Object::read(object.write(), "both.o");
    ASSERT_EQ(both.find_section(".text")->rela().size(), 1U);
    EXPECT_EQ(both.find_section(".text")->rela()[0].offset, 8U);
}

TEST(Read, ObjectsOfTheToolchainComeBackUnchanged) {
    // The test program itself: an executable with program headers, DWARF and dynamic relocations.
    const MappedFile file("/proc/self/exe");
    EXPECT_TRUE(std::ranges::equal(Object::read(fs::path("/proc/self/exe")).write(), file.bytes()));
}

TEST(Read, EditedExecutablesAreRefused) {
    Object object = Object::read(fs::path("/proc/self/exe"));
    object.find_section(".text")->name = ".other";
    EXPECT_THAT(error_of([&] { (void)object.write(); }), HasSubstr("only relocatable files"));
}

TEST(Read, PointersSurviveAMove) {
    Object object = sample();
    const Section* text = object.find_section(".text.first");
    const Bytes content = text->content();
    Object other = std::move(object);
    EXPECT_EQ(other.find_section(".text.first"), text);
    EXPECT_EQ(text->content().data(), content.data());
    const std::vector<std::byte> bytes = other.write();
    EXPECT_EQ(Object::read(bytes, "moved.o").write(), bytes);
}

}  // namespace
}  // namespace klp::elf
