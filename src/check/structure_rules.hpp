// SPDX-License-Identifier: GPL-2.0-or-later
// The rules that a livepatch module has to keep, as far as its file alone tells. Every rule has an id that stays, and a
// chapter in docs/checks.md; the check library adds those that need a kernel.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.hpp"
#include "check/not_checked.hpp"
#include "elf/object.hpp"

namespace klp::check {

struct Rule {
    std::string_view id;
    Severity severity = Severity::error;
    std::string_view title;
};

namespace rules {

// The file as a kernel module.
inline constexpr Rule not_module{"check.not-module", Severity::error, "not a kernel module"};
inline constexpr Rule machine{"check.machine", Severity::error, "an architecture without livepatches"};
inline constexpr Rule not_livepatch{"check.not-livepatch", Severity::error, "no livepatch in modinfo"};
inline constexpr Rule livepatch_value{"check.livepatch-value", Severity::warning, "livepatch in modinfo is not one Y"};
inline constexpr Rule license{"check.license", Severity::error, "the license is not compatible with the GPL"};
inline constexpr Rule module_name{"check.module-name", Severity::error, "the module's name is missing or unfit"};
inline constexpr Rule vermagic_missing{"check.vermagic-missing", Severity::error, "no vermagic in modinfo"};
inline constexpr Rule pins_object{"check.pins-object", Severity::warning, "depends on a module that it patches"};
inline constexpr Rule outlives{"check.outlives", Severity::warning, "the kernel may keep addresses of the livepatch"};
inline constexpr Rule accepted{"check.accepted", Severity::warning, "its author accepted what is refused otherwise"};
inline constexpr Rule forced{"check.forced", Severity::warning, "the author takes a responsibility"};
inline constexpr Rule init{"check.init", Severity::error, "no init function that enables the patch"};
inline constexpr Rule enabled_twice{"check.enabled-twice", Severity::error,
                                    "calls klp_enable_patch() at several places"};
inline constexpr Rule other_form{"check.other-form", Severity::error, "a form that no kernel's livepatch core reads"};
inline constexpr Rule arch_section{"check.arch-section", Severity::warning, "a .klp.arch section"};

// Symbols.
inline constexpr Rule symbol_name{"check.symbol-name", Severity::error, "the name of a livepatch symbol"};
inline constexpr Rule not_marked{"check.not-marked", Severity::error, ".klp.sym without SHN_LIVEPATCH"};
inline constexpr Rule object_name{"check.object-name", Severity::error, "a name that no object can have"};
inline constexpr Rule symbol_kind{"check.symbol-kind", Severity::warning, "type of a livepatch symbol"};
inline constexpr Rule symbol_repeated{"check.symbol-repeated", Severity::warning, "a livepatch symbol twice"};
inline constexpr Rule position_conflict{"check.position-conflict", Severity::error,
                                        "positions that exclude each other"};
inline constexpr Rule symbol_unused{"check.symbol-unused", Severity::warning, "a livepatch symbol without use"};
inline constexpr Rule symbol_order{"check.symbol-order", Severity::warning, "sh_info of the symbol table"};
inline constexpr Rule lost_sections{"check.lost-sections", Severity::error, "livepatch symbols, but no sections"};
inline constexpr Rule lost_symbol{"check.lost-symbol", Severity::error, "a livepatch relocation without symbol"};

// Relocation sections.
inline constexpr Rule section_flag{"check.section-flag", Severity::error, ".klp.rela without SHF_RELA_LIVEPATCH"};
inline constexpr Rule section_name{"check.section-name", Severity::error, "the name of a livepatch section"};
inline constexpr Rule section_alloc{"check.section-alloc", Severity::error, "a livepatch section without SHF_ALLOC"};
inline constexpr Rule section_type{"check.section-type", Severity::error, "a livepatch section that is not RELA"};
inline constexpr Rule section_target{"check.section-target", Severity::error, "sh_info of a livepatch section"};
inline constexpr Rule target_name{"check.target-name", Severity::warning, "a section named after another target"};
inline constexpr Rule section_repeated{"check.section-repeated", Severity::warning, "two sections for one target"};
inline constexpr Rule section_empty{"check.section-empty", Severity::warning, "a livepatch section without entries"};

// Relocations.
inline constexpr Rule ordinary_symbol{"check.ordinary-symbol", Severity::error, "an ordinary symbol in a klp section"};
inline constexpr Rule ordinary_section{"check.ordinary-section", Severity::error, "a klp symbol in a plain section"};
inline constexpr Rule relocation_type{"check.relocation-type", Severity::error, "a type the loader does not know"};
inline constexpr Rule place{"check.place", Severity::error, "a relocation that reaches out of its section"};
inline constexpr Rule place_not_zero{"check.place-not-zero", Severity::error, "a place that is not zero"};
inline constexpr Rule tail_call{"check.tail-call", Severity::error, "a tail call that loses r2"};
inline constexpr Rule overlap{"check.overlap", Severity::error, "two relocations of one place"};
inline constexpr Rule vmlinux_section{"check.vmlinux-section", Severity::error, "vmlinux section, module symbol"};
inline constexpr Rule module_section{"check.module-section", Severity::error, "module section, vmlinux symbol"};
inline constexpr Rule static_key{"check.static-key", Severity::error, "a static key of a late object"};
inline constexpr Rule static_call{"check.static-call", Severity::error, "a static call of a late object"};
inline constexpr Rule late_special{"check.late-special", Severity::error, "a late entry of a special section"};
inline constexpr Rule early_data{"check.early-data", Severity::error, "late data that the kernel reads at any time"};
inline constexpr Rule per_cpu{"check.per-cpu", Severity::error, "per-CPU data that the kernel does not relocate"};
inline constexpr Rule object_unpatched{"check.object-unpatched", Severity::error, "relocations never applied"};

// klp_patch, klp_object, klp_func.
inline constexpr Rule no_tables{"check.no-tables", Severity::warning, "no klp_patch in the module's data"};
inline constexpr Rule object_empty{"check.object-empty", Severity::warning, "an object without functions"};
inline constexpr Rule object_repeated{"check.object-repeated", Severity::error, "an object twice"};
inline constexpr Rule function_repeated{"check.function-repeated", Severity::error, "a function twice"};
inline constexpr Rule nop_entry{"check.nop-entry", Severity::warning, "an entry that the kernel frees as its own"};
inline constexpr Rule new_function{"check.new-function", Severity::error, "new_func leads to no function"};

}  // namespace rules

// Findings of rules: of each rule only the first few, so that a hostile file with a million faults gets a short report.
class RuleFindings {
public:
    static constexpr std::size_t most_of_a_rule = 20;

    explicit RuleFindings(std::string file) : file_(std::move(file)) {}
    // The reference stays valid until the next call.
    Finding& add(const Rule& rule, std::string section, std::optional<std::uint64_t> offset, std::string message);
    Finding& add(const Rule& rule, std::string message) { return add(rule, {}, {}, std::move(message)); }
    [[nodiscard]] bool has_errors() const noexcept { return shown_.has_errors(); }
    // Adds all to `diagnostics`; the last of a rule says how many there were beyond it.
    void move_to(Diagnostics& diagnostics);

private:
    struct Count {
        std::size_t shown = 0;
        std::size_t left_out = 0;
    };
    std::string file_;
    Diagnostics shown_;
    std::map<std::string_view, Count> counts_;  // by id
    Finding surplus_;
};

LeftOut check_structure(const elf::Object& module, Diagnostics& findings);

}  // namespace klp::check
