// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/special_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "diff/compare.hpp"

namespace klp::diff {

namespace {

std::string key_name(const Target& key) {
    return key.kind == Target::Kind::piece ? std::string(key.piece->name()) : key.symbol->name;
}

}  // namespace

// What the extracted object brings along is there; vmlinux is; a module to be patched may not be.
bool SpecialRules::is_there_at_load(const Target& target) const {
    if (!options_.for_module) return true;
    const bool is_asked = options_.resolved_at_load != nullptr;
    switch (target.kind) {
        case Target::Kind::undefined:
            return is_asked && options_.resolved_at_load(target.symbol->name);
        case Target::Kind::piece:
            return target.piece->twin == nullptr || !target.piece->has_identity() || target.piece->changed;
        default:
            return true;
    }
}

bool SpecialRules::keeps(const Piece& owner, const SpecialEntry& entry) {
    bool replaces_code = false;
    for (const elf::Relocation& each : patched_.relocations(*entry.section, entry.range)) {
        const Target target = patched_.locate(each, *entry.section, entry.range);
        const bool is_key = entry.table->key.exists() && each.offset == entry.range.begin + entry.table->key.field;
        if (is_key && !is_there_at_load(target)) return keeps_key(owner, entry, target);
        if (target.kind == Target::Kind::piece && target.piece->role == Role::code_pool) {
            replaces_code = true;
            check_replacement(owner, entry, *target.piece);
        } else if (!is_there_at_load(target)) {
            refuse_late(owner, entry, target);
        }
    }
    if (replaces_code) check_site(owner, entry);
    return true;
}

// kernel/jump_label.c:jump_label_add_module and kernel/static_call_inline.c:static_call_add_module read the key
// when the livepatch is loaded. Without its entry a static call goes through its trampoline, which is right at
// any time; a branch stays as compiled, which is right only where the key is off by default and only debugs.
bool SpecialRules::keeps_key(const Piece& owner, const SpecialEntry& entry, const Target& key) {
    if (entry.table->origin == arch::Origin::derived) return false;
    const std::string name = key_name(key);
    if (name.starts_with("__tracepoint_")) {
        notes_.insert(fmt::format("tracepoint '{}' stays off in the new '{}': its key belongs to the module",
                                  name.substr(std::string_view("__tracepoint_").size()), owner.label()));
        return false;
    }
    if (key.kind == Target::Kind::piece && key.piece->is_debug_descriptor()) {
        notes_.insert(fmt::format("pr_debug cannot be switched on in the new '{}': its key belongs to the module",
                                  owner.label()));
        return false;
    }
    std::string message = fmt::format(
        "'{}' tests static key '{}', which is in a module that may be loaded after the livepatch", owner.label(), name);
    if (refused_.insert(message).second) {
        diagnostics_.error("diff.static-key", patched_.where(owner), std::move(message))
            .hint("test the key with static_key_enabled() in the patched function");
    }
    return false;
}

// The kernel copies replacement code over the function once, with the relocations applied by then
// (arch/x86/kernel/alternative.c:apply_alternatives).
void SpecialRules::check_replacement(const Piece& owner, const SpecialEntry& entry, const Piece& replacement) {
    for (const elf::Relocation& each : patched_.relocations(replacement)) {
        const Target target = patched_.locate(each, *replacement.section, replacement.range);
        if (!is_there_at_load(target)) refuse_late(owner, entry, target);
    }
}

// A late relocation of the instruction that was replaced would write into its replacement.
void SpecialRules::check_site(const Piece& owner, const SpecialEntry& entry) {
    if (!options_.for_module || !owner.is_any_code()) return;
    const auto starts = patched_.architecture().instruction_starts(*owner.section, owner.range);
    const std::uint64_t site = owner.range.begin + entry.owner_offset;
    const auto next = std::ranges::upper_bound(starts, site);
    const std::uint64_t end = next == starts.end() ? owner.range.end : *next;
    for (const elf::Relocation& each : patched_.relocations(*owner.section, {site, end})) {
        const Target target = patched_.locate(each, *owner.section, owner.range);
        if (!is_there_at_load(target)) refuse_late(owner, entry, target);
    }
}

void SpecialRules::refuse_late(const Piece& owner, const SpecialEntry& entry, const Target& target) {
    std::string message = fmt::format(
        "'{}' needs {} in {} when the livepatch is loaded, but the module that has it may be "
        "loaded later",
        owner.label(), describe(patched_, target), entry.table->name);
    if (refused_.insert(message).second)
        diagnostics_.error("diff.late-special", patched_.where(owner), std::move(message));
}

}  // namespace klp::diff
