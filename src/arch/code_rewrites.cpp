// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/code_rewrites.hpp"

#include <elf.h>

#include <algorithm>
#include <array>

#include "arch/module_loading.hpp"
#include "arch/rewrite_collector.hpp"

namespace klp::arch {

namespace {

struct Description {
    std::string_view name;
    std::string_view reason;
};

// By enum Mechanism.
constexpr auto descriptions = std::to_array<Description>({
    {"extable-sort", "the exception table is sorted by address (lib/extable.c:sort_extable())"},
    {"paravirt",
     "calls by way of pv_ops are replaced by direct calls or native instructions "
     "(arch/x86/kernel/alternative.c:apply_paravirt())"},
    {"fineibt",
     "checks of indirect calls become those of FineIBT (arch/x86/kernel/alternative.c:apply_fineibt(), "
     "apply_seal_endbr())"},
    {"retpoline",
     "indirect branches are made to suit the mitigations of the CPU "
     "(arch/x86/kernel/alternative.c:apply_retpolines())"},
    {"return-thunk",
     "returns are made plain, or go to the thunk that the CPU needs (arch/x86/kernel/alternative.c:apply_returns())"},
    {"call-depth",
     "calls are counted by thunks before the callee (arch/x86/kernel/callthunks.c:callthunks_patch_module_calls())"},
    {"alternative",
     "code is replaced by what the CPU's features select (arch/*/kernel/alternative.c:apply_alternatives())"},
    {"ibt-seal",
     "endbr64 of functions whose address nobody takes is poisoned (arch/x86/kernel/alternative.c:apply_ibt_endbr(), "
     "apply_seal_endbr())"},
    {"smp-lock",
     "lock prefixes become ds prefixes on a machine with one CPU "
     "(arch/x86/kernel/alternative.c:alternatives_smp_module_add())"},
    {"orc-sort", "unwind data is sorted by address (arch/x86/kernel/unwind_orc.c:unwind_module_init())"},
    {"feature-fixup",
     "code is replaced as features of CPU, MMU and firmware ask for "
     "(arch/powerpc/lib/feature-fixups.c:do_feature_fixups())"},
    {"barrier-nospec",
     "speculation barriers are switched on or off "
     "(arch/powerpc/lib/feature-fixups.c:do_barrier_nospec_fixups_range())"},
    {"lwsync-fixup", "sync becomes lwsync where the CPU has it (arch/powerpc/lib/feature-fixups.c:do_lwsync_fixups())"},
    {"expoline",
     "branches by way of expolines become plain ones where they are switched off "
     "(arch/s390/kernel/nospec-branch.c:nospec_revert())"},
    {"stack-protector",
     "the address of the stack canary is put into code (arch/s390/kernel/stackprotector.c:stack_protector_apply())"},
    {"shadow-call-stack",
     "pointer authentication becomes pushes to the shadow call stack (arch/arm64/kernel/pi/patch-scs.c:scs_patch())"},
    {"mcount-sort", "the table of ftrace sites is sorted (kernel/trace/ftrace.c:ftrace_process_locs())"},
    {"ftrace-site",
     "the entry of a function is made ready for ftrace (kernel/trace/ftrace.c:ftrace_module_init(), "
     "arch/*/kernel/ftrace.c)"},
    {"jump-label-sort", "the table of jump labels is sorted by key (kernel/jump_label.c:jump_label_add_module())"},
    {"jump-label",
     "a static key decides between nop and branch (kernel/jump_label.c:jump_label_add_module(), jump_label_update())"},
    {"static-call-sort",
     "the table of static calls is sorted by key, and keys take the place of trampolines "
     "(kernel/static_call_inline.c:static_call_add_module())"},
    {"static-call",
     "a static call goes to the function that it has now (kernel/static_call_inline.c:__static_call_init())"},
    {"ftrace-call",
     "the entry of a function that a livepatch replaces calls ftrace (kernel/trace/ftrace.c:ftrace_modify_all_code())"},
});
static_assert(descriptions.size() == static_cast<std::size_t>(Mechanism::ftrace_call) + 1);

}  // namespace

std::string_view name_of(Mechanism mechanism) noexcept {
    return descriptions[static_cast<std::size_t>(mechanism)].name;
}

std::string_view reason_of(Mechanism mechanism) noexcept {
    return descriptions[static_cast<std::size_t>(mechanism)].reason;
}

std::vector<CodeRewrite> code_rewrites(const Arch& arch, const ModuleImage& image, const KernelFeatures& features,
                                       const RunningFacts& facts) {
    RewriteCollector collector(arch, image, features, facts);
    arch.module_loading().rewrite(collector);
    return std::move(collector.rewrites);
}

std::vector<CodeRewrite> object_rewrites(const Arch& arch, const ModuleImage& image, const KernelFeatures& features,
                                         std::string_view object) {
    const RunningFacts facts;
    RewriteCollector collector(arch, image, features, facts);
    arch.module_loading().rewrite_for_object(collector, object);
    return std::move(collector.rewrites);
}

std::vector<CodeRewrite> ftrace_call_rewrites(const Arch& arch, const ModuleImage& image,
                                              const KernelFeatures& features, std::span<const Range> functions) {
    const RunningFacts facts;
    RewriteCollector collector(arch, image, features, facts);
    const FtraceSites sites = arch.module_loading().ftrace_sites(features);
    const ImageSection* table = collector.section(sites.section);
    if (table == nullptr) return {};
    for (const std::uint64_t site : read_ftrace_table(table->memory, image.order)) {
        const bool hooked = std::ranges::any_of(
            functions, [&](Range function) { return function.contains(site + sites.before_function); });
        if (hooked) collector.may_write(Mechanism::ftrace_call, site, sites.size);
    }
    return std::move(collector.rewrites);
}

void write_rewrites(ModuleImage& image, std::span<const CodeRewrite> rewrites) {
    for (const CodeRewrite& each : rewrites) {
        if (each.after) {
            const MutableBytes memory = image.sections[each.section].memory;
            std::ranges::copy(*each.after, memory.subspan(each.range.begin).begin());
        }
    }
}

bool is_live_data(const Arch& arch, const ImageSection& section) noexcept {
    const SpecialSection* table = arch.special_section(section.name);
    return (section.flags & SHF_WRITE) != 0 && (table == nullptr || table->content == TableContent::changing);
}

}  // namespace klp::arch
