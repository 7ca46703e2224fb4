// SPDX-License-Identifier: GPL-2.0-or-later
// What a reference means.
#include "convert/choose.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>

#include "arch/module_loading.hpp"
#include "base/kernel_names.hpp"
#include "base/text.hpp"
#include "kernel/module.hpp"

namespace klp::convert {
namespace {

// The module loader, or the last link (scripts/mod/modpost.c:add_header), gives it a value.
bool is_made_later(const arch::Arch& arch, std::string_view name) {
    const auto names = arch.module_loading().undefined_symbols();
    return name == "__this_module" || std::ranges::find(names, name) != names.end();
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

}  // namespace

Chooser::Chooser(const ConvertInput& input, std::vector<std::string> objects, Diagnostics& diagnostics)
    : input_(input),
      diagnostics_(diagnostics),
      candidates_(input.symbols, std::move(objects)),
      annotations_(input.module, diagnostics),
      depends_(kernel::depends_of(input.module)),
      uses_(input.module, input.arch) {}

const Ownership& Chooser::ownership() {
    if (!ownership_)
        ownership_ = std::make_unique<Ownership>(input_.module, input_.arch, input_.objects, input_.arch_sections);
    return *ownership_;
}

// The module loader finds what vmlinux exports, and what is exported by modules that it is told to load before.
Chooser::Import Chooser::look_up(const elf::Symbol& symbol) {
    if (symbol.placement != elf::Placement::undefined || symbol.name.empty()) return {};
    if (annotations_.find(symbol) != nullptr) return {false};
    if (is_made_later(input_.arch, symbol.name)) return {};
    const kernel::Export* found = input_.symbols.find_export(symbol.name);
    const bool at_hand =
        found != nullptr && (found->module == vmlinux || !input_.linked || contains(depends_, found->module));
    if (at_hand && found->module != vmlinux && is_patched(std::string(found->module))) {
        if (Finding* finding =
                report(Severity::warning, "convert.pins-object", {input_.module.display_name(), {}, {}}, symbol.name,
                       fmt::format("'{}' is exported by the patched module '{}', which then has to be "
                                   "loaded before the livepatch, and cannot go",
                                   symbol.name, found->module)))
            finding->hint(fmt::format("KLP_RELOC_SYMBOL({0}, {0}, {1}) looks it up when the module comes",
                                      found->module, symbol.name));
    }
    if (at_hand) {
        const kernel::SymbolTable* table = candidates_.table(found->module);
        return {
            true, found,
            table == nullptr ? kernel::Content::unknown : candidates_.facts().exported_content(*table, symbol.name)};
    }
    // kernel/module/main.c:simplify_symbols leaves weak ones null.
    if (symbol.binding == STB_WEAK) {
        (void)report(Severity::warning, "convert.weak", {input_.module.display_name(), {}, {}}, symbol.name,
                     fmt::format("'{}' is weak and not exported: it will be null", symbol.name));
        return {};
    }
    return {false};
}

const Chooser::Import& Chooser::import_of(const elf::Symbol& symbol) {
    const auto [entry, added] = imports_.try_emplace(&symbol);
    if (added) {
        entry->second = look_up(symbol);
        const kernel::Export* found = entry->second.found;
        if (found != nullptr && found->module == vmlinux) warn_of_hidden(symbol, found->module);
    }
    return entry->second;
}

std::optional<Choice> Chooser::choose(const elf::Section& target, const elf::Relocation& relocation) {
    if (!target.is_alloc()) return std::nullopt;
    const Import& import = import_of(*relocation.symbol);
    if (import.is_ordinary && import.found == nullptr) return std::nullopt;
    const Use use{target, relocation, {input_.module.display_name(), target.name, relocation.offset}};
    if (import.is_ordinary) return choose_imported(use, import);
    const Annotation* annotation = annotations_.find(*relocation.symbol);
    return accept(use, annotation != nullptr ? choose_annotated(use, *annotation) : choose_by_name(use));
}

// In code of one patched object: its own symbols of the name, where another module is the one that exports it.
std::vector<Candidate> Chooser::own_of(const Use& use, const kernel::Export& found) {
    std::vector<Candidate> own = candidates_of(*use.relocation.symbol);
    std::erase_if(own, [&](const Candidate& each) { return each.gone || each.object == found.module; });
    if (own.empty()) return own;
    const Owners who = owners(use);
    std::erase_if(own, [&](const Candidate& each) { return who.objects != std::vector{each.object}; });
    return own;
}

// Code that was copied from an object means the object's own static, and not what a third one exports.
std::optional<Choice> Chooser::choose_imported(const Use& use, const Import& import) {
    const std::string& symbol = use.relocation.symbol->name;
    if (import.found->module != vmlinux) {
        const std::vector<Candidate> own = own_of(use, *import.found);
        if (!own.empty()) return accept(use, choose_among(use, own));
        warn_of_hidden(*use.relocation.symbol, import.found->module);
    }
    (void)is_sensible(use, symbol, import.content);
    return std::nullopt;
}

bool Chooser::is_sensible(const Use& use, std::string_view name, kernel::Content content) {
    const auto problem = uses_.problem(use.section, use.relocation, name, content);
    if (problem)
        (void)report(Severity::error, "convert.reference", use.where, std::string(name), "the code " + *problem);
    return !problem;
}

// What is chosen is looked at as the livepatch core will, and as klp check does.
std::optional<Choice> Chooser::accept(const Use& use, std::optional<Choice> choice) {
    if (!choice) return std::nullopt;
    const format::SymbolName& name = choice->target.symbol;
    const auto [entry, added] = selections_.try_emplace(fmt::format("{}.{},{}", name.object, name.symbol, name.sympos));
    auto& [selection, content] = entry->second;
    if (added) {
        const kernel::SymbolTable& table = *candidates_.table(name.object);
        selection = kernel::select(table, name.symbol, name.sympos);
        content = candidates_.facts().content(table.symbols()[selection.index]);
    }
    if (selection.problem != kernel::Selection::Problem::none) {
        report_selection(use, name, selection);
        return std::nullopt;
    }
    return is_sensible(use, name.symbol, content) ? choice : std::nullopt;
}

bool Chooser::is_code(const Use& use) const {
    return use.section.is_code() || use.section.name == input_.arch.address_pool();
}

const std::vector<Candidate>& Chooser::candidates_of(const elf::Symbol& symbol) {
    const auto [entry, added] = by_symbol_.try_emplace(&symbol);
    if (added) entry->second = candidates_.of(symbol.name);
    return entry->second;
}

std::optional<Choice> Chooser::choose_by_name(const Use& use) {
    const std::vector<Candidate>& all = candidates_of(*use.relocation.symbol);
    const bool patches_modules = candidates_.objects().size() > 1 || candidates_.objects().front() != vmlinux;
    if (!patches_modules) return choose_among(use, all);
    const Owners who = owners(use);
    std::vector<Candidate> possible;
    // Code that runs without the module cannot mean the module's symbol, where there is another one.
    for (const Candidate& each : all)
        if (!is_code(use) || each.object == vmlinux || early(who.objects, each.object).empty())
            possible.push_back(each);
    auto choice = choose_among(use, possible.empty() ? all : possible);
    if (choice) warn_of_foreign(use, who, *choice);
    return choice;
}

std::optional<Choice> Chooser::choose_among(const Use& use, const std::vector<Candidate>& candidates) {
    const auto there = [](const Candidate& each) { return !each.gone; };
    const auto count = std::ranges::count_if(candidates, there);
    if (candidates.empty()) {
        report_unknown(use);
        return std::nullopt;
    }
    if (count > 1) {
        report_ambiguous(use, candidates);
        return std::nullopt;
    }
    const auto chosen = std::ranges::find_if(candidates, there);
    const auto name =
        name_of(use.where, use.relocation.symbol->name, chosen == candidates.end() ? candidates.front() : *chosen);
    if (!name) return std::nullopt;
    const auto object = applied_with(use, *name, nullptr);
    if (!object) return std::nullopt;
    return Choice{{*name, *object}, false};
}

std::optional<format::SymbolName> Chooser::name_of(const Location& where, const std::string& symbol,
                                                   const Candidate& candidate) {
    if (candidate.gone) {
        (void)report(Severity::error, "convert.init", where, symbol,
                     fmt::format("'{}' of {} is init code or data, which is gone", symbol, candidate.object));
        return std::nullopt;
    }
    try {
        return format::SymbolName{candidate.object, symbol, candidate.table->sympos(candidate.index)};
    } catch (const Error& error) {
        if (Finding* finding = report(Severity::error, "convert.position", where, symbol, error.message()))
            finding->hints = error.hints();
        return std::nullopt;
    }
}

std::optional<Choice> Chooser::choose_annotated(const Use& use, const Annotation& annotation) {
    annotation.used = true;
    const auto [entry, added] = meanings_.try_emplace(&annotation);
    if (added) entry->second = check_meaning(annotation);
    if (!entry->second) return std::nullopt;
    const auto object = applied_with(use, *entry->second, &annotation);
    if (!object) return std::nullopt;
    return Choice{{*entry->second, *object}, true};
}

// A position of 1 is what 0 says where the name is unique (kernel/livepatch/core.c:klp_find_object_symbol).
std::optional<format::SymbolName> Chooser::check_meaning(const Annotation& annotation) {
    const auto& [object, symbol, position] = annotation.meaning;
    if (!check_object(annotation, object, false)) return std::nullopt;
    if (!annotation.patched_object.empty() && !check_object(annotation, annotation.patched_object, true))
        return std::nullopt;
    const std::vector<Candidate> all = candidates_.in(object, symbol);
    const std::string meant = object + "." + symbol;
    const auto fail = [&](const char* id, std::string message) {
        Finding* finding = report(Severity::error, id, annotation.where, meant, std::move(message));
        if (finding == nullptr) return;
        for (const Candidate& each : all) finding->note(candidates_.describe(each));
    };
    if (all.empty()) {
        fail("convert.symbol", fmt::format("the annotation names '{}', which {} does not have", symbol, object));
        return std::nullopt;
    }
    if (position == 0 && all.size() > 1) {
        fail("convert.ambiguous",
             fmt::format("the annotation says that '{}' is unique in {}, which has {}", symbol, object, all.size()));
        return std::nullopt;
    }
    if (position > all.size()) {
        fail("convert.position", fmt::format("the annotation names '{}' number {} of {}, which has {}", symbol,
                                             position, object, all.size()));
        return std::nullopt;
    }
    return name_of(annotation.where, symbol, all[position == 0 ? 0 : position - 1]);
}

void Chooser::check_annotations() {
    for (const Annotation& annotation : annotations_.all()) {
        if (annotation.used) continue;
        (void)report(Severity::error, "convert.annotation-unused", annotation.where, annotation.meaning.symbol,
                     fmt::format("nothing refers to '{}', which is annotated", annotation.meaning.symbol));
    }
}

}  // namespace klp::convert
