// SPDX-License-Identifier: GPL-2.0-or-later
// Edited objects, as readelf, ld and this library's own reader see them.
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf_test_support.hpp"

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

namespace klp::elf {
namespace {

Symbol function_symbol(std::string name, Section& section, std::uint8_t binding) {
    Symbol symbol;
    symbol.name = std::move(name);
    symbol.placement = Placement::section;
    symbol.section = &section;
    symbol.size = section.size();
    symbol.type = STT_FUNC;
    symbol.binding = binding;
    return symbol;
}

// A function with one relocation against an undefined symbol.
Object fresh(ByteOrder order, std::uint16_t machine) {
    Object object(machine, order);
    Section& text = object.add_section(".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 16);
    text.set_content(std::vector<std::byte>(16));
    Symbol undefined;
    undefined.name = "printk";
    undefined.binding = STB_GLOBAL;
    Symbol& printk = object.add_symbol(undefined);
    object.add_symbol(function_symbol("late_local", text, STB_LOCAL));
    object.add_symbol(function_symbol("global", text, STB_GLOBAL));
    object.add_relocation(text, {.offset = 8, .type = 1, .symbol = &printk, .addend = -4});
    return object;
}

TEST(Edit, NewObjectsAreReadBackInBothByteOrders) {
    for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
        const Object object = fresh(order, order == ByteOrder::big ? EM_S390 : EM_X86_64);
        const Object again = Object::read(object.write(), "fresh.o");
        EXPECT_EQ(again.order(), order);
        ASSERT_EQ(again.symbols().size(), 3U);
        EXPECT_EQ(again.symbols()[0]->name, "late_local");  // locals first
        const Section* text = again.find_section(".text");
        ASSERT_EQ(text->rela().size(), 1U);
        EXPECT_EQ(text->rela()[0].symbol, again.find_symbol("printk"));
        EXPECT_EQ(text->rela()[0].addend, -4);
        EXPECT_THAT(readelf(object, "-aW"), HasSubstr("printk"));
    }
    link_again(fresh(ByteOrder::little, EM_X86_64));
}

TEST(Edit, WritingIsDeterministic) {
    EXPECT_EQ(fresh(ByteOrder::little, EM_X86_64).write(), fresh(ByteOrder::little, EM_X86_64).write());
    Object edited = sample();
    edited.find_section(".data")->name = ".data.renamed";
    const std::vector<std::byte> bytes = edited.write();
    EXPECT_EQ(edited.write(), bytes);
    EXPECT_EQ(Object::read(bytes, "again.o").write(), bytes);
}

TEST(Edit, EditedObjectsKeepTheRest) {
    Object object = sample();
    object.find_section(".data")->edit()[0] = std::byte{0x5a};
    object.find_symbol("first")->name = "renamed";
    const Object again = Object::read(object.write(), "edited.o");
    EXPECT_EQ(again.find_section(".data")->content()[0], std::byte{0x5a});
    EXPECT_EQ(again.sections().size(), object.sections().size());
    EXPECT_EQ(again.symbols().size(), object.symbols().size());
    EXPECT_EQ(again.find_section(".data")->rela()[0].symbol->name, "renamed");
    EXPECT_EQ(again.find_section(".group")->group_signature->name, "helper");
    EXPECT_EQ(again.find_section(".group")->group_members.size(), 2U);
    EXPECT_THAT(readelf(object, "-aW"), AllOf(HasSubstr("renamed"), HasSubstr("COMDAT group section")));
    link_again(object);
}

TEST(Edit, RemovedSectionsTakeTheirRelocationsGroupsAndSectionSymbolsAlong) {
    Object object = sample();
    Section* helper = object.find_section(".text.helper");
    (void)object.section_symbol(*helper);
    Symbol* symbol = object.find_symbol("helper");
    symbol->placement = Placement::undefined;
    symbol->section = nullptr;
    symbol->binding = STB_GLOBAL;
    object.remove_sections({helper});
    EXPECT_EQ(object.find_section(".rela.text.helper"), nullptr);
    EXPECT_EQ(object.find_section(".group"), nullptr);
    for (const auto& left : object.symbols()) EXPECT_NE(left->section, helper);
    EXPECT_THAT(readelf(object, "-sW"), ContainsRegex("GLOBAL DEFAULT +UND helper"));
    link_again(object);
}

TEST(Edit, ReferencesToWhatWasRemovedAreErrors) {
    Object object = sample();
    object.remove_symbols({object.find_symbol("external")});
    EXPECT_EQ(error_of([&] { (void)object.write(); }),
              "test.o:(.rela.text.helper): refers to symbol 'external', which was removed");
    Object other = sample();
    other.remove_sections({other.find_section(".text.first")});
    EXPECT_THAT(error_of([&] { (void)other.write(); }), HasSubstr("is in section '.text.first', which was removed"));
    Object unsectioned = sample();
    unsectioned.remove_sections({unsectioned.find_section(".bss")});
    unsectioned.remove_symbols({unsectioned.find_symbol("counter")});
    EXPECT_THAT(error_of([&] { (void)unsectioned.write(); }),
                HasSubstr("(.rela.text.helper): refers to the symbol of section '.bss', which was removed"));
    Object linked = fresh(ByteOrder::little, EM_X86_64);
    Section& gone = linked.add_section(".gone", SHT_PROGBITS, SHF_ALLOC);
    linked.find_section(".text")->link = &gone;
    linked.remove_sections({&gone});
    EXPECT_THAT(error_of([&] { (void)linked.write(); }), HasSubstr("(.text): sh_link is section '.gone', which was"));
}

TEST(Edit, ANewSymbolIsNotMistakenForARemovedOne) {
    Object object = sample();
    object.remove_symbols({object.find_symbol("external")});
    for (int i = 0; i < 100; ++i) object.add_symbol({.name = "new", .binding = STB_GLOBAL});
    EXPECT_THAT(error_of([&] { (void)object.write(); }), HasSubstr("which was removed"));
}

TEST(Edit, LivepatchSectionsAndSymbolsAreWhatTheKernelAsksFor) {
    Object object = fresh(ByteOrder::little, EM_X86_64);
    Section& text = *object.find_section(".text");
    Symbol symbol;
    symbol.name = ".klp.sym.vmlinux.printk,0";
    symbol.placement = Placement::livepatch;
    symbol.binding = STB_GLOBAL;
    Symbol& livepatch = object.add_symbol(symbol);
    Section& rela = object.add_rela_section(".klp.rela.vmlinux..text", SHF_ALLOC | shf_rela_livepatch, text);
    rela.relocations.push_back({.offset = 4, .type = 2, .symbol = &livepatch, .addend = 0});
    EXPECT_EQ(text.relocations_section->name, ".rela.text");
    const Object again = Object::read(object.write(), "livepatch.o");
    EXPECT_EQ(again.find_symbol(".klp.sym.vmlinux.printk,0")->placement, Placement::livepatch);
    const Section* found = again.find_section(".klp.rela.vmlinux..text");
    EXPECT_EQ(found->flags, SHF_ALLOC | SHF_INFO_LINK | shf_rela_livepatch);
    EXPECT_EQ(found->target->name, ".text");
    EXPECT_EQ(found->target->relocations_section->name, ".rela.text");
    EXPECT_THAT(readelf(object, "-sW"), HasSubstr("OS [0xff20] .klp.sym.vmlinux.printk,0"));
}

TEST(Edit, RelaSectionForJoinsTheGroupOfItsTarget) {
    Object object = test::assemble(".section .text.f,\"axG\",@progbits,f,comdat\n.weak f\nf: nop\nnop\n");
    Section* target = object.find_section(".text.f");
    Section& rela = object.rela_section_for(*target);
    EXPECT_EQ(&object.rela_section_for(*target), &rela);
    EXPECT_EQ(object.find_section(".group")->group_members.size(), 2U);
    object.add_relocation(*target, {.offset = 0});
    link_again(object);
}

TEST(Edit, SortRelocationsKeepsTheOrderOfEqualOffsets) {
    Object object = fresh(ByteOrder::little, EM_X86_64);
    Section& text = *object.find_section(".text");
    object.add_relocation(text, {.offset = 2, .type = 7});
    object.add_relocation(text, {.offset = 2, .type = 8});
    text.sort_relocations();
    ASSERT_EQ(text.rela().size(), 3U);
    EXPECT_EQ(text.rela()[0].type, 7U);
    EXPECT_EQ(text.rela()[1].type, 8U);
    EXPECT_EQ(text.rela()[2].offset, 8U);
    EXPECT_EQ(text.rela()[0].symbol, object.null_symbol());
}

TEST(Edit, ContentTurnsNobitsIntoProgbitsAndBack) {
    Object object = sample();
    Section* bss = object.find_section(".bss");
    bss->edit().resize(80);
    EXPECT_EQ(bss->type, static_cast<std::uint32_t>(SHT_PROGBITS));
    EXPECT_EQ(bss->size(), 80U);
    bss->set_nobits_size(32);
    EXPECT_TRUE(bss->is_nobits());
    EXPECT_EQ(Object::read(object.write(), "bss.o").find_section(".bss")->size(), 32U);
}

TEST(Edit, RelocationsPastTheEndAreErrors) {
    Object object = fresh(ByteOrder::little, EM_X86_64);
    object.find_section(".text")->set_content(std::vector<std::byte>(8));
    EXPECT_THAT(error_of([&] { (void)object.write(); }), HasSubstr("relocation at 0x8 is past the end"));
}

// More sections than a 16-bit index can name.
TEST(Edit, ExtendedSectionNumbersWorkBothWays) {
    Object object(EM_X86_64, ByteOrder::little);
    constexpr std::size_t count = SHN_LORESERVE + 20;
    for (std::size_t i = 0; i < count; ++i) {
        Section& section = object.add_section(".text.f", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR);
        if (i == 3 || i == count - 1) section.set_content(std::vector<std::byte>(i == 3 ? 4 : 8));
    }
    object.add_symbol(function_symbol("low", *object.sections()[3], STB_LOCAL));
    object.add_symbol(function_symbol("high", *object.sections()[count - 1], STB_GLOBAL));
    object.add_relocation(*object.sections()[count - 1], {.offset = 1, .type = 2, .symbol = object.find_symbol("low")});
    const std::vector<std::byte> bytes = object.write();
    Object again = Object::read(bytes, "large.o");
    EXPECT_EQ(again.sections().size(), count + 5);  // RELA, three tables, and .symtab_shndx
    EXPECT_EQ(again.find_symbol("high")->section->original_index, count);
    EXPECT_EQ(again.find_symbol("high")->section->rela().size(), 1U);
    EXPECT_EQ(again.find_symbol("low")->section->size(), 4U);
    EXPECT_EQ(again.write(), bytes);
    again.find_symbol("low")->name = "lower";
    const Object third = Object::read(again.write(), "larger.o");
    EXPECT_EQ(third.sections().size(), count + 5);
    EXPECT_EQ(third.find_symbol("high")->section->size(), 8U);
    EXPECT_THAT(readelf(object, "-hW"), Not(HasSubstr("Warning")));
    EXPECT_THAT(readelf(object, "-sW"), HasSubstr("65300 high"));
}

}  // namespace
}  // namespace klp::elf
