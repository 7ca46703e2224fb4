// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/uses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace klp::diff {

Uses::Uses(const Decomposition& object) : object_(object), places_(object.pieces().size()) {
    for (const Piece& holder : object.pieces()) {
        for (const Field& field : object.fields(holder)) {
            const Piece* target = field.target.piece;
            if (target != nullptr && target != &holder) places_[target->index].push_back({&holder, &field});
        }
    }
}

std::vector<PlaceOfUse> Uses::of_address(const Piece& piece) const {
    std::vector<PlaceOfUse> result;
    for (const PlaceOfUse& each : of(piece)) {
        if (keeps_address(use_at(object_, each, Term::request))) result.push_back(each);
    }
    return result;
}

bool keeps_address(arch::Use use) {
    return use == arch::Use::address || use == arch::Use::stored;
}

namespace {

struct NamedArgument {
    std::string_view function;
    std::uint32_t position;
};

// The call that alone gets the address.
std::optional<NamedArgument> argument_at(const Decomposition& object, const PlaceOfUse& place) {
    const auto argument =
        object.architecture().argument_of(*place.holder->section, place.holder->range, *place.field->relocation);
    if (!argument) return std::nullopt;
    const auto fields = object.fields(*place.holder);
    const auto call = std::ranges::lower_bound(fields, argument->call, {}, &Field::offset);
    const bool has_name = call != fields.end() && call->offset() == argument->call &&
                          (call->target.kind == Target::Kind::undefined || call->target.kind == Target::Kind::piece);
    if (!has_name) return std::nullopt;
    return NamedArgument{call->target.name(), argument->position};
}

// kernel/irq/manage.c, kernel/resource.c, kernel/dma.c, kernel/events/core.c and drivers/base/class.c keep the pointer
// to a name and print it later.
bool keeps_name(const NamedArgument& call) {
    static constexpr auto keepers = std::to_array<NamedArgument>({{"request_threaded_irq", 4},
                                                                  {"request_any_context_irq", 3},
                                                                  {"request_nmi", 3},
                                                                  {"__request_percpu_irq", 3},
                                                                  {"devm_request_threaded_irq", 5},
                                                                  {"devm_request_any_context_irq", 4},
                                                                  {"__request_region", 3},
                                                                  {"__devm_request_region", 4},
                                                                  {"request_dma", 1},
                                                                  {"perf_pmu_register", 1},
                                                                  {"__class_create", 1},
                                                                  {"class_create", 0}});
    return std::ranges::any_of(keepers, [&](const NamedArgument& each) {
        return each.function == call.function && each.position == call.position;
    });
}

}  // namespace

arch::Use use_at(const Decomposition& object, const PlaceOfUse& place, Term longest) {
    const arch::Use use =
        object.architecture().use_of(*place.holder->section, place.holder->range, *place.field->relocation);
    if (use != arch::Use::address) return use;
    const auto call = argument_at(object, place);
    return call && borrows(call->function, call->position, longest) ? arch::Use::read : use;
}

bool is_kept_as_name(const Decomposition& object, const PlaceOfUse& place) {
    const auto call = argument_at(object, place);
    return call && keeps_name(*call);
}

// lib/nlattr.c:__nla_parse and __nla_validate walk the policy, and leave one of its entries in the extended error,
// which is read when the request is answered; lib/parser.c and fs/fs_parser.c walk their tables; lib/string.c,
// mm/util.c and the uaccess functions copy or compare bytes; locks are let go before they are gone.
bool borrows(std::string_view function, std::uint32_t argument, Term longest) {
    struct Borrower {
        std::string_view name;
        std::uint32_t argument;
        Term term;
    };
    static constexpr auto borrowers = std::to_array<Borrower>({
        {"__nla_parse", 4, Term::request}, {"__nla_validate", 3, Term::request},
        {"nla_policy_len", 0, Term::call}, {"match_token", 1, Term::call},
        {"__fs_parse", 1, Term::call},     {"memcpy", 1, Term::call},
        {"__memcpy", 1, Term::call},       {"memmove", 1, Term::call},
        {"memcmp", 0, Term::call},         {"memcmp", 1, Term::call},
        {"strcmp", 0, Term::call},         {"strcmp", 1, Term::call},
        {"strncmp", 0, Term::call},        {"strncmp", 1, Term::call},
        {"strlen", 0, Term::call},         {"kmemdup", 0, Term::call},
        {"_copy_to_user", 1, Term::call},  {"mutex_lock", 0, Term::call},
        {"mutex_unlock", 0, Term::call},   {"down_read", 0, Term::call},
        {"up_read", 0, Term::call},        {"down_write", 0, Term::call},
        {"up_write", 0, Term::call},
    });
    // lib/vsprintf.c copies what it is given.
    static constexpr auto formatters = std::to_array<std::string_view>(
        {"_printk",       "printk",      "__warn_printk", "seq_printf",   "seq_puts",    "seq_write",  "snprintf",
         "scnprintf",     "sprintf",     "sysfs_emit",    "_dev_emerg",   "_dev_alert",  "_dev_crit",  "_dev_err",
         "_dev_warn",     "_dev_notice", "_dev_info",     "netdev_alert", "netdev_crit", "netdev_err", "netdev_warn",
         "netdev_notice", "netdev_info", "strscpy",       "strcpy",       "strncpy",     "strlcpy",    "kstrdup"});
    if (std::ranges::find(formatters, function) != formatters.end()) return true;
    if (argument == 0 && (function.starts_with("_raw_spin_lock") || function.starts_with("_raw_spin_unlock")))
        return true;
    return std::ranges::any_of(borrowers, [&](const Borrower& each) {
        return each.name == function && each.argument == argument && each.term <= longest;
    });
}

std::string describe(const PlaceOfUse& place) {
    return fmt::format("'{}' at +{:#x}", place.holder->label(), place.field->offset() - place.holder->range.begin);
}

}  // namespace klp::diff
