// SPDX-License-Identifier: GPL-2.0-or-later
// What arm64 kernels write into modules (arch/arm64/kernel/module.c:module_finalize(), arch/arm64/kernel/ftrace.c).
//
// A function that ftrace can hook begins with two nops, behind a `bti c` where there is one. The first becomes
// `mov x9,x30` when the module is loaded, the second a call when the function is traced. With
// CONFIG_DYNAMIC_FTRACE_WITH_CALL_OPS two more nops lie before the function, aligned to 8 bytes, and the table names
// those; they are made a pointer to the ops of the site.
#include <elf.h>

#include "arch/arm64/arm64.hpp"
#include "arch/arm64/instructions.hpp"
#include "arch/rewrite_collector.hpp"

namespace klp::arch::arm64 {

namespace {

constexpr std::uint32_t move_x9_x30 = 0xaa1e03e9;
constexpr std::uint32_t paciasp = 0xd503233f;
constexpr std::uint32_t autiasp = 0xd50323bf;

const Features& features_of(const RewriteCollector& collector) {
    return features_as<Features>(collector.features);
}

bool is_bti(std::uint32_t instruction) {
    return (instruction & 0xffffff3f) == 0xd503241f;
}

// __pi_scs_patch() finds these two by the unwind tables of the code.
void shadow_call_stack(RewriteCollector& collector) {
    if (!features_of(collector).dynamic_scs || collector.section(".init.eh_frame") == nullptr) return;
    for (const ImageSection& each : collector.image.sections) {
        if ((each.flags & SHF_EXECINSTR) == 0) continue;
        for (std::uint64_t at = 0; at + instruction_size <= each.memory.size(); at += instruction_size) {
            const auto code = load<std::uint32_t>(each.memory.subspan(at), collector.image.order);
            if (code == paciasp || code == autiasp)
                collector.may_write(Mechanism::shadow_call_stack, each.address + at, instruction_size);
        }
    }
}

// ftrace_call_adjust(), ftrace_init_nop(). Returns where the first nop of the function is.
std::uint64_t skip_ops_pointer(RewriteCollector& collector, std::uint64_t location) {
    if (const auto& ops = features_of(collector).ftrace_nop_ops) {
        collector.writes_value<std::uint64_t>(Mechanism::ftrace_site, location, *ops);
    } else {
        collector.may_write(Mechanism::ftrace_site, location, 8);
    }
    const std::uint64_t entry = location + 8;
    return is_bti(collector.value_at<std::uint32_t>(entry).value_or(0)) ? entry + instruction_size : entry;
}

void ready_for_ftrace(RewriteCollector& collector) {
    const bool call_ops = features_of(collector).ftrace_call_ops;
    for (const std::uint64_t location : collector.sort_ftrace_sites()) {
        if (call_ops && location % 8 != 0) continue;  // the kernel warns, and leaves it
        const std::uint64_t first = call_ops ? skip_ops_pointer(collector, location) : location;
        if (collector.value_at<std::uint32_t>(first) == nop)
            collector.writes_value<std::uint32_t>(Mechanism::ftrace_site, first, move_x9_x30);
    }
}

void jump_labels(RewriteCollector& collector) {
    for (const JumpEntry& entry : collector.sort_jump_table()) {
        const JumpCode code = collector.code_after(entry);
        if (code == JumpCode::unknown) collector.may_write(Mechanism::jump_label, entry.code, instruction_size);
        if (code == JumpCode::nop) collector.writes_value<std::uint32_t>(Mechanism::jump_label, entry.code, nop);
        if (code == JumpCode::branch) {
            const auto distance = static_cast<std::uint32_t>((entry.target - entry.code) / 4) & 0x03ffffff;
            collector.writes_value<std::uint32_t>(Mechanism::jump_label, entry.code, 0x14000000 | distance);
        }
    }
}

}  // namespace

void rewrite(RewriteCollector& collector) {
    collector.sort_extable();
    collector.alternatives(".altinstructions", 12, 10);
    shadow_call_stack(collector);
    ready_for_ftrace(collector);
    jump_labels(collector);
}

}  // namespace klp::arch::arm64
