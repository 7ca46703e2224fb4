// SPDX-License-Identifier: GPL-2.0-or-later
// What s390 kernels write into modules (arch/s390/kernel/module.c:module_finalize(), arch/s390/kernel/ftrace.c).
//
// A function that ftrace can hook begins with `brcl 0,.`, a branch that is never taken. When the module is loaded, its
// displacement is made to point to a trampoline of the function's own; switching it on later changes the mask alone.
// The trampolines are allocated apart from the module, in the order of the sorted sites.
#include <algorithm>
#include <array>

#include "arch/rewrite_collector.hpp"
#include "arch/s390x/s390x.hpp"

namespace klp::arch::s390x {

namespace {

constexpr std::uint64_t branch_size = 6;         // brcl, brasl
constexpr std::uint64_t trampoline_size = 24;    // SIZEOF_FTRACE_HOTPATCH_TRAMPOLINE
constexpr std::uint16_t branch_never = 0xc004;   // brcl 0
constexpr std::uint16_t branch_always = 0xc0f4;  // brcl 15

const Features& features_of(const RewriteCollector& collector) {
    return features_as<Features>(collector.features);
}

// nospec_revert(): branches by way of an expoline thunk become plain ones, where a kernel that has expolines was told
// not to use them.
void expolines(RewriteCollector& collector) {
    if (features_of(collector).expoline) return;
    for (const ImageSection& each : collector.image.sections) {
        const bool lists_branches = each.name.starts_with(".s390_indirect") || each.name.starts_with(".s390_return");
        if (lists_branches) collector.relative_sites_may_change(Mechanism::expoline, each.name, branch_size);
    }
}

// stack_protector_apply(): `larl` or `lgrl` becomes `llilf`. The table holds addresses.
void stack_protector(RewriteCollector& collector) {
    const ImageSection* table = collector.section("__stack_protector_loc");
    if (table == nullptr) return;
    for (std::uint64_t at = 0; at + 8 <= table->memory.size(); at += 8) {
        collector.may_write(Mechanism::stack_protector, load<std::uint64_t>(table->memory.subspan(at), ByteOrder::big),
                            branch_size);
    }
}

std::vector<std::byte> branch(std::uint16_t opcode, std::uint64_t from, std::uint64_t to) {
    std::vector<std::byte> code(branch_size);
    store<std::uint16_t>(code, opcode, ByteOrder::big);
    store<std::uint32_t>(MutableBytes(code).subspan(2), static_cast<std::uint32_t>((to - from) / 2), ByteOrder::big);
    return code;
}

// ftrace_init_nop().
void ready_for_ftrace(RewriteCollector& collector) {
    constexpr std::array<std::byte, branch_size> as_compiled = {std::byte{0xc0}, std::byte{0x04}};
    std::uint64_t used = 0;
    for (const std::uint64_t site : collector.sort_ftrace_sites()) {
        const std::uint64_t number = used++;  // taken before the code is looked at
        const auto code = collector.bytes_at(site, branch_size);
        if (!code || !std::ranges::equal(*code, as_compiled)) continue;
        if (const auto& trampolines = collector.facts.ftrace_trampolines) {
            const auto after = branch(branch_never, site, *trampolines + number * trampoline_size);
            collector.writes(Mechanism::ftrace_site, site + 2, {after.begin() + 2, after.end()});
        } else {
            collector.may_write(Mechanism::ftrace_site, site + 2, branch_size - 2);
        }
    }
}

void jump_labels(RewriteCollector& collector) {
    for (const JumpEntry& entry : collector.sort_jump_table()) {
        const JumpCode code = collector.code_after(entry);
        if (code == JumpCode::unknown) collector.may_write(Mechanism::jump_label, entry.code, branch_size);
        if (code == JumpCode::nop || code == JumpCode::branch) {
            const std::uint16_t opcode = code == JumpCode::nop ? branch_never : branch_always;
            collector.writes(Mechanism::jump_label, entry.code, branch(opcode, entry.code, entry.target));
        }
    }
}

}  // namespace

void rewrite(RewriteCollector& collector) {
    collector.sort_extable();
    const std::uint64_t alternative_size = features_of(collector).alternative_size;
    // The length of what is replaced is the last byte, or, with 12, the last but one (arch/s390/kernel/alternative.c).
    collector.alternatives(".altinstructions", alternative_size, alternative_size == 12 ? 10 : alternative_size - 1);
    expolines(collector);
    stack_protector(collector);
    ready_for_ftrace(collector);
    jump_labels(collector);
}

}  // namespace klp::arch::s390x
