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
    Count& count = counts_[rule.id];
    if (count.shown == most_of_a_rule) {
        ++count.left_out;
        return surplus_ = {};
    }
    const std::size_t before = shown_.findings().size();
    Finding& finding =
        shown_.add(rule.severity, std::string(rule.id), {file_, std::move(section), offset}, std::move(message));
    count.shown += shown_.findings().size() - before;
    return finding;
}

void RuleFindings::move_to(Diagnostics& diagnostics) {
    diagnostics.append(shown_);
    std::map<std::string_view, const Finding*> last;
    for (const Finding& finding : shown_.findings()) last[finding.id] = &finding;
    for (const auto& [id, finding] : last) {
        const std::size_t left_out = counts_[id].left_out;
        if (left_out == 0) continue;
        diagnostics.add(finding->severity, finding->id, finding->where, finding->message)
            .note(fmt::format("{} more findings of this rule are not shown", left_out));
    }
    shown_ = {};
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

LeftOut check_structure(const elf::Object& module, Diagnostics& diagnostics) {
    RuleFindings findings(module.display_name());
    LeftOut left_out;
    const arch::Arch* arch = check_module_kind(module, findings) ? arch_of(module, findings) : nullptr;
    if (arch != nullptr) {
        Structure structure{module, *arch, format::read_modinfo(module), format::read_all_tables(module), findings};
        check_modinfo(structure);
        check_module_name(structure);
        check_init(structure);
        check_other_forms(structure);
        check_symbols(structure);
        check_sections(structure);
        check_relocations(structure);
        check_places(structure);
        check_tables(structure);
        if (structure.tables.objects.empty())
            left_out.add("the rules on patched functions", "no klp_patch can be read from the module's data");
    } else {
        left_out.add("the other rules of structure", "they are those of kernel modules of a known architecture");
    }
    findings.move_to(diagnostics);
    return left_out;
}

}  // namespace klp::check
