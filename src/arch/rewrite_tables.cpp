// SPDX-License-Identifier: GPL-2.0-or-later
// The tables that all architectures have: exceptions, ftrace sites, jump labels, static calls, alternatives.
//
// The kernel sorts most of them in place. Their entries hold addresses as distances from themselves, so that a swap
// adjusts the numbers (swap_ex() in lib/extable.c, jump_label_swap(), …). The outcome does not depend on how the swaps
// were made: an entry at its new place names the same addresses as before.
#include <algorithm>
#include <tuple>

#include "arch/module_loading.hpp"
#include "arch/rewrite_collector.hpp"

namespace klp::arch {

namespace {

// struct jump_entry: s32 code, target and a long key, relative; or three addresses of 8 bytes.
constexpr std::uint64_t relative_jump_size = 16, relative_key = 8;
constexpr std::uint64_t absolute_jump_size = 24, absolute_key = 16;
constexpr std::uint64_t static_call_site_size = 8;

// An entry that names `address` by the signed number in a field of its own.
std::uint64_t relative32(const ImageSection& table, std::uint64_t at, ByteOrder order) {
    const auto offset = static_cast<std::int32_t>(load<std::uint32_t>(table.memory.subspan(at), order));
    return table.address + at + static_cast<std::uint64_t>(std::int64_t{offset});
}

std::vector<std::byte> copy_of(Bytes bytes) {
    return {bytes.begin(), bytes.end()};
}

}  // namespace

void RewriteCollector::alternatives(std::string_view section_name, std::uint64_t entry_size,
                                    std::uint64_t length_field) {
    const ImageSection* table = section(section_name);
    if (table == nullptr) return;
    for (std::uint64_t at = 0; at + entry_size <= table->memory.size(); at += entry_size) {
        const auto length = std::to_integer<std::uint8_t>(table->memory[at + length_field]);
        may_write(Mechanism::alternative, relative32(*table, at, image.order), length);
    }
}

void RewriteCollector::sort_extable() {
    constexpr std::string_view name = "__ex_table";
    const ImageSection* table = section(name);
    const SpecialSection* special = arch.special_section(name);
    if (table == nullptr || special == nullptr) return;
    const std::uint64_t entry_size =
        features.exception_entry_size != 0 ? features.exception_entry_size : special->entry_size.bytes;
    const std::uint64_t count = table->memory.size() / entry_size;
    std::vector<std::uint64_t> keys;
    for (std::uint64_t i = 0; i < count; ++i) keys.push_back(relative32(*table, i * entry_size, image.order));
    const SortedOrder sorted = sorted_order(keys);
    if (sorted.ties) return may_write(Mechanism::extable_sort, table->address, count * entry_size);
    std::vector<std::byte> after;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto entry = moved_exception(table->memory.subspan(sorted.order[i] * entry_size, entry_size),
                                           (sorted.order[i] - i) * entry_size);
        after.insert(after.end(), entry.begin(), entry.end());
    }
    writes_table(Mechanism::extable_sort, *table, std::move(after));
}

// swap_ex_entry_fixup(): a handler that is not there stays so (arch/s390/include/asm/extable.h).
std::vector<std::byte> RewriteCollector::moved_exception(Bytes bytes, std::uint64_t distance) const {
    std::vector<std::byte> entry = copy_of(bytes);
    adjust<std::uint32_t>(entry, 0, distance, image.order);
    adjust<std::uint32_t>(entry, 4, distance, image.order);
    const std::uint64_t handler = features.exception_handler;
    const auto is_zero = [](std::byte each) { return each == std::byte{0}; };
    if (handler == 0 || handler >= entry.size() || std::ranges::all_of(bytes.subspan(handler), is_zero)) return entry;
    if (entry.size() - handler >= 8) {
        adjust<std::uint64_t>(entry, handler, distance, image.order);
    } else if (entry.size() - handler >= 4) {
        adjust<std::uint32_t>(entry, handler, distance, image.order);
    }
    return entry;
}

std::vector<std::uint64_t> RewriteCollector::sort_ftrace_sites() {
    const ImageSection* table = section(arch.module_loading().ftrace_sites(features).section);
    if (table == nullptr || !features.dynamic_ftrace) return {};
    std::vector<std::uint64_t> sites = read_ftrace_table(table->memory, image.order);
    std::ranges::sort(sites);
    // Padding between the tables of object files comes first.
    const std::uint64_t count = table->memory.size() / ftrace_entry_size;
    std::vector<std::byte> after(count * ftrace_entry_size);
    MutableBytes place = MutableBytes(after).last(sites.size() * ftrace_entry_size);
    for (const std::uint64_t site : sites) {
        store<std::uint64_t>(place, site, image.order);
        place = place.subspan(ftrace_entry_size);
    }
    writes_table(Mechanism::mcount_sort, *table, std::move(after));
    return sites;
}

std::uint64_t RewriteCollector::jump_entry_size() const noexcept {
    if (!features.jump_label) return 0;
    return features.jump_label_relative ? relative_jump_size : absolute_jump_size;
}

JumpEntry RewriteCollector::jump_entry_at(const ImageSection& table, std::uint64_t at) const {
    const auto field = [&](std::uint64_t offset) {
        return load<std::uint64_t>(table.memory.subspan(at + offset), image.order);
    };
    JumpEntry entry{.position = at / jump_entry_size()};
    std::uint64_t key = 0;
    if (features.jump_label_relative) {
        entry.code = relative32(table, at, image.order);
        entry.target = relative32(table, at + 4, image.order);
        key = field(relative_key);
        entry.key = table.address + at + relative_key;
    } else {
        entry.code = field(0);
        entry.target = field(8);
        key = field(absolute_key);
    }
    entry.key += key & ~std::uint64_t{3};
    entry.branches_when_false = (key & 1) != 0;
    return entry;
}

std::vector<JumpEntry> RewriteCollector::jump_entries(const ImageSection& table) const {
    std::vector<JumpEntry> entries;
    const std::uint64_t size = jump_entry_size();
    for (std::uint64_t at = 0; size != 0 && at + size <= table.memory.size(); at += size)
        entries.push_back(jump_entry_at(table, at));
    return entries;
}

std::vector<JumpEntry> RewriteCollector::sort_jump_table() {
    const ImageSection* table = section("__jump_table");
    if (table == nullptr) return {};
    std::vector<JumpEntry> entries = jump_entries(*table);
    std::ranges::sort(entries, {},
                      [](const JumpEntry& each) { return std::tuple(each.key, each.code, each.position); });
    // Before 5.3, entries of one key were not ordered by their code, and absolute ones are of those kernels or later.
    const auto same_key = std::ranges::adjacent_find(entries, {}, &JumpEntry::key);
    if (!features.jump_label_relative && same_key != entries.end()) {
        may_write(Mechanism::jump_label_sort, table->address, entries.size() * jump_entry_size());
        return entries;
    }
    std::vector<std::byte> after;
    for (std::uint64_t i = 0; i < entries.size(); ++i) {
        const auto entry = moved_jump_entry(*table, entries[i], i);
        after.insert(after.end(), entry.begin(), entry.end());
    }
    writes_table(Mechanism::jump_label_sort, *table, std::move(after));
    return entries;
}

std::vector<std::byte> RewriteCollector::moved_jump_entry(const ImageSection& table, const JumpEntry& jump,
                                                          std::uint64_t place) const {
    const std::uint64_t size = jump_entry_size();
    std::vector<std::byte> entry = copy_of(table.memory.subspan(jump.position * size, size));
    if (features.jump_label_relative) {
        const std::uint64_t moved = (jump.position - place) * size;
        adjust<std::uint32_t>(entry, 0, moved, image.order);
        adjust<std::uint32_t>(entry, 4, moved, image.order);
        adjust<std::uint64_t>(entry, relative_key, moved, image.order);
    }
    mark_init(MutableBytes(entry).last(sizeof(std::uint64_t)), jump);
    return entry;
}

// jump_entry_set_init(): bit 1 of the key says that the code goes with the init area.
void RewriteCollector::mark_init(MutableBytes key, const JumpEntry& jump) const {
    const auto value = load<std::uint64_t>(key, image.order) & ~std::uint64_t{2};
    const ImageSection* code = section_at(jump.code);
    const bool in_init = code != nullptr && code->name.starts_with(".init");
    store<std::uint64_t>(key, value | (in_init ? 2 : 0), image.order);
}

JumpCode RewriteCollector::code_after(const JumpEntry& entry) const {
    if (holds(entry.key) || !facts.static_key) return JumpCode::unknown;
    const auto state = facts.static_key(entry.key);
    if (!state) return JumpCode::unknown;
    if (state->enabled == state->initially_enabled) return JumpCode::as_compiled;
    return state->enabled != entry.branches_when_false ? JumpCode::branch : JumpCode::nop;
}

// A call, a jump (5 bytes) or a conditional jump (6). Which of the sites share a key, and what a trampoline's key is,
// is only known where the kernel's keys are: the table may change as a whole.
void RewriteCollector::static_calls() {
    const ImageSection* table = section(".static_call_sites");
    if (table == nullptr || !features.static_call_inline) return;
    may_write(Mechanism::static_call_sort, table->address, table->memory.size());
    for (std::uint64_t at = 0; at + static_call_site_size <= table->memory.size(); at += static_call_site_size) {
        const std::uint64_t code = relative32(*table, at, image.order);
        const bool is_jcc = value_at<std::uint8_t>(code) == std::uint8_t{0x0f} &&
                            (value_at<std::uint8_t>(code + 1).value_or(0) & 0xf0) == 0x80;
        may_write(Mechanism::static_call, code, is_jcc ? 6 : 5);
    }
}

}  // namespace klp::arch
