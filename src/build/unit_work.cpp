// SPDX-License-Identifier: GPL-2.0-or-later
#include "build/unit_work.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "format/livepatch.hpp"

namespace klp::build {
namespace {

// Runs a step that throws after it has reported findings: the other units are still to be looked at.
template <typename Step>
bool completes(Diagnostics& diagnostics, Step step) {
    try {
        step();
        return true;
    } catch (const Interrupted&) {
        throw;
    } catch (const Error& error) {
        if (error.code() != ExitCode::unsafe || !diagnostics.has_errors()) throw;
        return false;
    }
}

}  // namespace

// vmlinux is there when the livepatch is loaded; a module need not be.
bool UnitWork::is_resolved_at_load(std::string_view symbol) const {
    const kernel::Export* exported = kernel_.exports().find(symbol);
    if (exported != nullptr) return exported->module == "vmlinux";
    return !kernel_.symbols().find(symbol).empty();
}

diff::Options UnitWork::options(const EntrySizes& entry_sizes) const {
    diff::Options options;
    options.entry_sizes = entry_sizes;
    options.for_module = object_ != "vmlinux";
    options.resolved_at_load = [this](std::string_view symbol) { return is_resolved_at_load(symbol); };
    return options;
}

void UnitWork::diff(const EntrySizes& entry_sizes, Diagnostics& diagnostics) {
    failed_ = !completes(diagnostics,
                         [&] { difference_ = diff::diff(original_, patched_, options(entry_sizes), diagnostics); });
}

bool UnitWork::replaces_functions() const {
    return !failed_ && std::ranges::any_of(difference_->functions, [](const diff::FunctionChange& function) {
        return function.status == diff::FunctionStatus::changed;
    });
}

void UnitWork::prove(Diagnostics& diagnostics) {
    if (failed_) return;
    unit_.emplace(kernel_, object_, original_);
    unit_->check_changed(*difference_, diagnostics);
    unit_->check_new(*difference_, diagnostics);
    failed_ = diagnostics.has_errors();
}

void UnitWork::add_new_globals(std::map<std::string, resolve::Names>& by_object) const {
    resolve::Names& names = by_object[object_];
    if (!difference_) return;
    for (const elf::Symbol* symbol : difference_->new_globals()) names.insert(symbol->name);
}

void UnitWork::resolve(const std::map<std::string, resolve::Names>& new_globals, Diagnostics& diagnostics) {
    if (failed_) return;
    resolutions_ = unit_->resolve(*difference_, diagnostics, new_globals.at(object_));
    failed_ = diagnostics.has_errors();
}

make::UnitPart UnitWork::part() {
    make::UnitPart part;
    part.object = object_;
    part.source = source_;
    part.extracted = &difference_->extracted;
    for (const auto& function : difference_->functions) {
        if (function.status != diff::FunctionStatus::changed) continue;
        const resolve::FunctionProof* proof = unit_->proof_of(*function.original);
        part.functions.push_back({proof->name, proof->sympos, function.extracted});
    }
    part.references = difference_->references;
    part.resolutions = resolutions_;
    return part;
}

void UnitWork::add_to(Report& report) const {
    auto object = std::ranges::find(report.objects, object_, &BuiltObject::name);
    if (object == report.objects.end()) object = report.objects.insert(object, {object_, {}});
    for (const auto& function : difference_->functions) {
        if (function.status == diff::FunctionStatus::included) continue;
        BuiltFunction built{function.name,  function.status == diff::FunctionStatus::added, 0, {}, source_,
                            function.reason};
        if (!built.added) {
            const resolve::FunctionProof* proof = unit_->proof_of(*function.original);
            built.name = proof->name;
            built.sympos = proof->sympos;
            built.fidelity = "identical";  // check_changed() found it so
        }
        object->functions.push_back(std::move(built));
    }
    for (std::size_t i = 0; i < resolutions_.size(); ++i) {
        const auto& resolution = resolutions_[i];
        const bool is_livepatch = resolution.kind == resolve::Resolution::Kind::livepatch;
        report.references.push_back(
            {object_, difference_->references[i].name,
             is_livepatch ? format::make_symbol_name({resolution.object, resolution.name, resolution.sympos})
                          : resolution.name,
             resolution.how});
    }
    for (const auto& note : difference_->notes) report.notes.push_back(fmt::format("{}: {}", source_, note));
    for (const auto& proof : unit_->proofs())
        report.functions_proven += proof.fidelity == resolve::Fidelity::identical ? 1 : 0;
    report.functions_total += unit_->proofs().size();
}

}  // namespace klp::build
