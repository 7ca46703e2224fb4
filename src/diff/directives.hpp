// SPDX-License-Identifier: GPL-2.0-or-later
// What a patch says by the macros of kpatch and of the kernel's klp-build: data in sections that are for the tool which
// makes the livepatch, and no part of it. docs/patch-authors.md has the macros.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/diagnostics.hpp"
#include "diff/decomposition.hpp"

namespace klp::diff {

// When the livepatch core calls a function of the livepatch (struct klp_callbacks).
enum class CallbackEvent : std::uint8_t { pre_patch, post_patch, pre_unpatch, post_unpatch };
[[nodiscard]] std::string_view name_of(CallbackEvent event) noexcept;  // as the member's

// What the author takes the responsibility for.
enum class ForcedKind : std::uint8_t {
    unsafe,            // a function may be replaced while a task is in it
    ignored_function,  // its change is left out
    ignored_section,
    left_out,  // what would be refused is left out: LeftOut
};
[[nodiscard]] std::string_view name_of(ForcedKind kind) noexcept;  // "ignored-function"

struct Forced {
    ForcedKind kind = ForcedKind::unsafe;
    std::string name;  // of the function or section
    auto operator<=>(const Forced&) const = default;
};

// A change that its author says the livepatch may do without, in place of a refusal: the kernel keeps what it has.
struct LeftOut {
    std::string rule;  // the refusal's: "diff.init-code"
    std::string name;  // of the function or data, as the refusal calls it
    auto operator<=>(const LeftOut&) const = default;
};
[[nodiscard]] std::string id_of(const LeftOut& left_out);  // "diff.init-code:init_module"

// The rules of refusals that may be accepted so.
[[nodiscard]] bool may_be_left_out(std::string_view rule);
// What leaves this piece out: the rule by its role; nullopt: nothing does.
[[nodiscard]] std::optional<LeftOut> left_out_by(const Piece& patched);

struct Directives {
    struct Callback {
        CallbackEvent event = CallbackEvent::pre_patch;
        const Piece* function = nullptr;
    };
    std::vector<Callback> callbacks;  // one an event
    std::set<Forced> forced;
    std::set<LeftOut> left_out{};  // not from the object: from whoever asks

    [[nodiscard]] bool ignores_section(std::string_view name) const;
    // By its section, by what is left out, or the function that it is, or is a variant or a .cold part of.
    [[nodiscard]] bool ignores(const Piece& patched) const;
};

// Also what the compiler has made of such a function ("name.isra.0").
[[nodiscard]] bool is_function_named(const Piece& piece, std::string_view name);

// Whether klp knows the section as one that is for such a tool.
[[nodiscard]] bool is_directive_section(const elf::Section& section);

// Of the patched object. Findings `diff.directive`: a section that klp does not know, or whose content is not of the
// form that the macros give it; a callback that is no function of the file; two for one event.
[[nodiscard]] Directives read_directives(const Decomposition& patched, Diagnostics& diagnostics);

class Changes;

// Whether it is left out by this.
[[nodiscard]] bool is_meant(const LeftOut& left_out, const Piece& patched);

struct JudgedDirectives {
    std::vector<Forced> forced;      // that make a difference
    std::vector<std::string> notes;  // what became of all, for people
};
// Findings `diff.directive` where one cannot be followed, and warnings `diff.directive-unused`.
[[nodiscard]] JudgedDirectives judge_directives(const Changes& changes, Diagnostics& diagnostics);

// Warnings `diff.accept-unused` for what no compared file had to leave out.
void check_left_out(const std::set<LeftOut>& asked, const std::set<Forced>& done, Diagnostics& diagnostics);

}  // namespace klp::diff
