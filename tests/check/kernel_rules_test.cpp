// SPDX-License-Identifier: GPL-2.0-or-later
// Every rule against a kernel, each with the one change to a sound module, or to the kernel, that breaks it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "check/check.hpp"
#include "support/sound_livepatch.hpp"
#include "tiny_target.hpp"

namespace klp::check::kernel_rules_test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const tiny_kernel::TinyTarget& tiny() {
    static const tiny_kernel::TinyTarget target;
    return target;
}

// Read back from its file: the model takes its path.
class Findings {
public:
    explicit Findings(const elf::Object& object, const tiny_kernel::TinyTarget& target = tiny(),
                      const Request& request = {}, std::string_view arch = "x86_64") {
        const fs::path file = folder_.path() / "test.ko";
        object.write_to(file);
        Diagnostics diagnostics;
        const kernel::Kernel kernel = target.kernel(arch);
        summary = check_module(elf::Object::read(file), kernel, request, diagnostics);
        for (const Finding& finding : diagnostics.findings()) {
            ids.push_back(finding.id);
            messages.push_back(finding.message);
            notes.insert(notes.end(), finding.notes.begin(), finding.notes.end());
        }
    }

    Summary summary;
    std::vector<std::string> ids;
    std::vector<std::string> messages;
    std::vector<std::string> notes;  // of all of them

private:
    TempDir folder_{"klp-test"};
};

elf::Object with_text(std::string_view from, std::string_view to) {
    return klp::test::sound_livepatch(klp::test::replaced(klp::test::sound_text, from, to));
}

elf::Object with_symbol(std::string_view from, std::string_view to) {
    elf::Object object = klp::test::sound_livepatch();
    object.find_symbol(from)->name = to;
    return elf::Object::read(object.write(), "test.ko");
}

constexpr std::string_view vmlinux_symbol = ".klp.sym.vmlinux.helper,0";
constexpr std::string_view late_symbol = ".klp.sym.late.helper,2";

TEST(Kernel, TakesASoundModule) {
    const Findings findings(klp::test::sound_livepatch());
    EXPECT_THAT(findings.messages, IsEmpty());
    EXPECT_EQ(findings.summary.kernel, tiny().name());
    EXPECT_TRUE(findings.summary.simulated);
    EXPECT_THAT(findings.summary.objects, ElementsAre("late"));
}

struct Case {
    std::string id;
    std::string message;
    std::function<elf::Object()> module;
};
void PrintTo(const Case& each, std::ostream* out) {
    *out << each.id;
}

class KernelRules : public testing::TestWithParam<Case> {};

TEST_P(KernelRules, AreBrokenByOneChange) {
    const Findings findings(GetParam().module());
    EXPECT_THAT(findings.ids, ElementsAre(GetParam().id));
    EXPECT_THAT(findings.messages, ElementsAre(HasSubstr(GetParam().message)));
}

Case text(std::string id, std::string message, std::string from, std::string to) {
    return {std::move(id), std::move(message), [from, to] { return with_text(from, to); }};
}
Case symbol(std::string id, std::string message, std::string_view from, std::string to) {
    return {std::move(id), std::move(message), [from, to] { return with_symbol(from, to); }};
}

INSTANTIATE_TEST_SUITE_P(
    Module, KernelRules,
    testing::Values(text("check.vermagic",
                         "vermagic is '1.0-tiny SMP preempt mod_unload ', expected '1.0-tiny SMP mod_unload '",
                         "SMP mod_unload", "SMP preempt mod_unload"),
                    text("check.vermagic", "'1.1-tiny SMP", "1.0-tiny", "1.1-tiny"),
                    text("check.depends-missing", "depends on module 'gone'", "depends=", "depends=gone"),
                    text("check.unknown-symbol", "'nobodys' is exported by nobody",
                         "patch: .quad __this_module, objs, 0", "patch: .quad __this_module, objs, nobodys")));

INSTANTIATE_TEST_SUITE_P(
    Symbols, KernelRules,
    testing::Values(
        symbol("check.symbol-missing", "vmlinux has no symbol 'none'", vmlinux_symbol, ".klp.sym.vmlinux.none,0"),
        symbol("check.symbol-missing", "late has no symbol 'none'", late_symbol, ".klp.sym.late.none,0"),
        symbol("check.symbol-position", "'twice' is there 2 times in vmlinux, but position 0", vmlinux_symbol,
               ".klp.sym.vmlinux.twice,0"),
        symbol("check.symbol-position", "position of 'helper' in late is 3, but there are 2", late_symbol,
               ".klp.sym.late.helper,3"),
        symbol("check.position-unstable", "position 2 of 'mixed' in late selects", late_symbol,
               ".klp.sym.late.mixed,2"),
        symbol("check.symbol-init", "'start_kernel' of vmlinux is in init memory", vmlinux_symbol,
               ".klp.sym.vmlinux.start_kernel,0"),
        symbol("check.symbol-init", "'early' of late is in init memory", late_symbol, ".klp.sym.late.early,0")));

// What vmlinux is to have in place of its function `show`.
Case function(std::string id, std::string message, const std::string& name, int sympos = 0) {
    return {
        std::move(id), std::move(message), [name, sympos] {
            const std::string text = klp::test::replaced(klp::test::sound_text, "funcs: .quad .Lshow, new_show, 0",
                                                         "funcs: .quad .Lother, new_show, " + std::to_string(sympos));
            return klp::test::sound_livepatch(text + ".section .rodata.str1.1\n.Lother: .string \"" + name + "\"\n");
        }};
}

INSTANTIATE_TEST_SUITE_P(
    Functions, KernelRules,
    testing::Values(
        function("check.function-missing", "vmlinux has no symbol 'none'", "none"),
        function("check.function-position", "'twice' is there 2 times", "twice"),
        function("check.function-position", "position of 'show' in vmlinux is 2, but there are 1", "show", 2),
        function("check.function-init", "'start_kernel' of vmlinux is in init memory", "start_kernel"),
        function("check.function-kind", "'jiffies' of vmlinux is no code", "jiffies"),
        function("check.untraceable", "'assembly' of vmlinux cannot be hooked by ftrace", "assembly"),
        function("check.hooked-elsewhere", "'overlooked' of vmlinux would never be replaced", "overlooked"),
        Case{"check.function-repeated", "'show' of vmlinux and 'presented' are two names of one function",
             [] {
                 const std::string text =
                     klp::test::replaced(klp::test::sound_text, "funcs: .quad .Lshow, new_show, 0",
                                         "funcs: .quad .Lother, new_show, 0\n.zero 40\n.quad .Lshow, new_show, 0");
                 return klp::test::sound_livepatch(text + ".section .rodata.str1.1\n.Lother: .string \"presented\"\n");
             }},
        Case{"check.untraceable", "'assembly' of late cannot be hooked by ftrace", [] {
                 const std::string text = klp::test::replaced(klp::test::sound_text, "late_funcs: .quad .Lshow",
                                                              "late_funcs: .quad .Lassembly");
                 return klp::test::sound_livepatch(text +
                                                   ".section .rodata.str1.1\n.Lassembly: .string \"assembly\"\n");
             }}));

// struct modversion_info of module_layout and klp_enable_patch.
std::string versions(std::string_view layout_crc, bool with_enable = true) {
    return ".section __versions,\"a\"\n.quad " + std::string(layout_crc) + "\n.string \"module_layout\"\n.zero 42\n" +
           (with_enable ? ".quad 2\n.string \"klp_enable_patch\"\n.zero 39\n" : "");
}

elf::Object with_more(const std::string& more) {
    return klp::test::sound_livepatch(std::string(klp::test::sound_text) + more);
}

TEST(Versions, AreComparedWithTheKernels) {
    const tiny_kernel::TinyTarget target("CONFIG_MODVERSIONS=y\n");
    EXPECT_THAT(Findings(with_more(versions("1")), target).messages, IsEmpty());
    EXPECT_THAT(Findings(with_more(versions("7")), target).messages,
                ElementsAre("version of 'module_layout' is 0x00000007, expected 0x00000001"));
    EXPECT_THAT(Findings(with_more(versions("1", false)), target).messages,
                ElementsAre("no version of 'klp_enable_patch', expected 0x00000002"));
    EXPECT_THAT(Findings(with_more(""), target).ids, ElementsAre("check.version", "check.version"));
}

TEST(Release, MayDifferWhereVersionsAgree) {
    const tiny_kernel::TinyTarget target("CONFIG_MODVERSIONS=y\n");
    const std::string other = klp::test::replaced(klp::test::sound_text, "1.0-tiny", "1.1-tiny");
    const Findings findings(klp::test::sound_livepatch(other + versions("1")), target);
    EXPECT_THAT(findings.ids, ElementsAre("check.release"));
}

TEST(Config, ThatLacksLivepatchingIsAnError) {
    const tiny_kernel::TinyTarget target("# CONFIG_LIVEPATCH is not set\nCONFIG_LIVEPATCH=n\n");
    EXPECT_THAT(Findings(klp::test::sound_livepatch(), target).ids, ElementsAre("check.kernel-livepatch"));
}

TEST(Config, CanAskForRetpolinesAndSignatures) {
    const tiny_kernel::TinyTarget retpoline("CONFIG_RETPOLINE=y\n");
    EXPECT_THAT(Findings(klp::test::sound_livepatch(), retpoline).ids, ElementsAre("check.retpoline"));
    EXPECT_THAT(Findings(with_text("depends=", "retpoline=Y"), retpoline).ids, IsEmpty());
    const tiny_kernel::TinyTarget forced("CONFIG_MODULE_SIG_FORCE=y\n");
    EXPECT_THAT(Findings(klp::test::sound_livepatch(), forced).ids, Contains("check.unsigned"));
}

TEST(Machine, OfTheKernelIsTheModules) {
    elf::Object object(EM_S390, ByteOrder::big);
    const Findings findings(klp::test::sound_livepatch(), tiny(), {}, "ppc64le");
    EXPECT_THAT(findings.ids, ElementsAre("check.other-machine"));
    EXPECT_FALSE(findings.summary.simulated);
}

TEST(Import, OfAModuleNeedsDepends) {
    const std::string exports =
        "0x00000003\tlate_export\tlate\tEXPORT_SYMBOL\t\n"
        "0x00000004\thelper_export\tvmlinux\tEXPORT_SYMBOL_GPL\tHELPERS\n";
    const tiny_kernel::TinyTarget target("", exports);
    const std::string_view from = "patch: .quad __this_module, objs, 0";
    EXPECT_THAT(Findings(with_text(from, "patch: .quad __this_module, objs, late_export"), target).ids,
                ElementsAre("check.import-module"));
    const Findings helper(with_text(from, "patch: .quad __this_module, objs, helper_export"), target);
    EXPECT_THAT(helper.ids, ElementsAre("check.namespace"));
    EXPECT_THAT(helper.messages,
                ElementsAre("'helper_export' is of namespace 'HELPERS', which the module does not import"));
    const std::string imported =
        klp::test::replaced(klp::test::sound_text, from, "patch: .quad __this_module, objs, helper_export");
    const auto module = klp::test::sound_livepatch(klp::test::replaced(imported, "depends=", "import_ns=HELPERS"));
    EXPECT_THAT(Findings(module, target).ids, IsEmpty());
    const tiny_kernel::TinyTarget lax("CONFIG_MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS=y\n", exports);
    EXPECT_THAT(Findings(klp::test::sound_livepatch(imported), lax).ids, IsEmpty());
}

TEST(Object, ThatIsNotThereIsNotChecked) {
    std::string text = klp::test::replaced(klp::test::sound_text, ".string \"late\"", ".string \"gone\"");
    elf::Object object = klp::test::sound_livepatch(text);
    object.find_symbol(late_symbol)->name = ".klp.sym.gone.helper,2";
    object.find_section(".klp.rela.late..text.late_show")->name = ".klp.rela.gone..text.late_show";
    object = elf::Object::read(object.write(), "test.ko");
    const Findings findings(object);
    EXPECT_THAT(findings.ids, ElementsAre("check.object-missing"));
    EXPECT_THAT(findings.summary.not_simulated, ElementsAre("gone"));
    // Until its file is given.
    tiny_kernel::TinyTarget target;
    target.add_module("gone", {tiny_kernel::late_units[0], tiny_kernel::late_units[1]}, "");
    EXPECT_THAT(Findings(object, tiny(), {{target.module_path("gone")}}).messages, IsEmpty());
}

TEST(Symbol, OfAnotherModuleNeedsADependency) {
    const auto object = with_symbol(late_symbol, ".klp.sym.other.far,0");
    tiny_kernel::TinyTarget target;
    target.add_module("other", {".text\nplain far\n"}, "");
    EXPECT_THAT(Findings(object, target).ids, ElementsAre("check.foreign-object"));
    target.add_module("late", {tiny_kernel::late_units[0], tiny_kernel::late_units[1]}, "other");
    EXPECT_THAT(Findings(object, target).ids, IsEmpty());
}

TEST(ArchSection, IsIgnoredByLaterKernels) {
    const Findings findings(with_more(".section .klp.arch.late.altinstructions,\"a\"\n.zero 12\n"));
    EXPECT_THAT(findings.ids, ElementsAre("check.arch-section", "check.arch-ignored"));
}

TEST(SimulatedLoad, TellsWhatTheKernelRefuses) {
    const Findings livepatch(with_more(".comm shared, 4\n"));
    EXPECT_THAT(livepatch.ids, ElementsAre("check.load"));
    EXPECT_THAT(livepatch.messages,
                ElementsAre(HasSubstr("with the patched modules loaded before is refused with error 8")));
    EXPECT_THAT(livepatch.notes, ElementsAre(HasSubstr("please compile with -fno-common")));

    tiny_kernel::TinyTarget target;
    target.add_module("late", {tiny_kernel::late_units[0], tiny_kernel::late_units[1], ".comm shared, 4\n"}, "");
    EXPECT_THAT(Findings(klp::test::sound_livepatch(), target).ids, ElementsAre("check.object-load"));
}

TEST(SimulatedLoad, TellsWhatNobodyCanTell) {
    // klp_patch.states has no entry of zeros at its end.
    const std::string text = klp::test::replaced(klp::test::sound_text, "patch: .quad __this_module, objs, 0",
                                                 "patch: .quad __this_module, objs, .Lstates");
    EXPECT_THAT(Findings(klp::test::sound_livepatch(text + ".section .states,\"aw\"\n.Lstates: .quad 1, 1, 1\n")).ids,
                ElementsAre("check.undefined"));
}

// A PC-relative field of 32 bits that would have to reach an absolute symbol far away.
TEST(SimulatedLoad, TellsWhatAFieldDoesNotHold) {
    const std::string unit = std::string(tiny_kernel::vmlinux_unit) + ".globl far_away\nfar_away = 0x123456789abc\n";
    const tiny_kernel::TinyTarget target({}, {}, unit);
    const Findings findings(with_symbol(vmlinux_symbol, ".klp.sym.vmlinux.far_away,0"), target);
    EXPECT_THAT(findings.ids, ElementsAre("check.range"));
    EXPECT_THAT(findings.messages, ElementsAre(HasSubstr("does not fit into 4 bytes")));
}

TEST(SimulatedLoad, EndsWithTheLivepatchGone) {
    const Findings findings(with_text(".globl cleanup_module\n    cleanup_module: nop", "goodbye: nop"));
    EXPECT_THAT(findings.ids, ElementsAre("check.unload"));
    EXPECT_THAT(findings.messages, ElementsAre(HasSubstr("refuses to unload it with error 16")));
}

TEST(SimulatedLoad, NeedsAPatchToLoad) {
    const Findings findings(with_text("patch: .quad __this_module, objs", "patch: .quad 0, objs"));
    EXPECT_THAT(findings.ids, ElementsAre("check.no-tables"));
    EXPECT_FALSE(findings.summary.simulated);
}

// x86 up to 6.2: nobody sets relocations back.
TEST(SimulatedLoad, TellsThatAModuleCannotComeAgain) {
    const tiny_kernel::TinyTarget target(
        {}, {}, klp::test::replaced(tiny_kernel::vmlinux_unit, "plain clear_relocate_add", ""));
    const Findings findings(klp::test::sound_livepatch(), target);
    EXPECT_THAT(findings.ids, ElementsAre("check.reload"));
    EXPECT_THAT(findings.notes, Contains(HasSubstr("existing value is nonzero")));
}

std::vector<std::string> left_out_of(const Summary& summary) {
    std::vector<std::string> whats;
    for (const NotChecked& each : summary.not_checked.all()) {
        EXPECT_FALSE(each.why.empty()) << each.what;
        whats.push_back(each.what);
    }
    return whats;
}
std::vector<std::string> structure_leaves_out(const elf::Object& module) {
    Diagnostics findings;
    return left_out_of(check_module(module, findings));
}

constexpr std::string_view no_rules = "the rules against the kernel", no_load = "the simulated load",
                           no_code = "what the new code does";

TEST(NotChecked, IsWhatNoKernelWasThereFor) {
    EXPECT_THAT(structure_leaves_out(klp::test::sound_livepatch()), ElementsAre(no_rules, no_load, no_code));
    EXPECT_THAT(structure_leaves_out(with_text("patch: .quad __this_module, objs", "patch: .quad 0, objs")),
                ElementsAre("the rules on patched functions", no_rules, no_load, no_code));
    elf::Object other(EM_SPARCV9, ByteOrder::big);
    EXPECT_THAT(structure_leaves_out(elf::Object::read(other.write(), "test.ko")),
                ElementsAre("the other rules of structure", no_rules, no_load, no_code));
}

TEST(NotChecked, IsWhatTheRunningSystemDecides) {
    const auto always =
        testing::IsSupersetOf({"the transition", "other modules and livepatches that are loaded",
                               "relocations at other addresses of the modules", "what the new code does"});
    const Findings sound(klp::test::sound_livepatch());
    EXPECT_THAT(left_out_of(sound.summary), testing::AllOf(always, SizeIs(4)));
    // klp_object.callbacks.pre_patch, and a lock prefix that the kernel takes away where there is one CPU.
    const std::string text = klp::test::replaced(klp::test::sound_text, "objs: .quad 0, funcs\n    .zero 80",
                                                 "objs: .quad 0, funcs, new_show\n    .zero 72");
    const tiny_kernel::TinyTarget target(
        {}, {}, std::string(tiny_kernel::vmlinux_unit) + ".text\nplain alternatives_smp_module_add\n");
    const Findings more(klp::test::sound_livepatch(text + ".text\n.Llock: lock incl (%rdi)\n"
                                                          ".section .smp_locks,\"a\"\n.balign 4\n.long .Llock - .\n"),
                        target);
    EXPECT_THAT(left_out_of(more.summary),
                testing::AllOf(always, Contains("the callbacks of 'vmlinux'"),
                               Contains("what the kernel writes into live code (1 smp-lock)"), SizeIs(6)));
}

TEST(NotChecked, IsWhatAnEarlierStageOrTheKernelLacks) {
    EXPECT_THAT(left_out_of(Findings(with_text("depends=", "depends=gone")).summary), ElementsAre(no_load, no_code));
    EXPECT_THAT(left_out_of(Findings(klp::test::sound_livepatch(), tiny(), {}, "ppc64le").summary),
                ElementsAre(no_rules, no_load, no_code));
    elf::Object gone =
        klp::test::sound_livepatch(klp::test::replaced(klp::test::sound_text, ".string \"late\"", ".string \"gone\""));
    gone.find_symbol(late_symbol)->name = ".klp.sym.gone.helper,2";
    gone.find_section(".klp.rela.late..text.late_show")->name = ".klp.rela.gone..text.late_show";
    EXPECT_THAT(left_out_of(Findings(elf::Object::read(gone.write(), "test.ko")).summary),
                Contains("'gone', what refers to it, and its coming and going"));
}

TEST(NotChecked, IsWhatComesAfterAFailure) {
    tiny_kernel::TinyTarget target;
    target.add_module("late", {tiny_kernel::late_units[0], tiny_kernel::late_units[1], ".comm shared, 4\n"}, "");
    EXPECT_THAT(left_out_of(Findings(klp::test::sound_livepatch(), target).summary),
                Contains("the load with the patched modules coming later"));
}

TEST(NotChecked, IsWhatTheImageHasNoSectionFor) {
    const std::string unit =
        std::string(tiny_kernel::vmlinux_unit) + ".globl ghost\n.type ghost, @function\nghost = 0x123400\n";
    const tiny_kernel::TinyTarget target({}, {}, unit);
    EXPECT_THAT(left_out_of(Findings(function("", "", "ghost").module(), target).summary),
                Contains("whether 'ghost' of vmlinux is code, and there after its init"));
}

TEST(NotChecked, IsTheReturnOfAModuleThatCannotGo) {
    const tiny_kernel::TinyTarget target("CONFIG_MODULE_UNLOAD=n\n");
    EXPECT_THAT(left_out_of(Findings(klp::test::sound_livepatch(), target).summary),
                Contains("'late' going and coming again"));
}

TEST(NotChecked, IsWhatModuleSymversDoesNotHave) {
    tiny_kernel::TinyTarget target;
    target.add_module("giver", {".section __ksymtab,\"a\"\n.globl __ksymtab_given\n__ksymtab_given: .quad 0\n"}, "");
    const std::string text = klp::test::replaced(klp::test::sound_text, "depends=", "depends=giver");
    const elf::Object module = klp::test::sound_livepatch(text + ".data\n.quad given\n");
    EXPECT_THAT(left_out_of(Findings(module, tiny(), {{target.module_path("giver")}}).summary),
                Contains("CRC and namespace of 'given'"));
}

// What the livepatch depends on is loaded before it, as modprobe does, by whatever spelling of its name.
TEST(Load, OfWhatTheLivepatchDependsOnComesFirst) {
    tiny_kernel::TinyTarget target({}, "0x00000004\tgiven\tlib/gi_ver\tEXPORT_SYMBOL\t\n");
    target.add_module("gi_ver",
                      {".data\n.globl given\ngiven: .quad 0\n.section __ksymtab_strings,\"aMS\",@progbits,1\n"
                       ".Lname: .string \"given\"\n.section __ksymtab,\"a\"\n.globl __ksymtab_given\n"
                       "__ksymtab_given: .quad given, .Lname, 0\n"},
                      "");
    const std::string text = klp::test::replaced(klp::test::sound_text, "depends=", "depends=gi-ver");
    const Findings findings(klp::test::sound_livepatch(text + ".data\n.quad given\n"), target);
    EXPECT_THAT(findings.ids, IsEmpty()) << testing::PrintToString(findings.messages);
    EXPECT_TRUE(findings.summary.simulated);
}

TEST(References, MeetWhatTheyAreMadeFor) {
    const auto with_code = [](std::string_view code, std::string_view symbol) {
        elf::Object object = with_text("call from_vmlinux", code);
        object.find_symbol(".klp.sym.vmlinux.helper,0")->name = ".klp.sym.vmlinux." + std::string(symbol) + ",0";
        return Findings(elf::Object::read(object.write(), "test.ko"));
    };
    EXPECT_THAT(with_code("call from_vmlinux", "jiffies").messages,
                ElementsAre("the code goes to 'jiffies', which is data"));
    EXPECT_THAT(with_code("movq from_vmlinux(%rip), %rax", "helper").messages,
                ElementsAre("the code reads 'helper', which is code"));
    EXPECT_THAT(with_code("movq from_vmlinux(%rip), %rax", "jiffies").ids, IsEmpty());
    EXPECT_THAT(with_code("leaq from_vmlinux(%rip), %rax", "jiffies").ids, IsEmpty());
}

TEST(References, InPerCpuDataAreNotRelocatedByEveryKernel) {
    const elf::Object module = klp::test::sound_livepatch(std::string(klp::test::sound_text) +
                                                          ".section .data..percpu,\"aw\"\n.quad new_show\n");
    EXPECT_THAT(Findings(module, tiny_kernel::TinyTarget("CONFIG_SMP=y\n")).ids, ElementsAre("check.per-cpu"));
    EXPECT_THAT(Findings(module).ids, IsEmpty());
}

// The bounds that the kernel frees by, and not names of sections.
TEST(InitMemory, IsWhatIsFreed) {
    const std::string unit =
        klp::test::replaced(tiny_kernel::vmlinux_unit, "plain helper\n",
                            ".globl __init_begin, __init_end\n__init_begin:\nplain helper\n__init_end:\n");
    const tiny_kernel::TinyTarget target({}, {}, unit);
    EXPECT_THAT(Findings(klp::test::sound_livepatch(), target).ids, ElementsAre("check.symbol-init"));
}

TEST(SeveralPatches, AreNotPlayed) {
    const std::string text = std::string(klp::test::sound_text) +
                             ".data\n.type other, @object\nother: .quad __this_module, others, 0, 1\n.zero 64\n"
                             ".size other, . - other\n.type others, @object\nothers: .quad 0, funcs\n.zero 176\n"
                             ".size others, . - others\n";
    const Findings findings(klp::test::sound_livepatch(text));
    EXPECT_THAT(findings.ids, IsEmpty());
    EXPECT_FALSE(findings.summary.simulated);
}

TEST(NotChecked, IsTheSignature) {
    const elf::Object module = klp::test::sound_livepatch();
    std::vector<std::byte> file = module.write();
    const Bytes mark = as_bytes("~Module signature appended~\n");
    file.insert(file.end(), mark.begin(), mark.end());
    EXPECT_THAT(structure_leaves_out(elf::Object::read(file, "test.ko")), Contains("the signature"));
}

// Nothing but the image and the config of this kernel is there.
TEST(Unknown, FeaturesOfTheKernelAreTold) {
    const Findings findings(klp::test::sound_livepatch());
    std::vector<std::string> names;
    for (const arch::UnknownFeature& each : findings.summary.unknown) names.push_back(each.name);
    EXPECT_THAT(names,
                testing::UnorderedElementsAre("loader.areas", "loader.layout", "rewrites.orc_terminator_by_type"));
    EXPECT_THAT(*findings.summary.headers_error, HasSubstr("has no source tree"));
}

TEST(Release, IsThatOfVermagic) {
    EXPECT_EQ(release_of(klp::test::sound_livepatch()), "1.0-tiny");
    EXPECT_EQ(release_of(with_text("vermagic=", "magic=")), std::nullopt);
}

}  // namespace
}  // namespace klp::check::kernel_rules_test
