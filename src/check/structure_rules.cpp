// SPDX-License-Identifier: GPL-2.0-or-later
#include "check/structure_rules.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>

#include "arch/registry.hpp"
#include "check/structure.hpp"
#include "format/tables.hpp"

namespace klp::check {

Finding& RuleFindings::add(const Rule& rule, std::string section, std::optional<std::uint64_t> offset,
                           std::string message) {
    has_errors_ |= rule.severity == Severity::error;
    if (++counts_[rule.id] > most_of_a_rule) return surplus_ = {};
    return findings_.emplace_back(
        Finding{std::string(rule.id), rule.severity, {file_, std::move(section), offset}, std::move(message), {}, {}});
}

void RuleFindings::move_to(Diagnostics& diagnostics) {
    std::map<std::string_view, std::size_t> seen;
    for (const Finding& finding : findings_) {
        Finding& moved = diagnostics.add(finding.severity, finding.id, finding.where, finding.message);
        moved.notes = finding.notes;
        moved.hints = finding.hints;
        const std::size_t count = counts_[finding.id];
        if (++seen[finding.id] == most_of_a_rule && count > most_of_a_rule)
            moved.note(fmt::format("{} more findings of this rule are not shown", count - most_of_a_rule));
    }
    findings_.clear();
    counts_.clear();
}

namespace {

// What kernel/module/main.c:elf_validity_check() and setup_load_info() insist on.
bool check_module_kind(const elf::Object& module, RuleFindings& findings) {
    if (module.file_type() != ET_REL) {
        findings.add(rules::not_module,
                     fmt::format("ELF file type is {}, expected {} (relocatable)", module.file_type(), ET_REL));
        return false;
    }
    for (const std::string_view name : {".modinfo", ".gnu.linkonce.this_module"}) {
        if (module.find_section(name) != nullptr) continue;
        findings.add(rules::not_module, fmt::format("has no section {}", name))
            .hint("an object is not yet a module: kbuild links it with what modpost makes");
        return false;
    }
    const bool has_symbols =
        std::ranges::any_of(module.sections(), [](const auto& section) { return section->type == SHT_SYMTAB; });
    if (has_symbols) return true;
    findings.add(rules::not_module, "has no symbol table").hint("the file was stripped: take the one before that");
    return false;
}

const arch::Arch* arch_of(const elf::Object& module, RuleFindings& findings) {
    try {
        return &arch::for_object(module);
    } catch (const Error& error) {
        findings.add(rules::machine, error.message());
        return nullptr;
    }
}

}  // namespace

bool is_possible_object(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    });
}

void check_structure(const elf::Object& module, Diagnostics& diagnostics) {
    RuleFindings findings(module.display_name());
    const arch::Arch* arch = check_module_kind(module, findings) ? arch_of(module, findings) : nullptr;
    if (arch != nullptr) {
        Structure structure{module, *arch, format::read_modinfo(module), format::read_tables(module), findings};
        check_modinfo(structure);
        check_module_name(structure);
        check_init(structure);
        check_other_forms(structure);
        check_symbols(structure);
        check_sections(structure);
        check_relocations(structure);
        check_places(structure);
        check_tables(structure);
    }
    findings.move_to(diagnostics);
}

}  // namespace klp::check
