// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/special_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "diff/compare.hpp"
#include "diff/names.hpp"

namespace klp::diff {

// What the extracted object brings along is there; vmlinux is; a module to be patched may not be.
bool SpecialRules::is_there_at_load(const Target& target) const {
    if (!options_.for_module) return true;
    const bool is_asked = options_.resolved_at_load != nullptr;
    switch (target.kind) {
        case Target::Kind::undefined:
            return is_asked && options_.resolved_at_load(target.symbol->name);
        case Target::Kind::piece:
            return changes_.pairs().original_of(*target.piece) == nullptr || !target.piece->has_identity() ||
                   changes_.has(*target.piece);
        case Target::Kind::absolute:
        case Target::Kind::literal:
        case Target::Kind::entry:
        case Target::Kind::elsewhere:
            return true;
    }
    return true;
}

bool SpecialRules::keeps(const SpecialEntry& entry) {
    bool replaces_code = false;
    for (const Field& each : patched_.fields(entry)) {
        const Target& target = each.target;
        const bool is_key = entry.table->key.exists() && each.offset() == entry.range.begin + entry.layout->key;
        if (is_key && !is_there_at_load(target)) return keeps_key(entry, target);
        const bool is_pool = target.kind == Target::Kind::piece && target.piece->role == Role::code_pool;
        if (is_pool && entry.table->code_at_load == arch::CodeAtLoad::replaced) {
            replaces_code = true;
            check_replacement(entry, *target.piece);
        } else if (!is_there_at_load(target)) {
            refuse_late(entry, target);
        }
    }
    if (replaces_code) check_site(entry);
    return true;
}

// kernel/jump_label.c:jump_label_add_module and kernel/static_call_inline.c:static_call_add_module read the key
// when the livepatch is loaded. Without its entry a static call goes through its trampoline, which is right at
// any time; a branch stays as compiled, which is right only where the key is off by default and only debugs.
bool SpecialRules::keeps_key(const SpecialEntry& entry, const Target& key) {
    if (entry.table->origin == arch::Origin::derived) return false;
    const Piece& owner = *entry.owner;
    const std::string_view name = key.name();
    const bool is_debug = key.kind == Target::Kind::piece && key.piece->is_debug_descriptor();
    if (options_.late_keys != nullptr && !is_debug) {
        options_.late_keys->names.insert(base_name(name));
        return false;
    }
    constexpr std::string_view tracepoint = "__tracepoint_";
    if (name.starts_with(tracepoint)) {
        notes_.insert(fmt::format("tracepoint '{}' stays off in the new '{}': its key belongs to the module",
                                  name.substr(tracepoint.size()), owner.label()));
        return false;
    }
    if (is_debug) {
        notes_.insert(fmt::format("pr_debug cannot be switched on in the new '{}': its key belongs to the module",
                                  owner.label()));
        return false;
    }
    diagnostics_
        .error("diff.static-key", patched_.where(owner),
               fmt::format("'{}' tests static key '{}', which is in a module that may be loaded after the livepatch",
                           owner.label(), name))
        .hint("test the key with static_key_enabled() in the patched function");
    return false;
}

// The kernel copies replacement code over the function once, with the relocations applied by then
// (arch/x86/kernel/alternative.c:apply_alternatives).
void SpecialRules::check_replacement(const SpecialEntry& entry, const Piece& replacement) {
    for (const Field& each : patched_.fields(replacement)) {
        if (!is_there_at_load(each.target)) refuse_late(entry, each.target);
    }
}

// A late relocation of the instruction that was replaced would write into its replacement.
void SpecialRules::check_site(const SpecialEntry& entry) {
    const Piece& owner = *entry.owner;
    if (!options_.for_module || !owner.is_any_code()) return;
    const auto starts = patched_.architecture().instruction_starts(*owner.section, owner.range);
    const std::uint64_t site = owner.range.begin + entry.owner_offset;
    const auto next = std::ranges::upper_bound(starts, site);
    const arch::Range instruction{site, next == starts.end() ? owner.range.end : *next};
    for (const Field& each : patched_.fields(owner)) {
        if (instruction.contains(each.offset()) && !is_there_at_load(each.target)) refuse_late(entry, each.target);
    }
}

void SpecialRules::refuse_late(const SpecialEntry& entry, const Target& target) {
    diagnostics_
        .error("diff.late-special", patched_.where(*entry.owner),
               fmt::format("'{}' needs {} in {} when the livepatch is loaded, but the module that has it may be loaded "
                           "later",
                           entry.owner->label(), describe(target), entry.table->name))
        .hint(
            "move that part into a function of the module that does not change, or write it without what makes the "
            "entry");
}

}  // namespace klp::diff
