// SPDX-License-Identifier: GPL-2.0-or-later
// What references become when nothing is annotated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "check/structure_rules.hpp"
#include "convert/tiny_source.hpp"

namespace klp::convert::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const std::string of_vmlinux = "vmlinux .text.new_show .klp.sym.vmlinux.from_vmlinux,0";
const std::string of_late = "late .text.late_show .klp.sym.late.from_late,0";

TEST(Convert, UniqueNamesBecomeLivepatchRelocationsOfTheirObjects) {
    const Converted converted = convert_text(klp::test::sound_text);
    EXPECT_THAT(converted.relocations(), UnorderedElementsAre(of_vmlinux, of_late));
    EXPECT_THAT(converted.ids(), IsEmpty());
    EXPECT_THAT(converted.conversion->objects, ElementsAre("vmlinux", "late"));
}

TEST(Convert, TheOutputKeepsEveryRuleOfTheFormat) {
    const Converted converted = convert_text(klp::test::sound_text);
    const elf::Object module = elf::Object::read(converted.conversion->module, "out.ko");
    Diagnostics findings;
    check::check_structure(module, findings);
    EXPECT_THAT(findings.findings(), IsEmpty());
    const elf::Section* section = module.find_section(".klp.rela.late..text.late_show");
    ASSERT_NE(section, nullptr);
    EXPECT_EQ(section->flags, SHF_ALLOC | SHF_INFO_LINK | elf::shf_rela_livepatch);
    EXPECT_EQ(section->target->name, ".text.late_show");
    EXPECT_EQ(module.find_symbol(".klp.sym.late.from_late,0")->placement, elf::Placement::livepatch);
}

TEST(Convert, ExportedSymbolsStayWithTheModuleLoader) {
    const Converted converted = convert_text(klp::test::sound_text);
    const elf::Object module = elf::Object::read(converted.conversion->module, "out.ko");
    EXPECT_EQ(module.find_symbol("klp_enable_patch")->placement, elf::Placement::undefined);
    EXPECT_EQ(module.find_symbol("from_vmlinux"), nullptr);
}

TEST(Convert, TheSameInputGivesTheSameBytes) {
    EXPECT_EQ(convert_text(klp::test::sound_text).conversion->module,
              convert_text(klp::test::sound_text).conversion->module);
}

TEST(Convert, AConvertedModuleIsLeftAlone) {
    const auto once = convert_text(klp::test::sound_text).conversion->module;
    const Converted twice = convert_bytes(once);
    EXPECT_FALSE(twice.conversion->changed);
    EXPECT_EQ(twice.conversion->module, once);
}

// A second reference to what was converted before joins the sections and symbols that are there.
TEST(Convert, AHalfConvertedModuleIsFinished) {
    const std::string text = with("new_show: call from_vmlinux", "new_show: call from_vmlinux\n call other_name");
    elf::Object half = klp::test::assemble(text);
    klp::test::make_livepatch_relocations(half, ".text.new_show", "from_vmlinux", ".klp.rela.vmlinux..text.new_show",
                                          klp::test::add_livepatch_symbol(half, ".klp.sym.vmlinux.from_vmlinux,0"));
    half.find_symbol("other_name")->name = "from_vmlinux";
    const Converted converted = convert_bytes(half.write());
    const elf::Object module = elf::Object::read(converted.conversion->module, "out.ko");
    EXPECT_EQ(module.find_section(".klp.rela.vmlinux..text.new_show")->relocations.size(), 2);
    EXPECT_EQ(
        std::ranges::count_if(module.symbols(), [](const auto& each) { return each->name.starts_with(".klp.sym.v"); }),
        1);
}

TEST(Convert, WhatIsNotLoadedIsNotConverted) {
    const Converted converted = convert_text(with_more(R"(
        .section .debug_info,"",@progbits
        .quad from_vmlinux
    )"));
    EXPECT_THAT(converted.relocations(), UnorderedElementsAre(of_vmlinux, of_late));
}

TEST(Convert, AProgramIsNoModule) {
    std::vector<std::byte> program = klp::test::assemble(klp::test::sound_text).write();
    store<std::uint16_t>(MutableBytes(program).subspan(offsetof(Elf64_Ehdr, e_type)), ET_DYN, ByteOrder::little);
    EXPECT_THAT([&] { (void)convert_bytes(program); },
                testing::ThrowsMessage<Error>(HasSubstr("test.ko: not a kernel module: ELF type 3")));
}

TEST(Convert, ANameThatCouldMeanSeveralIsRefusedWithAllOfThem) {
    const Converted converted = convert_text(with("call from_vmlinux", "call twice"));
    EXPECT_FALSE(converted.conversion.has_value());
    EXPECT_EQ(converted.only().id, "convert.ambiguous");
    EXPECT_EQ(converted.only().where.text(), "test.ko:(.text.new_show+0x1)");
    EXPECT_THAT(converted.only().notes, ElementsAre("vmlinux: position 1 (address 0x3000, twice.c)",
                                                    "vmlinux: position 2 (address 0x4000, twice.c)"));
}

TEST(Convert, CandidatesOfModulesAreNamedByTheirSection) {
    const Converted converted = convert_text(with("call from_late", "call late_twice"));
    EXPECT_THAT(converted.only().notes, ElementsAre("late: position 1 (.text+0x30)", "late: position 2 (.text+0x40)"));
}

TEST(Convert, AnUnknownNameIsRefusedWithSimilarOnes) {
    const Converted converted = convert_text(with("call from_vmlinux", "call from_vmlinuks"));
    EXPECT_EQ(converted.only().id, "convert.unknown-symbol");
    EXPECT_THAT(converted.only().notes, ElementsAre("there is 'from_vmlinux' of vmlinux"));
}

TEST(Convert, CodeOfVmlinuxCannotMeanTheSymbolOfAModule) {
    const Converted converted = convert_text(with("call from_vmlinux", "call anywhere"));
    EXPECT_THAT(converted.relocations(), Contains("vmlinux .text.new_show .klp.sym.vmlinux.anywhere,0"));
}

TEST(Convert, CodeOfAModuleCouldMeanBoth) {
    const Converted converted = convert_text(with("call from_late", "call anywhere"));
    EXPECT_EQ(converted.only().id, "convert.ambiguous");
    EXPECT_THAT(converted.only().notes,
                ElementsAre("vmlinux: position 1 (address 0x8000)", "late: position 1 (.text+0x20)"));
}

TEST(Convert, TheRequestLimitsTheObjects) {
    const std::string text = klp::test::replaced(with("call from_late", "call anywhere"), "call from_vmlinux", "nop");
    const Converted converted = convert_text(text, {}, {{"late"}});
    EXPECT_THAT(converted.relocations(), ElementsAre("late .text.late_show .klp.sym.late.anywhere,0"));
}

TEST(Convert, AnObjectThatTheKernelDoesNotHaveIsAnError) {
    EXPECT_THAT(convert_text(klp::test::sound_text, {}, {{"none"}}).ids(), Contains("convert.object"));
}

TEST(Convert, CodeOfVmlinuxMustNotReferToAModule) {
    const Converted converted = convert_text(with("call from_vmlinux", "call from_late"));
    EXPECT_THAT(converted.ids(), ElementsAre("convert.module-symbol"));
    EXPECT_THAT(converted.only().message, HasSubstr("code for vmlinux refers to 'from_late' of module 'late'"));
}

constexpr std::string_view helper = R"(
    .section .text.helper,"ax"
    .type helper, @function
    helper: call from_late
    ret
    .size helper, . - helper
)";

TEST(Convert, AHelperServesTheObjectsThatCallIt) {
    const Converted converted = convert_text(with("call from_late", "call helper") + std::string(helper));
    EXPECT_THAT(converted.relocations(), Contains("late .text.helper .klp.sym.late.from_late,0"));
}

TEST(Convert, AHelperThatVmlinuxCallsTooCannotReferToTheModule) {
    const std::string text =
        klp::test::replaced(with("call from_late", "call helper"), "call from_vmlinux", "call helper");
    EXPECT_EQ(convert_text(text + std::string(helper)).only().id, "convert.module-symbol");
}

TEST(Convert, AHelperIsFoundThroughATableOfPointers) {
    const std::string text =
        klp::test::replaced(with("call from_late", "nop"), "call from_vmlinux", "call *table(%rip)");
    const Converted converted = convert_text(text + std::string(helper) + R"(
        .section .rodata.table,"a"
        .type table, @object
        table: .quad helper
        .size table, 8
    )");
    EXPECT_EQ(converted.only().id, "convert.module-symbol");
}

// From struct module a way leads to the init function, and from there to everything that the livepatch has.
TEST(Convert, ThisModuleIsNoWayToOtherCode) {
    const Converted converted = convert_text(with("call from_vmlinux", "leaq __this_module(%rip), %rdi"));
    EXPECT_THAT(converted.ids(), IsEmpty());
    EXPECT_THAT(converted.relocations(), ElementsAre(of_late));
}

// Data gives a warning, since who reads a table need not read all of it; code that comes later is an error all the
// same.
TEST(Convert, AWarningOfASymbolHidesNoErrorOfIt) {
    const std::string table = R"(
        .section .rodata.table,"a"
        .type table, @object
        table: .quad from_late
        .size table, 8
    )";
    const Converted converted = convert_text(table + with("call from_vmlinux", "call *table(%rip)\n call from_late"));
    EXPECT_FALSE(converted.conversion.has_value());
    EXPECT_THAT(converted.ids(), ElementsAre("convert.module-symbol", "convert.module-symbol"));
    EXPECT_EQ(converted.findings.findings().front().severity, Severity::warning);
    EXPECT_EQ(converted.findings.findings().back().severity, Severity::error);
}

// Who reads a table need not read all of it.
TEST(Convert, DataThatVmlinuxReachesMayReferToAModule) {
    const std::string table = R"(
        .section .rodata.table,"a"
        .type table, @object
        table: .quad NAME
        .size table, 8
    )";
    const std::string text = with("call from_vmlinux", "call *table(%rip)");
    const Converted converted = convert_text(text + klp::test::replaced(table, "NAME", "from_late"));
    EXPECT_EQ(converted.only().id, "convert.module-symbol");
    EXPECT_EQ(converted.only().severity, Severity::warning);
    EXPECT_THAT(converted.relocations(), Contains("late .rodata.table .klp.sym.late.from_late,0"));
    EXPECT_EQ(convert_text(text + klp::test::replaced(table, "NAME", "anywhere")).only().id, "convert.ambiguous");
}

TEST(Convert, InitCodeThatComesToAModuleIsWarnedOf) {
    const Converted converted =
        convert_text(klp::test::replaced(with("jmp klp_enable_patch", "call late_show"), "call from_vmlinux", "nop"));
    EXPECT_EQ(converted.only().id, "convert.init-reference");
    EXPECT_EQ(converted.only().severity, Severity::warning);
    EXPECT_THAT(converted.relocations(), ElementsAre(of_late));
}

TEST(Convert, InitCodeOfTheKernelIsGone) {
    EXPECT_EQ(convert_text(with("call from_vmlinux", "call init_helper")).only().id, "convert.init");
    EXPECT_EQ(convert_text(with("call from_late", "call late_init")).only().id, "convert.init");
}

// The first of the name is in an init section: number 2 while the module comes, number 1 when it is live.
// Linker scripts of arm64, ppc64le and s390x have PERCPU_SECTION between __init_begin and __init_end.
TEST(Convert, PerCpuVariablesStay) {
    const Converted converted = convert_text(with("call from_vmlinux", "incl counter(%rip)"));
    EXPECT_THAT(converted.relocations(), Contains("vmlinux .text.new_show .klp.sym.vmlinux.counter,0"));
    EXPECT_EQ(convert_text(with("call from_vmlinux", "incl init_counter(%rip)")).only().id, "convert.init");
}

// An author who copies code of a module may mean its static function.
TEST(Convert, AnExportThatHidesASymbolOfAPatchedObjectIsWarnedOf) {
    TinySource kernel;
    kernel.exports = kernel::Exports::parse(
        "0x11111111\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n"
        "0x22222222\tanywhere\tvmlinux\tEXPORT_SYMBOL\t\n",
        "Module.symvers");
    const Converted converted = convert_text(with("call from_late", "call anywhere"), kernel);
    EXPECT_EQ(converted.only().id, "convert.export-taken");
    EXPECT_EQ(converted.only().severity, Severity::warning);
    EXPECT_THAT(converted.only().notes, ElementsAre("late: position 1 (.text+0x20)"));
    EXPECT_THAT(converted.relocations(), ElementsAre(of_vmlinux));
}

TEST(Convert, APositionThatChangesIsRefused) {
    EXPECT_EQ(convert_text(with("call from_late", "call moving")).only().id, "convert.position");
}

TEST(Convert, OfADependencyOnlyWithAnAnnotation) {
    EXPECT_EQ(convert_text(with("call from_late", "call from_base")).only().id, "convert.unknown-symbol");
}

TEST(Convert, ExportsOfModulesStayWhereTheModuleDependsOnThem) {
    const std::string depends =
        klp::test::replaced(with("call from_late", "call from_export"), "\"depends=\"", "\"depends=exporter\"");
    EXPECT_THAT(convert_text(depends).relocations(), ElementsAre(of_vmlinux));
    const Converted converted = convert_text(with("call from_late", "call from_export"));
    EXPECT_THAT(converted.only().notes, Contains(HasSubstr("module 'exporter' exports it")));
}

TEST(Convert, AnExportThatPinsThePatchedModuleIsWarnedOf) {
    const Converted converted = convert_text(with("\"depends=\"", "\"depends=late\""));
    EXPECT_EQ(converted.only().id, "convert.pins-object");
    EXPECT_THAT(converted.relocations(), ElementsAre(of_vmlinux));
}

TEST(Convert, WeakReferencesStayOpen) {
    const Converted converted = convert_text(with_more(".weak twice\n .data\n .quad twice\n"));
    EXPECT_EQ(converted.only().id, "convert.weak");
    EXPECT_THAT(converted.relocations(), UnorderedElementsAre(of_vmlinux, of_late));
}

TEST(Convert, AModuleThatIsNoLivepatchIsRefused) {
    EXPECT_THAT(convert_text(with("\"livepatch=Y\"", "\"alias=none\"")).ids(), Contains("convert.not-livepatch"));
}

TEST(Convert, AModuleWithoutTablesIsAskedFor) {
    const std::string text =
        klp::test::replaced(with("patch: .quad __this_module", "patch: .quad 0"), "call from_late", "nop");
    EXPECT_EQ(convert_text(text).only().id, "convert.no-tables");
    EXPECT_THAT(convert_text(text, {}, {{"vmlinux"}}).ids(), IsEmpty());
}

TEST(Convert, AnotherArchitectureIsAnError) {
    elf::Object other(EM_S390, ByteOrder::big);
    EXPECT_THROW((void)convert_bytes(other.write()), Error);
}

TEST(Convert, DebugInformationIsNotRelocated) {
    const Converted converted =
        convert_text(with_more(".section .debug_info,\"\"\n .quad from_late\n .quad new_show\n"));
    const elf::Object module = elf::Object::read(converted.conversion->module, "out.ko");
    EXPECT_EQ(module.find_section(".debug_info")->rela().size(), 1);
}

TEST(Convert, ConvertedSymbolsHaveNoVersionsAndPinNoModule) {
    const Converted converted = convert_text(klp::test::replaced(with_more(R"(
        .section __versions,"a"
        .quad 1
        .ascii "klp_enable_patch"
        .zero 40
        .quad 2
        .ascii "from_late"
        .zero 47
        .section .klp.module_relocs.late,"aw"
        .quad from_late
        .long 0
    )"),
                                                                 "\"depends=\"", "\"depends=late,other\""));
    const elf::Object module = elf::Object::read(converted.conversion->module, "out.ko");
    EXPECT_EQ(module.find_section("__versions")->size(), 64);
    EXPECT_THAT(std::string(as_text(module.find_section("__versions")->content())), HasSubstr("klp_enable_patch"));
    EXPECT_THAT(format::read_modinfo(module), Contains(std::pair<std::string, std::string>("depends", "other")));
    EXPECT_THAT(format::read_modinfo(module), Contains(std::pair<std::string, std::string>("name", "livepatch_sound")));
}

TEST(Convert, AModuleIsStillNeededForItsOtherSymbols) {
    const Converted converted = convert_text(klp::test::replaced(with_more(R"(
        .data
        .quad from_late_too
        .section .klp.module_relocs.late,"aw"
        .quad from_late
        .long 0
    )"),
                                                                 "\"depends=\"", "\"depends=late\""));
    const elf::Object module = elf::Object::read(converted.conversion->module, "out.ko");
    EXPECT_THAT(format::read_modinfo(module), Contains(std::pair<std::string, std::string>("depends", "late")));
}

TEST(Convert, BeforeTheLastLink) {
    std::string text = with(".section .gnu.linkonce.this_module,\"aw\"", ".section .data.other,\"aw\"");
    text = klp::test::replaced(text,
                               ".globl __this_module\n    .type __this_module, @object\n    __this_module:", "other:");
    text = klp::test::replaced(text, ".size __this_module, . - __this_module", "");
    text = klp::test::replaced(text, "call from_late", "call late_alone");
    const Converted converted = convert_text(text);
    EXPECT_THAT(converted.ids(), ElementsAre("convert.unlinked"));
    const elf::Object object = elf::Object::read(converted.conversion->module, "out.o");
    EXPECT_NE(object.find_section(".klp.rela.late..text.late_show"), nullptr);
    EXPECT_NE(object.find_section(".klp.rela.vmlinux..text.new_show"), nullptr);
    EXPECT_EQ(object.find_symbol("__this_module")->placement, elf::Placement::undefined);
}

}  // namespace
}  // namespace klp::convert::test
