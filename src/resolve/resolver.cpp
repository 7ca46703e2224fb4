// SPDX-License-Identifier: GPL-2.0-or-later
#include "resolve/resolver.hpp"
#include "base/kernel_names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace klp::resolve {

namespace {

bool is_local_definition(const diff::Reference& reference) {
    return reference.defined_in_unit && reference.original != nullptr && reference.original->is_local();
}

// Stands for a resolution where a finding has been reported.
Resolution failed(const diff::Reference& reference) {
    Resolution resolution;
    resolution.name = reference.name;
    return resolution;
}

std::string place_text(const kernel::KernelSymbol& symbol) {
    if (symbol.section != nullptr) return fmt::format("{}+{:#x}", symbol.section->name, symbol.address);
    return fmt::format("{:#x}", symbol.address);
}

}  // namespace

Resolver::Resolver(const Unit& unit, const NamesByObject& brought, Diagnostics& diagnostics)
    : unit_(unit), brought_(brought), diagnostics_(diagnostics) {
    if (unit.object() != vmlinux) dependencies_ = unit.kernel_.module_dependencies(unit.object());
}

Location Resolver::where() const {
    return {unit_.original_.display_name(), {}, {}};
}

Resolution Resolver::resolve(const diff::Reference& reference) {
    if (auto found = by_other_unit(reference)) return *found;
    if (auto found = by_export(reference)) return *found;
    if (auto found = by_proof(reference)) return *found;
    if (auto found = by_witness(reference)) return *found;
    if (auto found = by_name(reference, unit_.symbols_)) return *found;
    // A livepatch of a module may use any symbol of vmlinux, exported or not (kernel/livepatch/core.c:
    // klp_resolve_symbols refuses only the other direction).
    if (unit_.object() != vmlinux && !reference.defined_in_unit) {
        if (auto found = by_name(reference, unit_.kernel_.symbols())) return *found;
    }
    return unresolved(reference);
}

// First of all: the kernel may have a static symbol of the name that the patch gives to a new function. All units are
// in one module, the livepatch; code of a module may use what comes with vmlinux or with a module that it needs.
std::optional<Resolution> Resolver::by_other_unit(const diff::Reference& reference) const {
    if (reference.defined_in_unit) return std::nullopt;
    const auto brought_with = [&](const std::string& object) -> std::optional<Resolution> {
        const auto names = brought_.find(object);
        if (names == brought_.end() || !names->second.contains(reference.name)) return std::nullopt;
        return Resolution{Resolution::Kind::internal, object, reference.name, 0, "new in another patched file"};
    };
    if (auto own = brought_with(unit_.object())) return own;
    if (unit_.object() == vmlinux || unit_.has_lasting_global(reference.name)) return std::nullopt;
    if (auto of_vmlinux = brought_with(std::string(vmlinux))) return of_vmlinux;
    if (unit_.kernel_.exports().find(reference.name) != nullptr) return std::nullopt;
    for (const std::string& object : dependencies_)
        if (auto of_module = brought_with(object)) return of_module;
    return std::nullopt;
}

std::optional<Resolution> Resolver::by_export(const diff::Reference& reference) {
    if (is_local_definition(reference)) return std::nullopt;
    const kernel::Export* found = unit_.kernel_.exports().find(reference.name);
    if (found == nullptr || (found->module != vmlinux && found->module == unit_.object())) return std::nullopt;
    if (found->module == vmlinux)
        return Resolution{Resolution::Kind::exported, std::string(vmlinux), reference.name, 0, "export"};
    if (reference.defined_in_unit) return std::nullopt;
    return of_module(reference, found->module);
}

// A module's export can be had as a livepatch symbol of that module, if it is sure to be loaded then.
Resolution Resolver::of_module(const diff::Reference& reference, std::string_view module) {
    const bool loaded = std::ranges::find(dependencies_, module) != dependencies_.end();
    if (loaded) {
        if (auto found = by_name(reference, unit_.kernel_.module(module).symbols)) return *found;
        return unresolved(reference);
    }
    Finding& finding = diagnostics_.error("resolve.module-export", where(),
                                          fmt::format("'{}' is exported by module {}, which {} does not depend on",
                                                      reference.name, module, unit_.object()));
    if (unit_.object() == vmlinux)
        finding.hint("code that is patched in vmlinux may refer to symbols of vmlinux only");
    else
        finding.hint(fmt::format("{} may not be loaded when {} is; use what {} already depends on", module,
                                 unit_.object(), unit_.object()));
    return failed(reference);
}

std::optional<Resolution> Resolver::by_proof(const diff::Reference& reference) {
    if (!reference.defined_in_unit || reference.original == nullptr) return std::nullopt;
    const FunctionProof* proof = unit_.proof_of(*reference.original);
    if (proof == nullptr || proof->fidelity != Fidelity::identical) return std::nullopt;
    return chosen(reference, unit_.symbols_, proof->shipped, "proven function");
}

std::optional<Resolution> Resolver::by_witness(const diff::Reference& reference) {
    const auto found = unit_.witnesses_.find(reference.original);
    if (found == unit_.witnesses_.end()) return std::nullopt;
    const Unit::Witness& witness = found->second;
    if (!witness.conflict.empty()) {
        diagnostics_.error("resolve.conflict", where(), fmt::format("'{}' is at two places", reference.name))
            .note(witness.conflict)
            .hint("the source or the compiler differs from what the kernel was built with");
        return failed(reference);
    }
    if (!witness.shipped) return std::nullopt;
    return chosen(reference, unit_.symbols_, *witness.shipped, "witness " + witness.how);
}

std::optional<Resolution> Resolver::by_name(const diff::Reference& reference, const kernel::SymbolTable& table) {
    const Indices all = table.find(reference.name);
    if (all.empty()) return std::nullopt;
    const Indices fitting = plausible(reference, table, all);
    if (all.size() == 1) {
        // An undefined symbol may name what was static until another file of the same patch made it global.
        if (!fitting.empty() || !reference.defined_in_unit) return chosen(reference, table, all.front(), "unique name");
        return std::nullopt;
    }
    if (fitting.size() == 1)
        return chosen(reference, table, fitting.front(), "the only one of its kind among equal names");
    return ambiguous(reference, table, all);
}

// Those that the reference can mean by kind and binding.
Resolver::Indices Resolver::plausible(const diff::Reference& reference, const kernel::SymbolTable& table,
                                      const Indices& candidates) const {
    const elf::Symbol* original = reference.defined_in_unit ? reference.original : nullptr;
    const bool typed = original != nullptr && (original->is_function() || original->is_data_object());
    Indices fitting;
    for (const std::size_t index : candidates) {
        const kernel::KernelSymbol& symbol = table.symbols()[index];
        if (typed && symbol.is_code() != original->is_function()) continue;
        // The kernel's letters for symbols of modules tell exports, not bindings.
        const bool has_binding = symbol.section == nullptr;
        if (has_binding && is_local_definition(reference) && !symbol.may_be_local()) continue;
        if (has_binding && !is_local_definition(reference) && !symbol.may_be_global()) continue;
        fitting.push_back(index);
    }
    // Static data is listed only with CONFIG_KALLSYMS_ALL: without it the one that is meant may be absent.
    const bool all_listed = unit_.kernel_.config().enabled("CONFIG_KALLSYMS_ALL");
    if (typed && !original->is_function() && !all_listed) return {};
    return fitting;
}

Resolution Resolver::chosen(const diff::Reference& reference, const kernel::SymbolTable& table, std::size_t index,
                            std::string how) {
    const kernel::KernelSymbol& symbol = table.symbols()[index];
    if (symbol.init_only) {
        diagnostics_
            .error("resolve.init", where(),
                   fmt::format("'{}' is gone once {} is initialised", symbol.name, table.object()))
            .hint("code that stays must not refer to init code and init data");
        return failed(reference);
    }
    try {
        return {Resolution::Kind::livepatch, table.object(), std::string(symbol.name), table.sympos(index),
                std::move(how)};
    } catch (const Error& error) {
        diagnostics_.error("resolve.ambiguous", where(), error.message())
            .hint(
                "write a new function with a name of its own into the file that has the one that is meant, and call "
                "that");
        return failed(reference);
    }
}

Resolution Resolver::ambiguous(const diff::Reference& reference, const kernel::SymbolTable& table,
                               const Indices& candidates) {
    Finding& finding = diagnostics_.error(
        "resolve.ambiguous", where(),
        fmt::format("'{}' can be any of {} symbols of {}", reference.name, candidates.size(), table.object()));
    for (const std::size_t index : candidates) {
        const kernel::KernelSymbol& symbol = table.symbols()[index];
        finding.note(fmt::format("{} type {} position {}", place_text(symbol), symbol.type, table.sympos(index)));
    }
    if (reference.defined_in_unit)
        finding.note("no proven function of this file refers to it, so that its place cannot be told")
            .hint("use it by way of a function of this file that uses it already");
    else
        finding.hint(
            "several files have one of that name: write a new function with a name of its own into the file that has "
            "the one that is meant, and call that");
    return failed(reference);
}

Resolution Resolver::unresolved(const diff::Reference& reference) {
    Finding& finding =
        diagnostics_.error("resolve.unresolved", where(),
                           fmt::format("'{}' is neither exported nor listed in {}", reference.name, unit_.object()));
    for (const auto& [object, names] : brought_) {
        if (!names.contains(reference.name)) continue;
        finding.note(fmt::format("it is new in {}, of which {} does not depend", object, unit_.object()));
        finding.hint(
            "what several objects use has to be in a file of vmlinux, or of a module that the others depend on");
        return failed(reference);
    }
    const bool all_listed = unit_.kernel_.config().enabled("CONFIG_KALLSYMS_ALL");
    finding.hint(all_listed ? "the kernel's compiler may have inlined or discarded it, or no built file defines it"
                            : "the kernel lists no data symbols, since CONFIG_KALLSYMS_ALL is not set");
    return failed(reference);
}

std::vector<Resolution> Unit::resolve(const diff::Result& result, Diagnostics& diagnostics,
                                      const NamesByObject& brought) const {
    Resolver resolver(*this, brought, diagnostics);
    std::vector<Resolution> resolutions;
    resolutions.reserve(result.references.size());
    for (const diff::Reference& reference : result.references) resolutions.push_back(resolver.resolve(reference));
    return resolutions;
}

}  // namespace klp::resolve
