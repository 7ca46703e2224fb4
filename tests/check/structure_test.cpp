// SPDX-License-Identifier: GPL-2.0-or-later
// Every rule on a module's structure, each with the one change to a sound module that breaks it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "check/structure_rules.hpp"
#include "support/machine_kernels.hpp"
#include "support/sound_livepatch.hpp"

namespace klp::check::structure_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Edit = std::function<void(elf::Object&)>;

constexpr std::string_view vmlinux_section = ".klp.rela.vmlinux..text.new_show";
constexpr std::string_view late_section = ".klp.rela.late..text.late_show";
constexpr std::string_view vmlinux_symbol = ".klp.sym.vmlinux.helper,0";
constexpr std::string_view late_symbol = ".klp.sym.late.helper,2";

std::vector<Finding> findings_of(const elf::Object& object) {
    Diagnostics diagnostics;
    check_structure(object, diagnostics);
    return diagnostics.findings();
}

std::vector<std::string> ids_of(const elf::Object& object) {
    std::vector<std::string> ids;
    for (const Finding& finding : findings_of(object)) ids.push_back(finding.id);
    return ids;
}

elf::Object edited(const Edit& edit) {
    elf::Object object = test::sound_livepatch();
    edit(object);
    return elf::Object::read(object.write(), "test.ko");
}

elf::Object with_text(std::string_view from, std::string_view to) {
    return test::sound_livepatch(test::replaced(test::sound_text, from, to));
}

elf::Object with_more(std::string_view text) {
    return test::sound_livepatch(std::string(test::sound_text) + std::string(text));
}

elf::Section& section(elf::Object& object, std::string_view name) {
    elf::Section* found = object.find_section(name);
    if (found == nullptr) throw Error("no section " + std::string(name));
    return *found;
}

elf::Symbol& symbol(elf::Object& object, std::string_view name) {
    elf::Symbol* found = object.find_symbol(name);
    if (found == nullptr) throw Error("no symbol " + std::string(name));
    return *found;
}

TEST(Structure, TellsOfEachAddressThatOutlivesTheModule) {
    const auto findings = findings_of(with_text("license=GPL",
                                                "license=GPL\"\n.string \"klpkit_outlives=vmlinux: 'a' in "
                                                "'f'+0x4\"\n.string \"klpkit_outlives=ext4: 'b' in 'g'+0x8"));
    ASSERT_THAT(findings, SizeIs(1));
    EXPECT_EQ(findings[0].severity, Severity::warning);
    EXPECT_THAT(findings[0].notes, ElementsAre("vmlinux: 'a' in 'f'+0x4", "ext4: 'b' in 'g'+0x8"));
}

TEST(Structure, TellsOfAllThatItsAuthorAccepted) {
    const auto findings = findings_of(with_text("license=GPL",
                                                "license=GPL\"\n.string \"klpkit_accepted=diff.layout:foo\"\n"
                                                ".string \"klpkit_accepted=diff.layout:bar"));
    ASSERT_THAT(findings, SizeIs(1));
    EXPECT_EQ(findings[0].severity, Severity::warning);
    EXPECT_THAT(findings[0].notes, ElementsAre("diff.layout:foo", "diff.layout:bar"));
}

TEST(Structure, OfASoundModuleHasNoFinding) {
    EXPECT_THAT(ids_of(test::sound_livepatch()), IsEmpty());
}

struct Case {
    std::string id;
    std::function<elf::Object()> module;
};
void PrintTo(const Case& each, std::ostream* out) {
    *out << each.id;
}

class Rules : public testing::TestWithParam<Case> {};

TEST_P(Rules, AreBrokenByOneChange) {
    EXPECT_THAT(ids_of(GetParam().module()), ElementsAre(GetParam().id));
}

Case text(std::string id, std::string from, std::string to) {
    return {std::move(id), [from, to] { return with_text(from, to); }};
}
Case more(std::string id, std::string text) {
    return {std::move(id), [text] { return with_more(text); }};
}
Case edit(std::string id, Edit change) {
    return {std::move(id), [change] { return edited(change); }};
}

INSTANTIATE_TEST_SUITE_P(
    Module, Rules,
    testing::Values(
        Case{"check.not-module", [] { return test::assemble("nop\n"); }},
        Case{"check.not-module", [] { return test::assemble(".section .modinfo,\"a\"\n.string \"name=x\"\n"); }},
        edit("check.not-module",
             [](elf::Object& object) { section(object, ".gnu.linkonce.this_module").name = ".this_module"; }),
        text("check.not-livepatch", "livepatch=Y", "intree=Y"),
        text("check.livepatch-value", "livepatch=Y", "livepatch=N"),
        text("check.livepatch-value", "depends=", "livepatch=Y"),
        text("check.license", "license=GPL", "license=Proprietary"), text("check.license", "license=GPL", "author=GPL"),
        text("check.module-name", "name=livepatch_sound", "noname=x"),
        text("check.module-name", "name=livepatch_sound", "name=live-patch"),
        text("check.module-name", "name=livepatch_sound", "name=livepatch_soun"),
        text("check.vermagic-missing", "vermagic=", "magic="),
        text("check.pins-object", "depends=", "depends=other,late"),
        text("check.outlives", "license=GPL", "klpkit_outlives=vmlinux: 'work' in 'show'+0x4\"\n.string \"license=GPL"),
        text("check.accepted", "license=GPL", "klpkit_accepted=diff.layout:foo\"\n.string \"license=GPL"),
        text("check.forced", "license=GPL", "klpkit_forced=vmlinux:unsafe:show\"\n.string \"license=GPL"),
        text("check.init", "klp_enable_patch", "klp_register_patch"),
        edit("check.init", [](elf::Object& object) { symbol(object, "init_module").name = "start_module"; }),
        edit("check.init",
             [](elf::Object& object) {
                 for (elf::Relocation& each : section(object, ".init.text").relocations_section->relocations)
                     if (each.symbol->name == "klp_enable_patch") each.symbol = &symbol(object, "patch");
             }),
        text("check.enabled-twice", "jmp klp_enable_patch", "call klp_enable_patch\njmp klp_enable_patch"),
        more("check.arch-section", ".section .klp.arch.late.altinstructions,\"a\"\n.zero 12\n")));

INSTANTIATE_TEST_SUITE_P(OtherForms, Rules,
                         testing::Values(more("check.other-form", ".section .klp.rel.vmlinux..text,\"a\"\n.zero 24\n"),
                                         more("check.other-form", ".section .kpatch.dynrelas,\"a\"\n.zero 24\n"),
                                         more("check.other-form", ".section .kpatch.symbols,\"a\"\n.zero 24\n")));

INSTANTIATE_TEST_SUITE_P(
    Symbols, Rules,
    testing::Values(
        edit("check.other-form",
             [](elf::Object& object) { symbol(object, late_symbol).name = ".klp.sym.late.helper"; }),
        edit("check.symbol-name", [](elf::Object& object) { symbol(object, late_symbol).name = "helper"; }),
        edit("check.symbol-name",
             [](elf::Object& object) { symbol(object, late_symbol).name = ".klp.sym.late.a,b,0"; }),
        edit("check.not-marked",
             [](elf::Object& object) { symbol(object, late_symbol).placement = elf::Placement::undefined; }),
        edit("check.object-name",
             [](elf::Object& object) { symbol(object, late_symbol).name = ".klp.sym.la-te.helper,0"; }),
        edit("check.symbol-kind", [](elf::Object& object) { symbol(object, late_symbol).type = STT_TLS; }),
        edit("check.symbol-unused",
             [](elf::Object& object) { test::add_livepatch_symbol(object, ".klp.sym.late.unused,0"); }),
        Case{"check.symbol-order",
             [] {
                 std::vector<std::byte> bytes = test::sound_livepatch().write();
                 const elf::Object object = elf::Object::read(bytes, "test.ko");
                 const std::uint32_t index = object.find_section(".symtab")->original_index;
                 const auto headers = load<std::uint64_t>(Bytes(bytes).subspan(0x28, 8), ByteOrder::little);
                 store<std::uint32_t>(MutableBytes(bytes).subspan(headers + index * 64 + 0x2c, 4), 1,
                                      ByteOrder::little);
                 return elf::Object::read(bytes, "test.ko");
             }},
        edit("check.lost-sections",
             [](elf::Object& object) {
                 object.remove_sections({&section(object, vmlinux_section), &section(object, late_section)});
             }),
        edit("check.lost-symbol", [](elf::Object& object) {
            section(object, late_section).relocations.front().symbol = object.null_symbol();
            object.remove_symbols({&symbol(object, late_symbol)});
        })));

// Adds a second livepatch symbol that a second relocation in the same section uses.
Edit with_second_symbol(std::string name) {
    return [name](elf::Object& object) {
        elf::Section& code = section(object, ".text.late_show");
        code.edit().resize(32);
        section(object, late_section)
            .relocations.push_back({16, R_X86_64_PC32, &test::add_livepatch_symbol(object, name), 0});
    };
}

INSTANTIATE_TEST_SUITE_P(SymbolPairs, Rules,
                         testing::Values(edit("check.symbol-repeated", with_second_symbol(".klp.sym.late.helper,2")),
                                         edit("check.position-conflict",
                                              with_second_symbol(".klp.sym.late.helper,0"))));

INSTANTIATE_TEST_SUITE_P(
    Sections, Rules,
    testing::Values(
        edit("check.section-flag",
             [](elf::Object& object) { section(object, late_section).flags &= ~elf::shf_rela_livepatch; }),
        edit("check.section-name", [](elf::Object& object) { section(object, late_section).name = ".klp.rela.late"; }),
        edit("check.section-alloc",
             [](elf::Object& object) { section(object, late_section).flags &= ~std::uint64_t{SHF_ALLOC}; }),
        edit("check.section-type",
             [](elf::Object& object) {
                 object.add_section(".klp.rela.late..data", SHT_PROGBITS, SHF_ALLOC | elf::shf_rela_livepatch)
                     .set_content(std::vector<std::byte>(24));
             }),
        edit("check.target-name",
             [](elf::Object& object) { section(object, late_section).name = ".klp.rela.late..text"; }),
        edit("check.section-empty",
             [](elf::Object& object) {
                 object.add_rela_section(".klp.rela.late..data", SHF_ALLOC | elf::shf_rela_livepatch,
                                         section(object, ".data"));
             }),
        edit("check.section-target",
             [](elf::Object& object) {
                 elf::Section& rela =
                     object.add_section(".klp.rela.late..data", SHT_RELA, SHF_ALLOC | elf::shf_rela_livepatch, 8);
                 rela.entry_size = 24;
                 rela.set_content(std::vector<std::byte>(24));
             }),
        edit("check.section-target",
             [](elf::Object& object) {
                 elf::Section& notes = object.add_section(".notes", SHT_PROGBITS, 0);
                 notes.set_content(std::vector<std::byte>(8));
                 object.add_rela_section(".klp.rela.late..notes", SHF_ALLOC | elf::shf_rela_livepatch, notes)
                     .relocations.push_back({0, R_X86_64_64, &symbol(object, late_symbol), 0});
             }),
        edit("check.section-target",
             [](elf::Object& object) {
                 elf::Section& bss = section(object, ".bss");
                 bss.set_nobits_size(8);
                 object.add_rela_section(".klp.rela.late..bss", SHF_ALLOC | elf::shf_rela_livepatch, bss)
                     .relocations.push_back({0, R_X86_64_64, &symbol(object, late_symbol), 0});
             }),
        edit("check.section-repeated", [](elf::Object& object) {
            section(object, ".text.late_show").edit().resize(32);
            object
                .add_rela_section(std::string(late_section), SHF_ALLOC | elf::shf_rela_livepatch,
                                  section(object, ".text.late_show"))
                .relocations.push_back({16, R_X86_64_PC32, &symbol(object, late_symbol), 0});
        })));

// Adds a relocation of the late symbol to `target`, which `text` adds to the module.
Case late_relocation(std::string id, std::string text, std::string target, std::uint64_t offset) {
    return {std::move(id), [=] {
                elf::Object object = with_more(text);
                object
                    .add_rela_section(".klp.rela.late." + target, SHF_ALLOC | elf::shf_rela_livepatch,
                                      section(object, target))
                    .relocations.push_back({offset, R_X86_64_PC32, &symbol(object, late_symbol), 0});
                return elf::Object::read(object.write(), "test.ko");
            }};
}

INSTANTIATE_TEST_SUITE_P(
    Relocations, Rules,
    testing::Values(
        edit("check.ordinary-symbol",
             [](elf::Object& object) {
                 elf::Section& code = section(object, ".text.late_show");
                 code.edit().resize(32);
                 section(object, late_section)
                     .relocations.push_back({16, R_X86_64_PC32, &symbol(object, "new_show"), 0});
             }),
        edit("check.ordinary-section",
             [](elf::Object& object) {
                 object.add_relocation(section(object, ".data"), {48, R_X86_64_64, &symbol(object, late_symbol), 0});
             }),
        edit("check.relocation-type",
             [](elf::Object& object) { section(object, late_section).relocations.front().type = R_X86_64_GOTPCREL; }),
        edit("check.place", [](elf::Object& object) { section(object, late_section).relocations.front().offset = 4; }),
        edit("check.place-not-zero",
             [](elf::Object& object) { section(object, ".text.late_show").edit()[2] = std::byte{1}; }),
        edit("check.overlap",
             [](elf::Object& object) {
                 section(object, ".text.late_show").edit().resize(16);
                 elf::Section& rela = section(object, late_section);
                 const elf::Relocation first = rela.relocations.front();
                 rela.relocations.push_back({first.offset + 3, R_X86_64_PC32, first.symbol, 0});
                 section(object, ".text.late_show").edit()[5] = std::byte{0};
             }),
        edit("check.vmlinux-section",
             [](elf::Object& object) {
                 section(object, ".text.new_show").edit().resize(32);
                 section(object, vmlinux_section)
                     .relocations.push_back({16, R_X86_64_PC32, &symbol(object, late_symbol), 0});
             }),
        edit("check.module-section",
             [](elf::Object& object) {
                 section(object, ".text.late_show").edit().resize(32);
                 section(object, late_section)
                     .relocations.push_back({16, R_X86_64_PC32, &symbol(object, vmlinux_symbol), 0});
             }),
        late_relocation("check.static-key", ".section __jump_table,\"aw\"\n.zero 16\n", "__jump_table", 8),
        late_relocation("check.static-call", ".section .static_call_sites,\"aw\"\n.zero 8\n", ".static_call_sites", 4),
        late_relocation("check.late-special", ".section .altinstructions,\"a\"\n.zero 14\n", ".altinstructions", 0),
        late_relocation("check.late-special", ".section .altinstr_replacement,\"ax\"\n.zero 5\n",
                        ".altinstr_replacement", 1),
        late_relocation("check.early-data", ".section __param,\"a\"\n.zero 40\n", "__param", 32),
        late_relocation("check.early-data",
                        ".section __param,\"a\"\n.zero 32\n.quad array\n.section .rodata.array,\"a\"\n"
                        ".type array, @object\narray: .zero 16\n.size array, 16\n",
                        ".rodata.array", 8),
        late_relocation("check.per-cpu", ".section .data..percpu,\"aw\"\n.zero 8\n", ".data..percpu", 0)));

// A third klp_object, whose name and table are given.
Case third_object(std::string id, const std::string& name, const std::string& table) {
    const std::string entry = ".Lthird, " + table;
    return {std::move(id), [=] {
                const std::string text = test::replaced(test::sound_text, "    .zero 96\n",
                                                        "    .quad " + entry + "\n    .zero 80\n    .zero 96\n");
                return test::sound_livepatch(
                    text +
                    "    .type no_funcs, @object\n    no_funcs: .zero 128\n"
                    "    .size no_funcs, 128\n    .section .rodata.str1.1\n    .Lthird: .string \"" +
                    name + "\"\n");
            }};
}

INSTANTIATE_TEST_SUITE_P(
    Tables, Rules,
    testing::Values(
        text("check.no-tables", "patch: .quad __this_module, objs", "patch: .quad 0, objs"),
        third_object("check.object-empty", "third", "no_funcs"),
        third_object("check.object-name", "thi-rd", "late_funcs"),
        text("check.object-name", "objs: .quad 0, funcs",
             "objs: .quad .Lvm, funcs\n .pushsection .rodata.str1.1\n .Lvm: .string \"vmlinux\"\n .popsection"),
        // The last but one byte but seven of each klp_func is its nop.
        text("check.nop-entry", "funcs: .quad .Lshow, new_show, 0\n    .zero 104",
             "funcs: .quad .Lshow, 0, 0\n    .zero 32\n    .quad 1\n    .zero 64"),
        third_object("check.object-repeated", "late", "late_funcs"),
        text("check.object-unpatched", ".Llate: .string \"late\"", ".Llate: .string \"later\""),
        text("check.function-repeated", "    funcs: .quad .Lshow, new_show, 0\n    .zero 104",
             "    funcs: .quad .Lshow, new_show, 0\n    .zero 40\n    .quad .Lshow, new_show, 1\n    .zero 104"),
        text("check.new-function", "funcs: .quad .Lshow, new_show, 0", "funcs: .quad .Lshow, new_show + 5, 0"),
        text("check.new-function", "funcs: .quad .Lshow, new_show, 0", "funcs: .quad .Lshow, init_module, 0")));

// The livepatch chooses when it is loaded: what it patches is looked at in each, and nothing is there twice.
TEST(Structure, OfSeveralPatchesIsThatOfEach) {
    const std::string second = R"(
        .data
        .type patch_2, @object
        patch_2: .quad __this_module, objs_2, 0, 1
        .zero 64
        .size patch_2, . - patch_2
        .type objs_2, @object
        objs_2: .quad 0, FUNCS
        .zero 176
        .size objs_2, . - objs_2
    )";
    EXPECT_THAT(ids_of(with_more(test::replaced(second, "FUNCS", "funcs"))), IsEmpty());
    const auto unreadable = findings_of(with_more(test::replaced(second, "FUNCS", "bad") + R"(
        .type bad, @object
        bad: .quad .Lshow, new_show, 0
        .zero 40
        .quad .Lshow, .Lshow, 0
        .zero 104
        .size bad, . - bad
    )"));
    ASSERT_THAT(unreadable, SizeIs(1));
    EXPECT_EQ(unreadable[0].id, "check.no-tables");
}

TEST(Structure, OfWhatCannotBeReadHasThePlace) {
    const auto findings = findings_of(with_text("funcs: .quad .Lshow, new_show, 0", "funcs: .quad .Lshow, 0, 0"));
    ASSERT_THAT(findings, SizeIs(1));
    EXPECT_EQ(findings[0].id, "check.no-tables");
    EXPECT_THAT(findings[0].notes, ElementsAre("(.data+0x60): new_func of a klp_func is null"));
}

TEST(Structure, OfAnUnknownMachineIsNotLookedAt) {
    for (const std::uint16_t machine : std::initializer_list<std::uint16_t>{
             EM_SPARCV9, EM_X86_64}) {  // a machine of the other byte order is none either
        elf::Object object(machine, ByteOrder::big);
        for (const char* name : {".modinfo", ".gnu.linkonce.this_module"})
            object.add_section(name, SHT_PROGBITS, SHF_ALLOC).set_content(std::vector<std::byte>(8));
        const elf::Object module = elf::Object::read(object.write(), "other.ko");
        EXPECT_THAT(ids_of(module), ElementsAre("check.machine"));
    }
}

TEST(Structure, OfAProgramIsNotLookedAt) {
    std::vector<std::byte> bytes = test::sound_livepatch().write();
    store<std::uint16_t>(MutableBytes(bytes).subspan(16, 2), ET_EXEC, ByteOrder::little);
    EXPECT_THAT(ids_of(elf::Object::read(bytes, "test.ko")), ElementsAre("check.not-module"));
}

// klp_find_object_symbol() takes position 1 of a unique symbol.
TEST(Structure, AllowsPositionsZeroAndOneOfASymbol) {
    EXPECT_THAT(ids_of(edited([](elf::Object& object) {
                    symbol(object, late_symbol).name = ".klp.sym.late.helper,0";
                    with_second_symbol(".klp.sym.late.helper,1")(object);
                })),
                IsEmpty());
}

TEST(Structure, OfAThousandFaultsHasAShortReport) {
    const elf::Object object = edited([](elf::Object& module) {
        for (int i = 0; i < 1000; ++i) test::add_livepatch_symbol(module, "odd" + std::to_string(i));
    });
    const auto findings = findings_of(object);
    ASSERT_THAT(findings, SizeIs(RuleFindings::most_of_a_rule));
    EXPECT_THAT(findings.back().notes, ElementsAre("980 more findings of this rule are not shown"));
}

TEST(Finding, SaysWhere) {
    const auto findings =
        findings_of(edited([](elf::Object& object) { section(object, ".text.late_show").edit()[2] = std::byte{1}; }));
    ASSERT_THAT(findings, SizeIs(1));
    EXPECT_EQ(findings[0].where.text(), "test.ko:(.text.late_show+0x1)");
    EXPECT_THAT(findings[0].message, HasSubstr(late_section));
}

// The instruction that the relocation writes to becomes a branch without link.
TEST(TailCall, OfALivepatchSymbolLosesR2) {
    const test::Machine& machine = test::machine_with(EM_PPC64);
    if (!test::has_assembler(machine)) GTEST_SKIP() << "no assembler";
    elf::Object object = test::livepatch_for(machine);
    EXPECT_THAT(ids_of(object), testing::Not(testing::Contains("check.tail-call")));
    elf::Section& code = *object.find_section(".text.new_show");
    const std::uint64_t call = object.find_section(vmlinux_section)->relocations.front().offset;
    code.edit().at(call) &= ~std::byte{1};
    const auto findings = findings_of(object);
    ASSERT_THAT(findings, testing::Contains(testing::Field(&Finding::id, "check.tail-call")));
    EXPECT_THAT(std::ranges::find(findings, "check.tail-call", &Finding::id)->message,
                HasSubstr("branch to '.klp.sym.vmlinux.helper,0': the branch does not come back"));
}

}  // namespace
}  // namespace klp::check::structure_test
