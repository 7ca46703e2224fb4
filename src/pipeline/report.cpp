// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "base/kernel_names.hpp"
#include "format/livepatch.hpp"
#include "pipeline/stages.hpp"

namespace klp::pipeline {
namespace {

// Without a proof, where there is none yet.
BuiltFunction function_of(const diff::FunctionChange& function, const ComparedUnit& unit, const resolve::Unit* proven) {
    BuiltFunction built;
    built.name = function.name;
    built.added = function.status == diff::FunctionStatus::added;
    built.carried = function.status == diff::FunctionStatus::carried;
    built.source = unit.compiled->source;
    built.reason = function.reason;
    if (built.added || proven == nullptr) return built;
    const resolve::FunctionProof* proof = proven->proof_of(*function.original);
    built.name = proof->name;
    built.sympos = proof->sympos;
    built.fidelity = resolve::name_of(proof->fidelity);
    return built;
}

BuiltReference reference_of(const diff::Reference& reference, const resolve::Resolution& resolution,
                            const std::string& object) {
    const bool is_livepatch = resolution.kind == resolve::Resolution::Kind::livepatch;
    return {object, reference.name,
            is_livepatch ? format::make_symbol_name({resolution.object, resolution.name, resolution.sympos})
                         : resolution.name,
            resolution.how};
}

// A header's type is in many units: the functions of all of them depend on it.
void add_layout(Report& report, const diff::LayoutChange& layout) {
    const auto known = std::ranges::find(report.accepted_layouts, layout.type, &diff::LayoutChange::type);
    if (known == report.accepted_layouts.end()) {
        report.accepted_layouts.push_back(layout);
        return;
    }
    for (const std::string& function : layout.functions)
        if (std::ranges::find(known->functions, function) == known->functions.end())
            known->functions.push_back(function);
}

void add_difference(Report& report, const ComparedUnit& compared, const resolve::Unit* proven) {
    auto object = std::ranges::find(report.objects, compared.object, &BuiltObject::name);
    if (object == report.objects.end()) object = report.objects.insert(object, {compared.object, {}, {}, {}, {}, {}});
    for (const auto& function : compared.difference.functions) {
        if (function.status != diff::FunctionStatus::included)
            object->functions.push_back(function_of(function, compared, proven));
    }
    for (const auto& data : compared.difference.data) {
        if (data.status == diff::DataStatus::added)
            object->data.push_back({data.name, data.size, data.writable, data.section, compared.compiled->source});
    }
    for (const auto& each : compared.difference.outlives)
        object->outlives.push_back(fmt::format("{}: {}", compared.compiled->source, each));
    for (const diff::Callback& callback : compared.difference.callbacks)
        object->callbacks.push_back({std::string(name_of(callback.event)), callback.name, compared.compiled->source});
    for (const auto& [kind, name] : compared.difference.forced)
        object->forced.push_back({std::string(name_of(kind)), name, compared.compiled->source});
    for (const diff::LayoutChange& layout : compared.difference.accepted_layouts) add_layout(report, layout);
    for (const auto& note : compared.difference.notes)
        report.notes.push_back(fmt::format("{}: {}", compared.compiled->source, note));
}

void add_unit(Report& report, const ResolvedUnit& unit) {
    const ComparedUnit& compared = unit.proven.compared;
    add_difference(report, compared, &unit.proven.unit);
    for (std::size_t i = 0; i < unit.resolutions.size(); ++i)
        report.references.push_back(
            reference_of(compared.difference.references[i], unit.resolutions[i], compared.object));
    for (const auto& proof : unit.proven.unit.proofs()) {
        ++report.functions_total;
        if (proof.fidelity == resolve::Fidelity::identical) {
            ++report.functions_proven;
            continue;
        }
        report.unproven.push_back({proof.name, compared.object, compared.compiled->source,
                                   std::string(name_of(proof.fidelity)), proof.detail});
    }
}

void mark_changed(std::vector<BuiltUnit>& units, const std::string& source) {
    for (BuiltUnit& each : units) each.changed |= each.source == source;
}

// Units that only a header leads to and that it does not change.
std::optional<std::string> unchanged_note(const std::vector<BuiltUnit>& units) {
    static constexpr std::size_t most_named = 5;
    std::size_t count = 0;
    std::string names;
    for (const auto& unit : units) {
        if (unit.changed || unit.reached_by.empty()) continue;
        if (++count <= most_named) names += (count == 1 ? "" : ", ") + unit.source;
    }
    if (count == 0) return std::nullopt;
    return fmt::format("{} of the {} compiled units include a patched file, but come out as they were: {}{}", count,
                       units.size(), names, count > most_named ? ", …" : "");
}

// vmlinux first.
void sort_objects(Report& report) {
    std::ranges::sort(report.objects, {},
                      [](const BuiltObject& one) { return std::pair(one.name != vmlinux, one.name); });
}

}  // namespace

void record(Report& report, const Compiled& compiled) {
    report.notes = compiled.notes;
    for (const auto& unit : compiled.units) report.units.push_back({unit.source, unit.objects, unit.reached_by, false});
}

void record(Report& report, const Compared& compared) {
    for (const auto& unit : compared.units) {
        add_difference(report, unit, nullptr);
        mark_changed(report.units, unit.compiled->source);
    }
    sort_objects(report);
}

void complete(Report& report, const Linked& linked) {
    report.objects.clear();
    report.accepted_layouts.clear();
    report.notes = linked.resolved.compiled.notes;
    if (auto note = unchanged_note(report.units)) report.notes.push_back(*std::move(note));
    for (const auto& unit : linked.resolved.units) add_unit(report, unit);
    sort_objects(report);
}

}  // namespace klp::pipeline
