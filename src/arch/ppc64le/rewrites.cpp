// SPDX-License-Identifier: GPL-2.0-or-later
// What ppc64le kernels write into modules (arch/powerpc/kernel/module.c:module_finalize(),
// arch/powerpc/lib/feature-fixups.c, arch/powerpc/kernel/trace/ftrace.c).
//
// __ftr_fixup, __mmu_ftr_fixup and __fw_ftr_fixup list code that stands or falls with a feature of the CPU, the MMU or
// the firmware; where it falls, its alternative and nops take its place.
#include "arch/ppc64le/ppc64le.hpp"
#include "arch/ppc64le/stubs.hpp"
#include "arch/rewrite_collector.hpp"

namespace klp::arch::ppc64le {

namespace {

constexpr std::uint64_t instruction_size = 4;
constexpr std::uint32_t jump_over_next = 0x48000008;  // b .+8
constexpr std::uint32_t move_from_lr = 0x7c0802a6;    // mflr r0

const Features& features_of(const RewriteCollector& collector) {
    return features_as<Features>(collector.features);
}

// struct fixup_entry: mask, value, four distances from the entry.
void feature_fixups(RewriteCollector& collector, const SpecialSection& special) {
    const ImageSection* table = collector.section(special.name);
    if (table == nullptr) return;
    const std::uint64_t entry_size = special.entry_size.bytes;
    for (std::uint64_t at = 0; at + entry_size <= table->memory.size(); at += entry_size) {
        const auto distance = [&](std::uint64_t field) {
            return load<std::uint64_t>(table->memory.subspan(at + field), collector.image.order);
        };
        const std::uint64_t start = distance(16), end = distance(24);
        collector.may_write(Mechanism::feature_fixup, table->address + at + start, end - start);
    }
}

// Tables of distances of 8 bytes, each to one instruction.
void instruction_fixups(RewriteCollector& collector, Mechanism mechanism, std::string_view name) {
    const ImageSection* table = collector.section(name);
    if (table == nullptr) return;
    for (std::uint64_t at = 0; at + 8 <= table->memory.size(); at += 8) {
        const auto distance = load<std::uint64_t>(table->memory.subspan(at), collector.image.order);
        collector.may_write(mechanism, table->address + at + distance, instruction_size);
    }
}

// With -mprofile-kernel the whole `bl _mcount` goes. Without, the load of r2 behind it is jumped over, for a task may
// be in between.
void ftrace_at_calls(RewriteCollector& collector) {
    const bool mprofile_kernel = features_of(collector).ftrace_stubs_use_kernel_toc;
    for (const std::uint64_t site : collector.sort_ftrace_sites()) {
        const auto code = collector.value_at<std::uint32_t>(site);
        if (!code || (*code & 0xfc000003) != 0x48000001) continue;  // bl
        collector.writes_value<std::uint32_t>(Mechanism::ftrace_site, site, mprofile_kernel ? nop : jump_over_next);
    }
}

// ftrace_init_nop(): of two nops, the first becomes `mflr r0`. Out of line, both stay, and a stub is made that the
// second one will lead to.
void ftrace_at_nops(RewriteCollector& collector) {
    const auto sites = collector.sort_ftrace_sites();
    if (features_of(collector).out_of_line_stub_size != 0) {
        const ImageSection* stubs = collector.section(".stubs");
        if (stubs != nullptr && !sites.empty())
            collector.may_write(Mechanism::ftrace_site, stubs->address, stubs->memory.size());
        return;
    }
    for (const std::uint64_t site : sites) {
        if (collector.value_at<std::uint32_t>(site) == nop)
            collector.writes_value<std::uint32_t>(Mechanism::ftrace_site, site, move_from_lr);
    }
}

void jump_labels(RewriteCollector& collector) {
    for (const JumpEntry& entry : collector.sort_jump_table()) {
        const JumpCode code = collector.code_after(entry);
        if (code == JumpCode::unknown) collector.may_write(Mechanism::jump_label, entry.code, instruction_size);
        if (code == JumpCode::nop) collector.writes_value<std::uint32_t>(Mechanism::jump_label, entry.code, nop);
        if (code == JumpCode::branch) {
            const auto distance = static_cast<std::uint32_t>(entry.target - entry.code) & 0x03fffffc;
            collector.writes_value<std::uint32_t>(Mechanism::jump_label, entry.code, 0x48000000 | distance);
        }
    }
}

}  // namespace

void rewrite(RewriteCollector& collector) {
    collector.sort_extable();
    for (const SpecialSection& special : special_sections())
        if (special.code_at_load == CodeAtLoad::replaced) feature_fixups(collector, special);
    instruction_fixups(collector, Mechanism::barrier_nospec, "__spec_barrier_fixup");
    instruction_fixups(collector, Mechanism::lwsync_fixup, "__lwsync_fixup");
    if (features_of(collector).patchable_entry) {
        ftrace_at_nops(collector);
    } else {
        ftrace_at_calls(collector);
    }
    jump_labels(collector);
}

}  // namespace klp::arch::ppc64le
