// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "check/other_forms.hpp"
#include "check/structure_rules.hpp"
#include "support/sound_livepatch.hpp"

namespace klp::check::other_forms_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> forms_of(std::string_view more, const std::string& symbol = {}) {
    elf::Object object = test::sound_livepatch(std::string(test::sound_text) + std::string(more));
    if (!symbol.empty()) test::add_livepatch_symbol(object, symbol);
    std::vector<std::string> names;
    for (const OtherForm& each : check::inspect_module(elf::Object::read(object.write(), "test.ko")).other_forms)
        names.push_back(std::string(name_of(each.form)) + " " + each.name + " " + std::to_string(each.count));
    return names;
}

TEST(OtherForms, AreKnownByTheirNames) {
    EXPECT_THAT(forms_of(""), IsEmpty());
    EXPECT_THAT(forms_of(".section .klp.rel.late..text,\"a\"\n.zero 8\n"),
                ElementsAre("rel-section .klp.rel.late..text 1"));
    EXPECT_THAT(forms_of("", ".klp.sym.late.helper"), ElementsAre("position-in-st-other .klp.sym.late.helper 1"));
    EXPECT_THAT(forms_of(".section .kpatch.dynrelas,\"a\"\n.zero 8\n.section .kpatch.symbols,\"a\"\n.zero 8\n"
                         ".section .kpatch.relocations,\"a\"\n.zero 8\n.section .kpatch.funcs,\"a\"\n.zero 8\n"),
                ElementsAre("kpatch-dynrela .kpatch.dynrelas 1", "kpatch-intermediate .kpatch.symbols 2",
                            "kpatch-functions .kpatch.funcs 1"));
    EXPECT_THAT(forms_of(".section __klp_relocs.late,\"a\"\n.zero 8\n.section .init.klp_objects,\"a\"\n",
                         ".klp.tombstone.helper"),
                ElementsAre("klp-build-relocations __klp_relocs.late 1", "klp-build-tables .init.klp_objects 1",
                            "klp-build-tombstone .klp.tombstone.helper 1"));
    EXPECT_THAT(forms_of(".section .kpatch.functions,\"a\"\n.section __klp_relocations,\"a\"\n"), IsEmpty());
}

TEST(OtherForms, SymbolsOfNoFormAreRefused) {
    elf::Object object = test::sound_livepatch(test::sound_text);
    test::add_livepatch_symbol(object, ".klp.symbol");
    EXPECT_THAT([&] { (void)inspect_module(object); },
                testing::ThrowsMessage<Error>(testing::HasSubstr("livepatch symbol '.klp.symbol'")));
}

TEST(ArchSection, HasObjectAndSection) {
    const auto object = test::sound_livepatch(std::string(test::sound_text) +
                                              ".section .klp.arch.late..altinstructions,\"a\"\n.zero 12\n");
    const auto module = format::read_module(object);
    ASSERT_THAT(module.arch_sections, SizeIs(1));
    EXPECT_EQ(module.arch_sections[0].name, ".klp.arch.late..altinstructions");
    EXPECT_EQ(module.arch_sections[0].object, "late");
    EXPECT_EQ(module.arch_sections[0].section, ".altinstructions");
    EXPECT_FALSE(format::parse_arch_name(".klp.arch.late"));
    EXPECT_FALSE(format::parse_arch_name(".klp.rela.late..text"));
}

// include/linux/livepatch_external.h of Linux 7.x: name, funcs, four callbacks, u32 nr_funcs; old_name, new_func,
// sympos.
constexpr std::string_view klp_build_tables = R"(
    .section .init.klp_funcs,"aw"
    .quad .Lshow, new_show, 0
    .quad .Lshow, late_show, 3
    .section .init.klp_objects,"aw"
    .quad 0, .init.klp_funcs, 0, 0, 0, 0
    .long 1, 0
    .quad .Llate, .init.klp_funcs + 24, late_show, 0, 0, 0
    .long 1, 0
)";

TEST(KlpBuildTables, HaveObjectsAndFunctions) {
    const auto module =
        format::read_module(test::sound_livepatch(std::string(test::sound_text) + std::string(klp_build_tables)));
    ASSERT_THAT(module.objects, SizeIs(2));
    EXPECT_EQ(module.objects[0].name, "vmlinux");
    EXPECT_FALSE(module.objects[0].has_callbacks);
    EXPECT_EQ(module.objects[1].name, "late");
    EXPECT_TRUE(module.objects[1].has_callbacks);
    ASSERT_THAT(module.objects[1].functions, SizeIs(1));
    EXPECT_EQ(module.objects[1].functions[0].old_name, "show");
    EXPECT_EQ(module.objects[1].functions[0].new_name, "late_show");
    EXPECT_EQ(module.objects[1].functions[0].sympos, 3U);
}

class OddKlpBuildTables : public testing::TestWithParam<std::pair<std::string_view, std::string_view>> {};

TEST_P(OddKlpBuildTables, AreNotGuessedAt) {
    const auto& [from, to] = GetParam();
    const std::string tables = test::replaced(klp_build_tables, from, to);
    EXPECT_THAT(format::read_module(test::sound_livepatch(std::string(test::sound_text) + tables)).objects, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Format, OddKlpBuildTables,
                         testing::Values(std::pair(".long 1, 0\n    .quad .Llate", ".long 3, 0\n    .quad .Llate"),
                                         std::pair(".long 1, 0\n    .quad .Llate", ".long -1, 0\n    .quad .Llate"),
                                         std::pair("new_show, 0", "0, 0"),
                                         std::pair(".quad 0, .init", ".zero 4\n.quad 0, .init"),
                                         std::pair(".quad .Llate,", ".quad patch,"), std::pair("+ 24", "+ 1000"),
                                         std::pair(".quad 0, .init.klp_funcs", ".quad 0, 0")));

// A module of klp-build after `objtool klp post-link` keeps its intermediate sections, and breaks no rule.
TEST(KlpBuildModule, IsSound) {
    elf::Object object = test::sound_livepatch(test::sound_text);
    object.add_section("__klp_relocs.late", SHT_PROGBITS, 0).set_content(std::vector<std::byte>(24));
    elf::Symbol& tombstone = test::add_livepatch_symbol(object, ".klp.tombstone.helper");
    object.add_relocation(*object.find_section(".text.new_show"), {1, R_X86_64_NONE, &tombstone, -4});
    Diagnostics findings;
    check_structure(elf::Object::read(object.write(), "test.ko"), findings);
    for (const Finding& finding : findings.findings()) ADD_FAILURE() << finding.id << " " << finding.message;
}

}  // namespace
}  // namespace klp::check::other_forms_test
