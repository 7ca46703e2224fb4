// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the code of a function does with a type cannot be told from debug information: casts, container_of() and
// enumerators leave no trace there. So every type that changed is taken for used by the livepatch's functions; whom the
// debug information names is said for people. What is safe is told by where objects of the type can be: on the stack of
// replaced functions alone, since a task goes over to the new functions only while none of the old ones is on its stack
// (kernel/livepatch/transition.c:klp_check_stack()).
#include "diff/layout_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/json.hpp"
#include "diff/names.hpp"

namespace klp::diff {

namespace {

using Kind = TypeRecord::Kind;

// One of the objects: its types, and which of its functions the livepatch replaces or brings.
class LayoutSide {
public:
    LayoutSide(const Decomposition& object, const TypeTable& table,
               const std::function<bool(const Piece&)>& is_in_livepatch)
        : table_(table) {
        for (const Piece& piece : object.pieces()) {
            if (!piece.is_any_code()) continue;
            const bool counts = is_in_livepatch(piece) || piece.role == Role::init_code;  // which has run
            for (const elf::Symbol* symbol : piece.symbols) {
                auto [known, is_new] = replaced_.try_emplace(base_name(symbol->name), counts);
                if (!is_new) known->second &= counts;
            }
        }
    }

    [[nodiscard]] const TypeTable& table() const noexcept { return table_; }
    [[nodiscard]] bool replaces(const std::string& function) const {
        const auto found = replaced_.find(function);
        return found != replaced_.end() && found->second;
    }

    // Objects are variables or parameters of replaced functions; others get their address as a parameter alone. A
    // function that did not change works on either layout, but one that other files call may get objects of theirs.
    [[nodiscard]] bool is_on_stacks_alone(std::uint32_t type) const {
        const Kind kind = table_.types[type].kind;
        if (kind == Kind::enumeration || kind == Kind::variable || table_.of_variables.contains(type)) return false;
        const auto refers = [&](const TypeRecord& each) { return each.refers_to.contains(type); };
        const auto is_wrong = [&](const TypeUser& each) {
            if (!each.mentions(type)) return false;
            const bool may_stay = !each.is_external && !each.values.contains(type);
            return each.others.contains(type) || !(may_stay || replaces(each.name));
        };
        const auto has = [&](const TypeUser& each) { return each.values.contains(type); };
        return std::ranges::none_of(table_.types, refers) && std::ranges::none_of(table_.functions, is_wrong) &&
               std::ranges::any_of(table_.functions, has);
    }

    // The functions of the livepatch that name the type, or types that lead to it.
    [[nodiscard]] std::vector<std::string> users(std::uint32_t type, bool directly) const {
        TypeIndices types{type};
        if (!directly) add_those_that_lead_to(types);
        std::vector<std::string> names;
        for (const TypeUser& each : table_.functions) {
            const bool uses = std::ranges::any_of(types, [&](std::uint32_t one) { return each.mentions(one); });
            if (uses && replaces(each.name)) names.push_back(each.name);
        }
        return names;
    }

private:
    void add_those_that_lead_to(TypeIndices& types) const {
        bool is_growing = true;
        while (is_growing) {
            is_growing = false;
            for (std::uint32_t i = 0; i < table_.types.size(); ++i) {
                const auto leads = [&](std::uint32_t next) { return types.contains(next); };
                if (!types.contains(i) && std::ranges::any_of(table_.types[i].refers_to, leads))
                    is_growing |= types.insert(i).second;
            }
        }
    }

    const TypeTable& table_;
    std::unordered_map<std::string, bool> replaced_;  // by name without the compiler's additions
};

LayoutChange layout_change(const TypeChange& change, const LayoutSide& original, const LayoutSide& patched) {
    const TypeRecord& from = original.table().types[change.original];
    const TypeRecord& to = change.patched ? patched.table().types[*change.patched] : from;
    LayoutChange made{to.title(), to.name, from.size, to.size, change.members, {}, false};
    if (!change.patched) return made;
    made.functions = patched.users(*change.patched, true);
    made.are_direct = !made.functions.empty();
    if (made.functions.empty()) made.functions = patched.users(*change.patched, false);
    return made;
}

std::string users_text(const LayoutChange& change) {
    if (change.functions.empty()) return "no function of the livepatch names it: casts and enumerators do not show";
    return fmt::format("{}: {}", change.are_direct ? "used by" : "reached by way of other types by",
                       fmt::join(change.functions, ", "));
}

void refuse(const LayoutChange& change, const Location& where, Diagnostics& diagnostics) {
    Finding& finding = diagnostics.error(
        "diff.layout", where,
        fmt::format("{} changed, but objects of it that exist when the livepatch is loaded have the old layout",
                    change.type));
    for (std::string& each : descriptions(change)) finding.note(std::move(each));
    finding.note(users_text(change));
    const auto is_added = [](const MemberChange& each) { return each.kind == MemberChange::Kind::added; };
    if (change.original_size == change.patched_size && std::ranges::all_of(change.members, is_added))
        finding.note("a hole that the new member fills holds anything in objects that exist");
    finding.hint(
        "keep the type as it is; new state can be kept in shadow variables (Documentation/livepatch/shadow-vars.rst)");
    finding.hint(fmt::format("if no such object is met by the new code, say so: --accept diff.layout:{}", change.name));
    finding.details = layout_json(change).dump();
}

}  // namespace

std::vector<LayoutChange> judge_layouts(const Changes& changes, const Selection& selection, const Options& options,
                                        Diagnostics& diagnostics) {
    if (!options.types || selection.pieces.empty()) return {};
    const auto found = find_type_changes(options.types->original, options.types->patched, options.macros);
    if (found.empty()) return {};
    const Correlation& pairs = changes.pairs();
    const LayoutSide patched(pairs.patched(), options.types->patched,
                             [&](const Piece& piece) { return selection.included.contains(&piece); });
    const LayoutSide original(pairs.original(), options.types->original, [&](const Piece& piece) {
        const Piece* counterpart = pairs.patched_of(piece);
        return counterpart != nullptr && selection.included.contains(counterpart);
    });
    std::vector<LayoutChange> accepted;
    for (const TypeChange& each : found) {
        const bool is_on_stacks =
            each.patched && original.is_on_stacks_alone(each.original) && patched.is_on_stacks_alone(*each.patched);
        if (is_on_stacks) continue;
        LayoutChange change = layout_change(each, original, patched);
        if (options.accepted_layouts.contains(change.name))
            accepted.push_back(std::move(change));
        else
            refuse(change, {pairs.patched().object().display_name(), {}, {}}, diagnostics);
    }
    return accepted;
}

}  // namespace klp::diff
