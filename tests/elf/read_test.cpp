// SPDX-License-Identifier: GPL-2.0-or-later
// What reading finds in an object, and that writing it gives it back.
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
