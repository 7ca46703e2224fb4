// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/messages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "diff/compare.hpp"
#include "diff/names.hpp"

namespace klp::diff {

namespace {

// include/linux/ratelimit_types.h: __ratelimit() calls it, and its caller tells the message if that says so.
constexpr std::string_view rate_limiter = "___ratelimit";

class MessageFinder {
public:
    MessageFinder(const Decomposition& object, const Piece& function, const Piece& state)
        : object_(object), function_(function), state_(state) {}

    std::string find() {
        look_in(function_);
        for (const Piece* part : function_.cold_parts) look_in(*part);
        return nearest_ == nullptr ? std::string() : describe(nearest_->target);
    }

private:
    using Fields = std::span<const Field>;

    [[nodiscard]] bool is_branch(const Piece& code, const Field& field) const {
        return object_.architecture().is_branch(*code.section, code.range, *field.relocation);
    }
    // Not the level of a message, which netdev_printk() takes as a string of its own (include/linux/kern_levels.h).
    static bool is_text(const Field& field) {
        if (field.target.kind != Target::Kind::literal || !field.target.section->is_strings()) return false;
        constexpr std::size_t level_size = 3;
        const Bytes text = literal_at(*field.target.section, field.target.anchor);
        return text.size() != level_size || text.front() != std::byte{1};
    }

    void look_in(const Piece& code) {
        const auto fields = object_.fields(code);
        for (std::size_t i = 0; i < fields.size(); ++i)
            if (fields[i].target.piece == &state_) look_around(code, fields, i);
    }

    // The state and the message of printk_once() are set up for one call. Where the next call asks the state, the
    // message is behind that.
    void look_around(const Piece& code, Fields fields, std::size_t at) {
        std::size_t next = at + 1;
        while (next < fields.size() && !is_branch(code, fields[next])) ++next;
        if (next < fields.size() && fields[next].target.name() == rate_limiter)
            return consider(told_behind(code, fields.subspan(next + 1)), 0);
        for (std::size_t i = at + 1; i < next; ++i) consider_near(fields[i], fields[at]);
        for (std::size_t i = at; i-- > 0 && !is_branch(code, fields[i]);) consider_near(fields[i], fields[at]);
    }

    // There, or in the cold part that is gone to.
    [[nodiscard]] const Field* told_behind(const Piece& code, Fields fields) const {
        for (const Field& field : fields) {
            if (is_text(field)) return &field;
            if (!is_branch(code, field)) continue;
            const Piece* part = field.target.piece;
            if (part == nullptr || part->parent != &function_) return nullptr;
            const auto begin = part->range.begin + static_cast<std::uint64_t>(field.target.delta) +
                               static_cast<std::uint64_t>(object_.bias(field, code));
            for (const Field& each : object_.fields(*part)) {
                if (each.offset() < begin) continue;
                if (is_text(each)) return &each;
                if (is_branch(*part, each)) return nullptr;
            }
            return nullptr;
        }
        return nullptr;
    }

    void consider_near(const Field& field, const Field& state) {
        if (!is_text(field)) return;
        const auto [from, to] = std::minmax({field.offset(), state.offset()});
        consider(&field, to - from);
    }

    void consider(const Field* field, std::uint64_t distance) {
        if (field == nullptr || distance >= distance_) return;
        nearest_ = field;
        distance_ = distance;
    }

    const Decomposition& object_;
    const Piece& function_;
    const Piece& state_;
    const Field* nearest_ = nullptr;
    std::uint64_t distance_ = ~std::uint64_t{0};
};

// The states that a function refers to and that the other object has not; without those of lockdep's classes, which
// tell nothing.
template <typename IsPaired>
std::vector<const Piece*> unpaired_states(const Decomposition& object, const Piece& function, IsPaired is_paired) {
    std::vector<const Piece*> states;
    const auto add = [&](const Piece& code) {
        for (const Field& field : object.fields(code)) {
            const Piece* piece = field.target.piece;
            if (piece == nullptr || !is_message_state(piece->base) || is_lock_class_key(piece->base) ||
                is_paired(*piece))
                continue;
            if (std::ranges::find(states, piece) == states.end()) states.push_back(piece);
        }
    };
    add(function);
    for (const Piece* part : function.cold_parts) add(*part);
    return states;
}

}  // namespace

std::string message_of(const Decomposition& object, const Piece& function, const Piece& state) {
    return MessageFinder(object, function, state).find();
}

void note_restarted_messages(const Correlation& pairs, const Selection& selection, Diagnostics& diagnostics) {
    for (const Piece* piece : selection.pieces) {
        const Piece* original = pairs.original_of(*piece);
        if (original == nullptr || !piece->is_function()) continue;
        const auto added = unpaired_states(pairs.patched(), *piece,
                                           [&](const Piece& each) { return pairs.original_of(each) != nullptr; });
        const auto left = unpaired_states(pairs.original(), *original,
                                          [&](const Piece& each) { return pairs.patched_of(each) != nullptr; });
        for (const Piece* each : left) {
            if (std::ranges::find(added, each->base, &Piece::base) == added.end()) continue;
            std::string message = message_of(pairs.original(), *original, *each);
            if (message.empty()) message = fmt::format("that of '{}'", each->name());
            diagnostics.add(Severity::note, "diff.message-again", pairs.patched().where(*piece),
                            fmt::format("what '{}' has told already it may tell once more: no message in the patched "
                                        "function is known to be {}",
                                        piece->name(), message));
        }
    }
}

}  // namespace klp::diff
