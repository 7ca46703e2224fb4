// SPDX-License-Identifier: GPL-2.0-or-later
// What a patch says by the macros of kpatch and of the kernel's klp-build: data in sections that are for the tool which
// makes the livepatch, and no part of it. docs/patch-authors.md has the macros.
#pragma once

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
};
[[nodiscard]] std::string_view name_of(ForcedKind kind) noexcept;  // "ignored-function"

struct Forced {
    ForcedKind kind = ForcedKind::unsafe;
    std::string name;  // of the function or section
    auto operator<=>(const Forced&) const = default;
};

struct Directives {
    struct Callback {
        CallbackEvent event = CallbackEvent::pre_patch;
        const Piece* function = nullptr;
    };
    std::vector<Callback> callbacks;  // one an event
    std::set<Forced> forced;

    [[nodiscard]] bool ignores_section(std::string_view name) const;
    // By its section, or the function that it is, or is a variant or a .cold part of.
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

struct JudgedDirectives {
    std::vector<Forced> forced;      // that make a difference
    std::vector<std::string> notes;  // what became of all, for people
};
// Findings `diff.directive` where one cannot be followed, and warnings `diff.directive-unused`.
[[nodiscard]] JudgedDirectives judge_directives(const Changes& changes, Diagnostics& diagnostics);

}  // namespace klp::diff
