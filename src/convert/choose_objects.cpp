// SPDX-License-Identifier: GPL-2.0-or-later
// With which object a relocation is applied.
//
// kernel/livepatch/core.c:klp_resolve_symbols: symbols of vmlinux in .klp.rela.vmlinux.* alone, applied while the
// livepatch is loaded; symbols of modules in the sections of a patched module, applied when that module comes.
#include <fmt/format.h>

#include <algorithm>

#include "convert/choose.hpp"

namespace klp::convert {
bool Chooser::is_patched(const std::string& object) const {
    return std::ranges::any_of(input_.objects, [&](const auto& each) { return each.name == object; });
}

bool Chooser::is_there_with(const std::string& module, const std::string& patched_object) {
    if (module == patched_object || module == vmlinux) return true;
    if (patched_object == vmlinux) return false;
    const auto [entry, added] = dependencies_.try_emplace(patched_object);
    if (added) entry->second = input_.symbols.dependencies(patched_object);
    return std::ranges::find(entry->second, module) != entry->second.end();
}

std::vector<std::string> Chooser::early(const std::vector<std::string>& owners, const std::string& module) {
    std::vector<std::string> objects;
    for (const std::string& object : owners)
        if (!is_there_with(module, object)) objects.push_back(object);
    return objects;
}

bool Chooser::check_object(const Annotation& annotation, const std::string& object, bool patched) {
    if (object != vmlinux && input_.symbols.module(object) == nullptr) {
        Finding* finding = report(Severity::error, "convert.object", annotation.where, object,
                                  fmt::format("the annotation names '{}', but kernel {} has no module of that name",
                                              object, input_.symbols.release()));
        const auto meant = meant_object(input_.symbols, object);
        if (finding != nullptr && meant) finding->hint(fmt::format("did you mean '{}'?", *meant));
        return false;
    }
    if (patched && object != vmlinux && !is_patched(object)) {
        Finding* finding =
            report(Severity::error, "convert.object", annotation.where, object,
                   fmt::format("the annotation names '{}' as patched, but the module's tables do not", object));
        const std::string meant = with_underscores(object);
        if (finding != nullptr && meant != object && is_patched(meant))
            finding->hint(fmt::format("did you mean '{}'?", meant));
        return false;
    }
    return true;
}

std::optional<std::string> Chooser::applied_with(const Use& use, const format::SymbolName& symbol,
                                                 const Annotation* annotation) {
    if (symbol.object != vmlinux) return module_applied_with(use, symbol, annotation, owners(use));
    if (!input_.arch_sections) return symbol.object;
    return old_applied_with(use, symbol, owners(use));
}

// Kernels before 5.8 apply a section when they initialise its object, vmlinux like others, and only where the livepatch
// has functions for it (klp_init_object_loaded). They allow symbols of vmlinux in the sections of modules.
std::optional<std::string> Chooser::old_applied_with(const Use& use, const format::SymbolName& symbol,
                                                     const Owners& owners) {
    if (is_patched(std::string(vmlinux))) return std::string(vmlinux);
    if (owners.objects.size() == 1) return owners.objects.front();
    (void)report(Severity::error, "convert.object-unpatched", use.where, symbol.symbol,
                 fmt::format("kernel {} resolves '{}' only together with a patched object, and it does not follow from "
                             "the tables with which",
                             input_.symbols.release(), symbol.symbol));
    return std::nullopt;
}

std::optional<std::string> Chooser::module_applied_with(const Use& use, const format::SymbolName& symbol,
                                                        const Annotation* annotation, const Owners& owners) {
    const std::string& module = symbol.object;
    std::string object = annotation != nullptr ? annotation->patched_object : std::string();
    if (object.empty() && is_patched(module)) object = module;
    if (object.empty() && owners.objects.size() == 1) object = owners.objects.front();
    if (object.empty()) {
        (void)report(Severity::error, "convert.object-unpatched", use.where, symbol.symbol,
                     fmt::format("'{}' is in module '{}', which the livepatch does not patch: nothing tells when to "
                                 "resolve it",
                                 symbol.symbol, module));
        return std::nullopt;
    }
    if (!is_there_with(module, object)) {
        report_early(Severity::error, use, symbol.symbol, module, {object});
        return std::nullopt;
    }
    // The author of an annotation may know that the code looks whether the module is there; and who reads a table need
    // not read all of it.
    const auto too_early = early(owners.objects, object);
    const bool may_be = annotation != nullptr || !is_code(use);
    if (!too_early.empty()) {
        report_early(may_be ? Severity::warning : Severity::error, use, symbol.symbol, module, too_early);
        if (!may_be) return std::nullopt;
    } else if (const auto perhaps = early(owners.through_tables, object); !perhaps.empty()) {
        report_early(Severity::warning, use, symbol.symbol, module, perhaps);
    } else if (owners.init) {
        (void)report(Severity::warning, "convert.init-reference", use.where, symbol.symbol,
                     fmt::format("the livepatch's own init or exit code comes to '{}' of module '{}', which is known "
                                 "only once the module is there",
                                 symbol.symbol, module));
    } else if (owners.early_tables) {
        Finding* finding =
            report(Severity::warning, "convert.early-code", use.where, symbol.symbol,
                   fmt::format("a module parameter leads to '{}' of module '{}', by code that anybody can have run "
                               "before the module is there",
                               symbol.symbol, module));
        if (finding != nullptr) finding->hint("the code has to look whether the module is there");
    }
    return object;
}

}  // namespace klp::convert
