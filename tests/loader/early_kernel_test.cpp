// SPDX-License-Identifier: GPL-2.0-or-later
// Kernels before 5.8: all livepatch relocations are applied by klp_init_object_loaded(), and .klp.arch sections after
// them.
#include <gmock/gmock.h>

#include "livepatch_text.hpp"

namespace klp::loader {
namespace {

using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view late_code = R"(
    .section __mcount_loc, "a"
    .quad work
    .text
    .globl __fentry__
    .p2align 4
    .type hidden, @function
    hidden: ret
    .p2align 4
    .type work, @function
    work: call __fentry__
    ret
)";

// One entry each, with a site in .text of the livepatch.
constexpr std::string_view arch_sections = R"(
    .section .text
    .p2align 4
    .type sites, @function
    sites: .nops 5
    .nops 3
    ret
    .size sites, . - sites
    .section .altinstr_replacement, "ax"
    replacement: .nops 5
    .section .klp.arch.late..altinstructions, "a"
    .long sites - ., replacement - .
    .short 1
    .byte 5, 5, 0
    .section .klp.arch.vmlinux..parainstructions, "a"
    .p2align 3
    .quad sites + 5
    .byte 1, 3
    .p2align 3
)";

class EarlyKernel : public testing::Test {
protected:
    explicit EarlyKernel(bool has_arch_sections = true)
        : kernel(text(has_arch_sections), config,
                 std::string(symvers) + "0x66666666\t__fentry__\tvmlinux\tEXPORT_SYMBOL\t\n") {}

    static std::string text(bool has_arch_sections) {
        const std::string_view name = has_arch_sections ? "arch_klp_init_object_loaded" : "nothing_of_interest";
        std::string all(kernel_text);
        for (int i = 0; i < 2; ++i) all = replaced(std::move(all), "klp_apply_section_relocs", name);
        return replaced(std::move(all), "invalid access to vmlinux symbol", "no such message:");
    }
    EventReport load_patch(const std::vector<Replacement>& replacements,
                           const std::function<void(elf::Object&)>& edit = {}, std::string_view more = {}) {
        return simulation.play(load(
            kernel.module("p", livepatch_text("p", replacements) + std::string(klp_data) + std::string(more), edit)));
    }
    EventReport load_late() { return simulation.play(load(kernel.plain_module("late", late_code))); }
    [[nodiscard]] std::uint64_t word(std::uint64_t offset) const {
        return word_at(section_of(*simulation.module("p"), ".data.klp"), offset);
    }
    // "paravirt .text+0x25..0x28"
    [[nodiscard]] std::vector<std::string> rewrites() const {
        const LoadedModule& module = *simulation.module("p");
        std::vector<std::string> lines;
        for (const Rewrite& each : module.rewrites) {
            if (each.mechanism != "paravirt" && each.mechanism != "alternative") continue;
            for (const LoadedSection& section : module.sections)
                if (section.index == each.section)
                    lines.push_back(fmt::format("{} {}, {} bytes", each.mechanism, section.name, each.range.size()));
        }
        return lines;
    }

    TestKernel kernel;
    Simulation simulation{kernel.kernel(), {}};
};

void of_vmlinux(elf::Object& object) {
    add_klp_relocation(object, ".klp.rela.vmlinux..data.klp", ".klp.sym.vmlinux.local_helper,0");
}

TEST_F(EarlyKernel, RelocatesVmlinuxWhenItsObjectIsEnabled) {
    const EventReport report = load_patch({{"", "show"}}, of_vmlinux);
    EXPECT_EQ(report.error, 0);
    EXPECT_EQ(report.steps.back().object, "vmlinux");
    EXPECT_EQ(word(0), kernel.address("local_helper"));
}

TEST_F(EarlyKernel, LeavesVmlinuxAloneWhereNothingOfItIsPatched) {
    const EventReport report = load_patch({{"late", "work"}}, of_vmlinux);
    EXPECT_EQ(report.error, 0);
    for (const RelocationStep& step : report.steps) EXPECT_EQ(step.object, "");
    EXPECT_EQ(word(0), 0U);
}

// load_module() does not look at them; the livepatch core does, when the init function runs.
TEST_F(EarlyKernel, RefusesSymbolsWhenThePatchIsEnabled) {
    const EventReport report = load_patch({{"", "show"}}, [](elf::Object& object) {
        add_klp_relocation(object, ".klp.rela.vmlinux..data.klp", ".klp.sym.vmlinux.missing,0");
    });
    EXPECT_EQ(report.error, EINVAL);
    EXPECT_THAT(log_of(report),
                ElementsAre(HasSubstr("TAINT_LIVEPATCH"), "livepatch: symbol 'missing' not found in symbol table"));
}

TEST_F(EarlyKernel, LetsSectionsOfModulesReferToVmlinux) {
    EXPECT_EQ(load_patch({{"late", "work"}},
                         [](elf::Object& object) {
                             add_klp_relocation(object, ".klp.rela.late..data.klp", ".klp.sym.vmlinux.local_helper,0");
                         })
                  .error,
              0);
    const EventReport report = load_late();
    EXPECT_EQ(report.error, 0);
    EXPECT_EQ(word(0), kernel.address("local_helper"));
}

// module_disable_ro() before, module_enable_ro() after.
TEST_F(EarlyKernel, WritesToTextWithoutAFault) {
    const EventReport report = load_patch(
        {{"", "show"}},
        [](elf::Object& object) {
            elf::Section& text = *object.find_section(".text");
            elf::Symbol& symbol = object.add_symbol({.name = ".klp.sym.vmlinux.local_helper,0",
                                                     .placement = elf::Placement::livepatch,
                                                     .binding = STB_GLOBAL});
            elf::Section& rela =
                object.add_rela_section(".klp.rela.vmlinux..text", SHF_ALLOC | elf::shf_rela_livepatch, text);
            const elf::Symbol* place = object.find_symbol("place");
            rela.relocations.push_back({place->value, R_X86_64_64, &symbol, 0});
        },
        ".text\n.p2align 4\n.type place, @function\nplace: .quad 0\n.size place, 8\n");
    EXPECT_TRUE(report.ok()) << report.undefined_behaviour.value_or("");
    ASSERT_FALSE(report.steps.back().writes.empty());
    EXPECT_FALSE(report.steps.back().writes.front().by_text_patching);
}

TEST_F(EarlyKernel, ProcessesArchSectionsWithTheirObject) {
    EXPECT_EQ(load_patch({{"", "show"}, {"late", "work"}}, {}, arch_sections).error, 0);
    EXPECT_THAT(rewrites(), ElementsAre("paravirt .text, 3 bytes"));
    EXPECT_EQ(load_late().error, 0);
    EXPECT_THAT(rewrites(), ElementsAre("paravirt .text, 3 bytes", "alternative .text, 5 bytes"));
    // Once more does not make more of them.
    EXPECT_EQ(simulation.play({EventKind::unload, "late"}).error, 0);
    EXPECT_EQ(load_late().error, 0);
    EXPECT_EQ(rewrites().size(), 2U);
}

class KernelWithoutArchSections : public EarlyKernel {
protected:
    KernelWithoutArchSections() : EarlyKernel(false) {}
};

TEST_F(KernelWithoutArchSections, LeavesThem) {
    EXPECT_EQ(load_patch({{"", "show"}, {"late", "work"}}, {}, arch_sections).error, 0);
    EXPECT_EQ(load_late().error, 0);
    EXPECT_THAT(rewrites(), IsEmpty());
}

}  // namespace
}  // namespace klp::loader
