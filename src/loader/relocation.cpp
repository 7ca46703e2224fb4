// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/relocation.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace klp::loader {

namespace {

bool is_read_only(const Module& module, const arch::MemoryWrite& write) {
    if (!write.section) return true;  // in the text area
    const auto& place = module.layout.places.at(*write.section);
    if (!place || place->area == Area::data || place->area == Area::init_data) return false;
    // kernel/module/main.c:do_init_module seals these when init is over.
    return place->area != Area::ro_after_init || module.state == LoadState::live;
}

// module_disable_ro() went when relocations of vmlinux came to be applied by load_module().
arch::ModuleState relocation_state(const System& system, const Module& module) {
    if (module.state == LoadState::unformed) return arch::ModuleState::unformed;
    return system.features.applies_vmlinux_relocations_at_load ? arch::ModuleState::live : arch::ModuleState::unlocked;
}

void check_faults(const System& system, const Module& module, const std::vector<arch::MemoryWrite>& writes) {
    if (!system.features.strict_module_rwx || relocation_state(system, module) != arch::ModuleState::live) return;
    for (const arch::MemoryWrite& write : writes) {
        if (write.by_text_patching || !is_read_only(module, write)) continue;
        const std::string name = write.section ? module.image.sections[*write.section].name : "the GOT and PLT";
        throw Undefined{
            fmt::format("{}: a plain store to read-only memory: {}+0x{:x} of a module that is loaded already "
                        "(CONFIG_STRICT_MODULE_RWX)",
                        module.name, name, write.offset)};
    }
}

std::string_view inexact_reason(const Module& module, const arch::ImageSymbol& symbol, bool percpu_is_pinned) {
    if (symbol.section_index == 0 || symbol.section_index >= module.image.sections.size()) return {};
    if (symbol.section_index == module.index.percpu && module.index.percpu != 0)
        return percpu_is_pinned ? std::string_view() : "per-cpu-address";
    return module.layout.places[symbol.section_index] ? std::string_view() : "temporary-address";
}

// Fields that depend on addresses which nobody knows.
void note_unknown_values(const System& system, Module& module, const RelocationStep& step) {
    const bool pinned = system.options.addresses.contains(module.name + ":.data..percpu");
    for (const arch::MemoryWrite& write : step.writes) {
        if (!write.relocation || !write.section) continue;
        const arch::ImageRelocation& relocation =
            module.image.sections[step.section_index].relocations.at(*write.relocation);
        if (relocation.symbol >= module.image.symbols.size()) continue;
        const std::string_view mechanism = inexact_reason(module, module.image.symbols.at(relocation.symbol), pinned);
        if (mechanism.empty()) continue;
        module.unknown_values.push_back(
            {std::string(mechanism),
             mechanism == "per-cpu-address"
                 ? "the address of per-CPU variables depends on what else has been allocated (mm/percpu.c)"
                 : "the symbol is in a section that is not kept: its address is that of the loader's temporary copy",
             *write.section,
             {write.offset, write.offset + write.after.size()},
             false});
    }
}

RelocationStep new_step(const Module& module, std::uint32_t index, const std::string& object,
                        RelocationStep::Action action) {
    const arch::ImageSection& section = module.image.sections.at(index);
    RelocationStep step;
    step.action = action;
    step.module = module.name;
    step.section = section.name;
    step.section_index = index;
    step.target = module.image.sections.at(section.info).name;
    step.object = object;
    return step;
}

void name_sections(const Module& module, RelocationStep& step) {
    step.reserved_text_address = module.image.text_address;
    for (const arch::MemoryWrite& write : step.writes) {
        if (!write.section) continue;
        const arch::ImageSection& section = module.image.sections.at(*write.section);
        step.sections.try_emplace(*write.section, WrittenSection{section.name, section.address});
    }
}

void record(System& system, Module& module, RelocationStep step, arch::Outcome outcome, Journal& journal) {
    step.writes = std::move(outcome.writes);
    step.refusal = std::move(outcome.refusal);
    name_sections(module, step);
    note_unknown_values(system, module, step);
    const RelocationStep& kept = journal.report().steps.emplace_back(std::move(step));
    check_faults(system, module, kept.writes);
    if (kept.refusal) refuse(*kept.refusal, journal);
}

}  // namespace

void refuse(const arch::Refusal& refusal, Journal& journal) {
    for (const std::string& message : refusal.messages) journal.error(message);
    throw Refused{refusal.error};
}

void apply_section(System& system, Module& module, std::uint32_t section, const std::string& object, Journal& journal) {
    as_undefined([&] {
        auto step = new_step(module, section, object, RelocationStep::Action::apply);
        auto outcome = module.relocator->apply(section, relocation_state(system, module));
        record(system, module, std::move(step), std::move(outcome), journal);
    });
}

void clear_section(System& system, Module& module, std::uint32_t section, const std::string& object, Journal& journal) {
    as_undefined([&] {
        auto step = new_step(module, section, object, RelocationStep::Action::clear);
        auto outcome = module.relocator->clear(section);
        if (outcome.writes.empty() && !outcome.refusal) return;
        record(system, module, std::move(step), std::move(outcome), journal);
    });
}

}  // namespace klp::loader
