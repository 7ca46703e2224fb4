// SPDX-License-Identifier: GPL-2.0-or-later
#include "convert/convert.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "arch/registry.hpp"
#include "convert/steps.hpp"
#include "format/tables.hpp"
#include "kernel/module.hpp"
#include "link/finish.hpp"
#include "link/signature.hpp"

namespace klp::convert {
namespace {

// Kernels 4.6 to 5.7 have it: architectures set up .klp.arch sections there.
constexpr std::string_view arch_sections_symbol = "arch_klp_init_object_loaded";

elf::Object read_input(std::vector<std::byte> bytes, const std::string& name, const kernel::SymbolSource& symbols) {
    elf::Object module = elf::Object::read(std::move(bytes), name);
    const Location where{name, {}, {}};
    if (module.file_type() != ET_REL)
        throw Error(where, fmt::format("not a kernel module: ELF type {}, expected a relocatable file ({})",
                                       module.file_type(), ET_REL));
    const arch::Arch& arch = arch::for_object(module);
    if (arch.name() != symbols.arch().name())
        throw Error(where, fmt::format("a module for {}, but kernel {} is for {}", arch.name(), symbols.release(),
                                       symbols.arch().name()));
    return module;
}

void require_livepatch(const elf::Object& module, Diagnostics& diagnostics) {
    // include/linux/livepatch.h says MODULE_INFO(livepatch, "Y"); kernel/module/main.c:check_modinfo_livepatch looks
    // for the tag alone.
    if (!kernel::modinfo_values(module, "livepatch").empty()) return;
    diagnostics.error("convert.not-livepatch", {module.display_name(), ".modinfo", {}}, "the module is no livepatch")
        .hint("add MODULE_INFO(livepatch, \"Y\"); to its source");
}

void warn_of_link(const std::string& file, Diagnostics& diagnostics) {
    diagnostics
        .warning("convert.unlinked", {file, {}, {}},
                 "the module has not been through its last link, in which GNU ld loses livepatch symbols and sections")
        .hint("convert the .ko file that modpost and the last link have made");
}

void warn_of_tables(const std::string& file, const format::Tables& tables, const ConvertRequest& request,
                    Diagnostics& diagnostics) {
    if (tables.patches != 0 && tables.problems.empty()) return;
    if (tables.problems.empty() && !request.objects.empty()) return;
    Finding& finding = diagnostics.warning(
        "convert.no-tables", {file, {}, {}},
        tables.patches != 0
            ? "a klp_patch of several cannot be read from the module's data: what it patches is not known"
        : request.objects.empty()
            ? "no klp_patch with its objects and functions found in the module's data: symbols are looked up in "
              "vmlinux alone"
            : "no klp_patch with its objects and functions found in the module's data");
    for (const format::TableProblem& each : tables.problems)
        finding.note(
            fmt::format("{}: {}", Location{"", each.where.section->name, each.where.offset}.text(), each.reason));
    finding.hint("--object names the patched objects");
}

// Objects of the tables; where they cannot be read, those of the request.
std::vector<format::PatchedObject> patched_objects(const elf::Object& module, const ConvertRequest& request,
                                                   Diagnostics& diagnostics) {
    format::Tables tables = format::read_all_tables(module);
    warn_of_tables(module.display_name(), tables, request, diagnostics);
    for (const format::PatchedObject& object : tables.objects)
        if (object.never_comes)
            diagnostics
                .error("convert.object-name", {module.display_name(), {}, {}},
                       "the object named 'vmlinux' is a module that never comes: nothing is patched")
                .hint("leave klp_object.name out: that is vmlinux");
    if (tables.objects.empty())
        for (const std::string& name : request.objects) tables.objects.push_back({name, {}, false, {}});
    return std::move(tables.objects);
}

// Where symbols are looked for.
std::vector<std::string> searched_objects(const std::string& file, const std::vector<format::PatchedObject>& patched,
                                          const ConvertRequest& request, const kernel::SymbolSource& symbols,
                                          Diagnostics& diagnostics) {
    std::vector<std::string> names = request.objects;
    if (names.empty()) {
        names.emplace_back(vmlinux);
        for (const auto& each : patched)
            if (std::ranges::find(names, each.name) == names.end()) names.push_back(each.name);
    }
    std::vector<std::string> known;
    for (std::string& name : names) {
        if (name == vmlinux || symbols.module(name) != nullptr) {
            known.push_back(std::move(name));
            continue;
        }
        const Severity severity = request.objects.empty() ? Severity::warning : Severity::error;
        Finding& finding = diagnostics.add(severity, "convert.object", {file, {}, {}},
                                           fmt::format("kernel {} has no module '{}'", symbols.release(), name));
        if (const auto meant = meant_object(symbols, name)) finding.hint(fmt::format("did you mean '{}'?", *meant));
    }
    return known;
}

Decisions decide(const elf::Object& module, Chooser& chooser) {
    Decisions decisions;
    for (const auto& section : module.sections()) {
        const bool ordinary = section->is_rela() && (section->flags & elf::shf_rela_livepatch) == 0;
        if (!ordinary || section->target == nullptr || section->target->name.starts_with(annotations_prefix)) continue;
        for (const elf::Relocation& relocation : section->relocations)
            if (auto choice = chooser.choose(*section->target, relocation))
                decisions.emplace(&relocation, std::move(*choice));
    }
    return decisions;
}

std::uint64_t count_ordinary(const elf::Object& module) {
    std::uint64_t count = 0;
    for (const auto& section : module.sections()) {
        const bool loaded = section->is_rela() && section->target != nullptr && section->target->is_alloc();
        if (loaded && (section->flags & elf::shf_rela_livepatch) == 0) count += section->relocations.size();
    }
    return count;
}

std::vector<ConvertedSymbol> summarize(const Decisions& decisions) {
    std::map<std::tuple<std::string, std::string, std::uint32_t, std::string>, ConvertedSymbol> found;
    for (const auto& [relocation, choice] : decisions) {
        const auto& [symbol, applied_with] = choice.target;
        auto& entry = found[{symbol.object, symbol.symbol, symbol.sympos, applied_with}];
        entry.symbol = symbol;
        entry.applied_with = applied_with;
        entry.annotated = entry.annotated || choice.annotated;
        ++entry.relocations;
    }
    std::vector<ConvertedSymbol> symbols;
    for (auto& [key, symbol] : found) symbols.push_back(std::move(symbol));
    return symbols;
}

void apply(elf::Object& module, const Decisions& decisions, const Annotations& annotations,
           const kernel::SymbolSource& symbols) {
    const ConvertedNames converted = converted_names(decisions);
    link::split_relocations(module, [&](const elf::Section&, const elf::Relocation& relocation) {
        const auto found = decisions.find(&relocation);
        return found == decisions.end() ? std::nullopt : std::optional(found->second.target);
    });
    remove_annotations(module, annotations, converted);
    link::remove_unused(module);
    remove_imports(module, no_longer_imported(module, converted), symbols);
}

}  // namespace

Conversion convert(std::vector<std::byte> input, const std::string& display_name, const kernel::SymbolSource& symbols,
                   const ConvertRequest& request, Diagnostics& diagnostics) {
    Conversion result;
    std::vector<std::byte> unsigned_input = input;
    const bool is_signed = link::drop_signature(unsigned_input, display_name);
    elf::Object module = read_input(std::move(unsigned_input), display_name, symbols);
    require_livepatch(module, diagnostics);

    ConvertInput known{module, arch::for_object(module), symbols, patched_objects(module, request, diagnostics), true,
                       false};
    known.linked = module.find_section(".gnu.linkonce.this_module") != nullptr;
    if (!known.linked) warn_of_link(display_name, diagnostics);
    known.arch_sections = symbols.vmlinux().look_up(arch_sections_symbol).exists();
    Chooser chooser(known, searched_objects(display_name, known.objects, request, symbols, diagnostics), diagnostics);
    diagnostics.stop_on_errors(fmt::format("{} cannot be converted", display_name));
    Decisions decisions = decide(module, chooser);
    chooser.check_annotations();
    check_places(known, decisions, chooser, diagnostics);
    diagnostics.stop_on_errors(fmt::format("{} cannot be converted", display_name));

    for (const auto& object : known.objects) result.objects.push_back(object.name);
    result.symbols = summarize(decisions);
    result.changed = !decisions.empty() || !chooser.annotations().sections().empty();
    result.signature_dropped = is_signed && result.changed;
    if (!result.changed) {
        result.ordinary_relocations = count_ordinary(module);
        result.module = std::move(input);
        return result;
    }
    if (known.arch_sections) move_arch_entries(module, chooser.ownership(), known.arch, decisions, diagnostics);
    apply(module, decisions, chooser.annotations(), symbols);
    result.ordinary_relocations = count_ordinary(module);
    result.module = module.write();
    return result;
}

}  // namespace klp::convert
