// SPDX-License-Identifier: GPL-2.0-or-later
// Rules on the module as such: modinfo, its name, its init function, forms that are not today's.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/kernel_names.hpp"
#include "base/text.hpp"
#include "check/other_forms.hpp"
#include "check/structure.hpp"

namespace klp::check {

namespace {

constexpr std::string_view modinfo_name = ".modinfo";
constexpr std::string_view this_module = ".gnu.linkonce.this_module";
constexpr std::string_view enable_patch = "klp_enable_patch";

std::vector<std::string_view> values_of(const Structure& structure, std::string_view key) {
    std::vector<std::string_view> values;
    for (const auto& [name, value] : structure.modinfo)
        if (name == key) values.push_back(value);
    return values;
}

Finding& add_modinfo(Structure& structure, const Rule& rule, std::string message) {
    return structure.findings.add(rule, std::string(modinfo_name), {}, std::move(message));
}

// include/linux/license.h:license_is_gpl_compatible
bool is_gpl_compatible(std::string_view license) {
    constexpr std::array<std::string_view, 6> compatible = {"GPL",          "GPL v2",       "GPL and additional rights",
                                                            "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};
    return std::ranges::find(compatible, license) != compatible.end();
}

void check_livepatch(Structure& structure) {
    const auto values = values_of(structure, "livepatch");
    if (values.empty()) {
        add_modinfo(structure, rules::not_livepatch, "no livepatch=Y: the kernel treats it as an ordinary module")
            .hint("MODULE_INFO(livepatch, \"Y\");");
    } else if (values.size() > 1 || values.front() != "Y") {
        // kernel/module/main.c:check_modinfo_livepatch asks for the key, whatever its value.
        add_modinfo(
            structure, rules::livepatch_value,
            fmt::format("livepatch has {} values, the first '{}', expected one 'Y'", values.size(), values.front()));
    }
}

void check_license(Structure& structure) {
    const auto values = values_of(structure, "license");
    const std::string_view license = values.empty() ? "" : values.front();
    if (is_gpl_compatible(license)) return;
    add_modinfo(structure, rules::license,
                fmt::format("license is '{}', expected one compatible with the GPL", license))
        .note("klp_enable_patch() is exported to such modules alone (EXPORT_SYMBOL_GPL)");
}

// A module that another one depends on cannot be unloaded, and is loaded before: a patched one should not be held so.
void check_depends(Structure& structure) {
    std::set<std::string_view> patched;
    for (const format::PatchedObject& object : structure.tables.objects) patched.insert(object.name);
    for (const std::string_view names : values_of(structure, "depends")) {
        for (const std::string_view each : split(names, ',')) {
            const std::string name = with_underscores(each);
            if (!patched.contains(name)) continue;
            add_modinfo(structure, rules::pins_object,
                        fmt::format("depends on '{}', which it patches: that is loaded first, and cannot go", name))
                .hint("refer to its symbols by livepatch symbols");
        }
    }
}

// What klp build has found out of the code, which shows it no more.
void check_outlives(Structure& structure) {
    const auto places = values_of(structure, format::modinfo_outlives);
    if (places.empty()) return;
    Finding& finding = add_modinfo(structure, rules::outlives,
                                   "it is not safe to unload the livepatch: its code hands on or stores addresses of "
                                   "its own, which the kernel may still have then");
    for (const std::string_view each : places) finding.note(std::string(each));
}

void check_accepted(Structure& structure) {
    const auto accepted = values_of(structure, format::modinfo_accepted);
    if (accepted.empty()) return;
    Finding& finding = add_modinfo(structure, rules::accepted,
                                   "its author took the responsibility for what is refused otherwise (--accept)");
    for (const std::string_view each : accepted) finding.note(std::string(each));
}

void check_forced(Structure& structure) {
    const auto forced = format::forced_changes(structure.modinfo);
    if (forced.empty()) return;
    Finding& finding = add_modinfo(structure, rules::forced,
                                   "the patch's author has left changes out, or takes functions for safe to "
                                   "be replaced while tasks are in them");
    for (const auto& [object, kind, name] : forced) finding.note(fmt::format("{}: {} '{}'", object, kind, name));
}

bool calls_enable_patch(const elf::Object& module) {
    return std::ranges::any_of(module.sections(), [](const auto& section) {
        return section->is_alloc() && std::ranges::any_of(section->rela(), [](const elf::Relocation& relocation) {
                   return relocation.symbol->name == enable_patch;
               });
    });
}

// One call tells which patch is meant. A second one in the same load fails, and so does the module's init function, or
// it waits for ever where it has the same patch; either way the first patch stays in the list of the livepatch core
// (kernel/livepatch/core.c:klp_enable_patch) while the memory of the module goes.
void check_calls(Structure& structure) {
    const elf::Section* first = nullptr;
    for (const auto& section : structure.module.sections()) {
        if (!section->is_alloc() || !section->is_code()) continue;
        for (const elf::Relocation& relocation : section->rela()) {
            if (relocation.symbol->name != enable_patch) continue;
            if (first != nullptr) {
                structure.findings
                    .add(rules::enabled_twice, section->name, relocation.offset,
                         "one more call of klp_enable_patch(), which a module can make only once")
                    .hint("one klp_patch with all objects; or choose the patch first, and call once");
                return;
            }
            first = section.get();
        }
    }
}

// struct module has the name in place of what precedes it in other words: the only text among zeros.
bool holds_name(const elf::Section& section, std::string_view name) {
    const std::string_view content = as_text(section.content());
    for (std::size_t at = content.find(name); at != std::string_view::npos; at = content.find(name, at + 1)) {
        const std::size_t end = at + name.size();
        if ((at == 0 || content[at - 1] == '\0') && end < content.size() && content[end] == '\0') return true;
    }
    return false;
}

}  // namespace

void check_modinfo(Structure& structure) {
    check_livepatch(structure);
    check_license(structure);
    check_depends(structure);
    check_outlives(structure);
    check_accepted(structure);
    check_forced(structure);
    if (values_of(structure, "vermagic").empty()) {
        add_modinfo(structure, rules::vermagic_missing, "no vermagic: the kernel loads it by force alone, if at all")
            .hint("a module needs what modpost writes into its .mod.c");
    }
}

void check_module_name(Structure& structure) {
    const auto names = values_of(structure, "name");
    if (names.empty()) {
        add_modinfo(structure, rules::module_name, "no name in modinfo");
        return;
    }
    const std::string_view name = names.front();
    if (name == vmlinux || !is_module_name(name)) {
        add_modinfo(structure, rules::module_name,
                    fmt::format("module name '{}': expected up to {} letters, digits and '_', not 'vmlinux'", name,
                                format::longest_object_name));
    } else if (!holds_name(*structure.module.find_section(this_module), name)) {
        structure.findings
            .add(rules::module_name, std::string(this_module), {},
                 fmt::format("struct module does not hold the name '{}' of modinfo", name))
            .note("the kernel knows a loaded module by the name in struct module");
    }
}

void check_init(Structure& structure) {
    bool has_init = false, enables = false;
    for (const auto& symbol : structure.module.symbols()) {
        has_init |= symbol->name == "init_module" && symbol->placement == elf::Placement::section;
        enables |= symbol->name == enable_patch && symbol->placement == elf::Placement::undefined;
    }
    if (!has_init) structure.findings.add(rules::init, "defines no init_module: nothing would enable the patch");
    if (!enables) {
        structure.findings.add(rules::init, "does not refer to klp_enable_patch(): nothing would enable the patch")
            .note("klp_register_patch() left the kernel in Linux 5.1");
    } else if (!calls_enable_patch(structure.module)) {
        structure.findings.add(
            rules::init,
            "no code or data leads to klp_enable_patch(): the module would be loaded, and nothing patched");
    }
    check_calls(structure);
}

void check_other_forms(Structure& structure) {
    const bool has_livepatch_sections = std::ranges::any_of(
        structure.module.sections(), [](const auto& section) { return is_livepatch_section(*section); });
    for (const OtherForm& each : find_other_forms(structure.module)) {
        // These are of the modules that today's tools make, and do no harm.
        const bool is_tool = each.form == Form::kpatch_functions || each.form == Form::klp_build_tables ||
                             each.form == Form::klp_build_tombstone;
        const bool is_done = each.form == Form::klp_build_relocs && has_livepatch_sections;
        if (is_tool || is_done) continue;
        structure.findings.add(rules::other_form,
                               fmt::format("'{}' ({} of this form): {}", each.name, each.count, describe(each.form)));
    }
    for (const auto& section : structure.module.sections()) {
        if (!section->name.starts_with(format::arch_prefix)) continue;
        structure.findings
            .add(rules::arch_section, section->name, {},
                 "only kernels 4.6 to 5.7 process this section; later ones leave it alone")
            .note("since 5.8 relocations of vmlinux are applied before special sections are processed");
    }
}

}  // namespace klp::check
