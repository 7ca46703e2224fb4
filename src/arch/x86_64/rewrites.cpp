// SPDX-License-Identifier: GPL-2.0-or-later
// What x86-64 kernels write into modules (arch/x86/kernel/module.c:module_finalize(), arch/x86/kernel/ftrace.c).
//
// objtool and the compiler list the places in tables of s32 distances: .retpoline_sites (indirect branches by way of a
// thunk), .return_sites (`jmp __x86_return_thunk`), .call_sites (calls that call depth tracking counts),
// .ibt_endbr_seal (functions whose address nobody takes), .cfi_sites (preambles with a hash). What they become is
// decided by the CPU and the command line. So are .altinstructions and, in older kernels, .parainstructions.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "arch/rewrite_collector.hpp"
#include "arch/x86_64/x86_64.hpp"

namespace klp::arch::x86_64 {

namespace {

constexpr std::string_view alternative_table = ".altinstructions";
constexpr std::string_view paravirt_table = ".parainstructions";
constexpr std::byte call_opcode{0xe8};
constexpr std::byte jump32_opcode{0xe9};
constexpr std::byte lock_prefix{0xf0};
constexpr std::byte ds_prefix{0x3e};
constexpr std::uint64_t near_branch_size = 5;
constexpr std::uint64_t endbr_size = 4;
constexpr std::uint64_t call_thunk_size = 16;      // at most: it has to fit into CONFIG_FUNCTION_PADDING_BYTES
constexpr std::uint64_t cfi_preamble_size = 16;    // CFI_OFFSET
constexpr std::uint64_t fineibt_caller_size = 14;  // before the indirect call
constexpr std::uint64_t paravirt_site_size = 16;   // struct paravirt_patch_site
constexpr std::uint64_t paravirt_site_used = 10;   // without the padding, which the last one of a section has not
constexpr std::uint64_t orc_entry_size = 6;        // struct orc_entry

const std::vector<std::byte> short_nop = {std::byte{0x66}, std::byte{0x90}};
const std::vector<std::byte> long_nop = {std::byte{0x0f}, std::byte{0x1f}, std::byte{0x44}, std::byte{0}, std::byte{0}};

const Features& features_of(const RewriteCollector& collector) {
    return features_as<Features>(collector.features);
}

// A jump or call of 5 bytes, a conditional jump of 6, either with a cs prefix.
std::uint64_t branch_size(const RewriteCollector& collector, std::uint64_t address) {
    const auto first = collector.value_at<std::uint8_t>(address);
    if (first == std::uint8_t{0x2e}) return 1 + branch_size(collector, address + 1);
    return first == std::uint8_t{0x0f} ? 6 : 5;
}

void paravirt(RewriteCollector& collector, std::string_view name) {
    const ImageSection* table = collector.section(name);
    if (table == nullptr) return;
    for (std::uint64_t at = 0; at + paravirt_site_used <= table->memory.size(); at += paravirt_site_size) {
        const auto length = std::to_integer<std::uint8_t>(table->memory[at + 9]);
        collector.may_write(Mechanism::paravirt, load<std::uint64_t>(table->memory.subspan(at), ByteOrder::little),
                            length);
    }
}

// apply_fineibt() rewrites the preamble, the endbr64 behind it, and the check before each indirect call.
void fineibt(RewriteCollector& collector) {
    if (collector.section(".cfi_sites") == nullptr) return;
    collector.relative_sites_may_change(Mechanism::fineibt, ".cfi_sites", cfi_preamble_size + endbr_size);
    for (const std::uint64_t site : collector.relative_sites(".retpoline_sites")) {
        collector.may_write(Mechanism::fineibt, site - fineibt_caller_size,
                            fineibt_caller_size + branch_size(collector, site));
    }
    for (const std::uint64_t site : collector.relative_sites(".ibt_endbr_seal"))
        collector.may_write(Mechanism::fineibt, site - cfi_preamble_size, cfi_preamble_size);
}

void retpolines(RewriteCollector& collector) {
    for (const std::uint64_t site : collector.relative_sites(".retpoline_sites"))
        collector.may_write(Mechanism::retpoline, site, branch_size(collector, site));
}

// callthunks_patch_module_calls(): the call goes to a thunk, for which there is room before the callee.
void call_depth(RewriteCollector& collector) {
    for (const std::uint64_t site : collector.relative_sites(".call_sites")) {
        collector.may_write(Mechanism::call_depth, site, near_branch_size);
        const auto code = collector.bytes_at(site, near_branch_size);
        if (!code || code->front() != call_opcode) continue;
        const auto distance = static_cast<std::int32_t>(load<std::uint32_t>(code->subspan(1), ByteOrder::little));
        const std::uint64_t callee = site + near_branch_size + static_cast<std::uint64_t>(std::int64_t{distance});
        collector.may_write(Mechanism::call_depth, callee - call_thunk_size, call_thunk_size);
    }
}

void alternatives(RewriteCollector& collector, std::string_view name) {
    const ImageSection* table = collector.last_section(name);
    if (table == nullptr) return;
    const std::uint64_t size = alternative_size(collector, *table);
    collector.alternatives(name, size, size == 14 ? 12 : 10);
}

// alternatives_smp_module_add(): .text only.
void smp_locks(RewriteCollector& collector) {
    const ImageSection* text = collector.section(".text");
    if (text == nullptr || !features_of(collector).smp_locks) return;
    if (collector.facts.uniprocessor == false) return;
    for (const std::uint64_t site : collector.relative_sites(".smp_locks")) {
        const auto code = collector.bytes_at(site, 1);
        const bool in_text = site >= text->address && site - text->address < text->memory.size();
        if (!in_text || !code || code->front() != lock_prefix) continue;
        if (collector.facts.uniprocessor) {
            collector.writes(Mechanism::smp_lock, site, {ds_prefix});
        } else {
            collector.may_write(Mechanism::smp_lock, site, 1);
        }
    }
}

// arch/x86/kernel/unwind_orc.c:orc_sort_cmp(): where two entries have one address, a terminator comes first.
bool is_terminator(Bytes entry, bool by_type) {
    const auto registers = std::to_integer<unsigned>(entry[4]);
    const auto rest = std::to_integer<unsigned>(entry[5]);
    if (by_type) return (rest & 7) == 0;                      // ORC_TYPE_UNDEFINED
    return (registers & 0xf) == 0 && ((rest >> 2) & 1) == 0;  // sp_reg ORC_REG_UNDEFINED, not `end`
}

// unwind_module_init(): both tables, by the addresses of the first.
void sort_orc(RewriteCollector& collector) {
    const ImageSection* addresses = collector.section(".orc_unwind_ip");
    const ImageSection* entries = collector.section(".orc_unwind");
    if (addresses == nullptr || entries == nullptr) return;
    const bool by_type = features_of(collector).orc_terminator_by_type;
    const std::uint64_t count = std::min(addresses->memory.size() / 4, entries->memory.size() / orc_entry_size);
    const std::vector<std::uint64_t> sites = collector.relative_sites(".orc_unwind_ip");
    struct Row {
        std::uint64_t site;
        bool is_other;
        std::uint64_t position;
        auto operator<=>(const Row&) const = default;
    };
    std::vector<Row> rows;
    for (std::uint64_t i = 0; i < count; ++i)
        rows.push_back(
            {sites[i], !is_terminator(entries->memory.subspan(i * orc_entry_size, orc_entry_size), by_type), i});
    std::ranges::sort(rows);
    const auto content = [&](const Row& row) { return entries->memory.subspan(row.position * orc_entry_size, 6); };
    const auto ambiguous = std::ranges::adjacent_find(rows, [&](const Row& a, const Row& b) {
        return a.site == b.site && a.is_other == b.is_other && !std::ranges::equal(content(a), content(b));
    });
    std::vector<std::byte> sorted_addresses(count * 4), sorted_entries;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto distance = static_cast<std::uint32_t>(rows[i].site - (addresses->address + i * 4));
        store<std::uint32_t>(MutableBytes(sorted_addresses).subspan(i * 4), distance, ByteOrder::little);
        sorted_entries.insert(sorted_entries.end(), content(rows[i]).begin(), content(rows[i]).end());
    }
    collector.writes_table(Mechanism::orc_sort, *addresses, std::move(sorted_addresses));
    if (ambiguous == rows.end()) {
        collector.writes_table(Mechanism::orc_sort, *entries, std::move(sorted_entries));
    } else {
        collector.may_write(Mechanism::orc_sort, entries->address, count * orc_entry_size);
    }
}

// A nop of 5 bytes. Kernels with ideal_nops choose it when they boot (arch/x86/kernel/alternative.c:
// arch_init_ideal_nops()).
void writes_long_nop(RewriteCollector& collector, Mechanism mechanism, std::uint64_t site) {
    if (features_of(collector).nops_by_cpu) {
        collector.may_write(mechanism, site, near_branch_size);
    } else {
        collector.writes(mechanism, site, long_nop);
    }
}

// ftrace_make_nop(): `call __fentry__` and nothing else.
void ready_for_ftrace(RewriteCollector& collector) {
    for (const std::uint64_t site : collector.sort_ftrace_sites()) {
        const auto code = collector.bytes_at(site, near_branch_size);
        if (code && code->front() == call_opcode) writes_long_nop(collector, Mechanism::ftrace_site, site);
    }
}

// arch/x86/kernel/jump_label.c: 2 or 5 bytes, as they were compiled. A nop that stays is replaced, too, by one that the
// CPU likes better (arch_jump_label_transform_static()).
void jump_labels(RewriteCollector& collector) {
    for (const JumpEntry& entry : collector.sort_jump_table()) {
        const auto first = collector.value_at<std::uint8_t>(entry.code);
        if (!first) continue;
        const bool is_short = *first == 0xeb || *first == 0x66;
        const std::uint64_t size = is_short ? 2 : 5;
        const JumpCode code = collector.code_after(entry);
        if (code == JumpCode::unknown) collector.may_write(Mechanism::jump_label, entry.code, size);
        if (code == JumpCode::nop && is_short) collector.writes(Mechanism::jump_label, entry.code, short_nop);
        const bool was_nop = *first == 0x0f;
        const bool stays_nop = code == JumpCode::as_compiled && was_nop && features_of(collector).nops_by_cpu;
        if ((code == JumpCode::nop && !is_short) || stays_nop)
            writes_long_nop(collector, Mechanism::jump_label, entry.code);
        if (code != JumpCode::branch) continue;
        const std::uint64_t distance = entry.target - (entry.code + size);
        std::vector<std::byte> jump(size, is_short ? std::byte{0xeb} : jump32_opcode);
        if (is_short) {
            jump[1] = static_cast<std::byte>(distance);
        } else {
            store<std::uint32_t>(MutableBytes(jump).subspan(1), static_cast<std::uint32_t>(distance),
                                 ByteOrder::little);
        }
        collector.writes(Mechanism::jump_label, entry.code, std::move(jump));
    }
}

}  // namespace

// Where the headers could not be asked: each entry is relocated at its start and 4 bytes on.
std::uint64_t alternative_size(const RewriteCollector& collector, const ImageSection& table) {
    if (const auto size = features_of(collector).alternative_size) return *size;
    const auto index = static_cast<std::uint32_t>(&table - collector.image.sections.data());
    std::uint64_t size = table.memory.size();
    for (const ImageSection& each : collector.image.sections) {
        if (each.info != index) continue;
        for (const ImageRelocation& relocation : each.relocations) {
            if (relocation.offset > 4) size = std::min(size, relocation.offset);
        }
    }
    if (size < 12 || size > 14) {
        throw Error({collector.image.name, table.name, {}},
                    "the size of its entries is none of 12, 13, 14: no known struct alt_instr");
    }
    return size;
}

// arch/x86/kernel/livepatch.c:arch_klp_init_object_loaded()
void rewrite_for_object(RewriteCollector& collector, std::string_view object) {
    alternatives(collector, fmt::format(".klp.arch.{}.{}", object, alternative_table));
    paravirt(collector, fmt::format(".klp.arch.{}.{}", object, paravirt_table));
}

void rewrite(RewriteCollector& collector) {
    collector.sort_extable();
    paravirt(collector, paravirt_table);
    fineibt(collector);
    retpolines(collector);
    collector.relative_sites_may_change(Mechanism::return_thunk, ".return_sites", near_branch_size);
    call_depth(collector);
    alternatives(collector, alternative_table);
    collector.relative_sites_may_change(Mechanism::ibt_seal, ".ibt_endbr_seal", endbr_size);
    smp_locks(collector);
    sort_orc(collector);
    ready_for_ftrace(collector);
    jump_labels(collector);
    collector.static_calls();
}

}  // namespace klp::arch::x86_64
