// SPDX-License-Identifier: GPL-2.0-or-later
// What the format library reads from the file (objects and functions) together with what it leaves out (replace,
// states), which is read here from memory:
//   struct klp_patch { struct module *mod; struct klp_object *objs; struct klp_state *states; bool replace; … }
//   struct klp_state { unsigned long id; unsigned int version; void *data; }
#include <fmt/format.h>

#include <algorithm>

#include "format/tables.hpp"
#include "loader/journal.hpp"
#include "loader/livepatch.hpp"
#include "loader/module_memory.hpp"

namespace klp::loader {

namespace {

constexpr std::uint64_t word = 8, objs_field = 8, states_field = 16, replace_field = 24, patch_size = 32;
constexpr std::uint64_t state_size = 24, state_version_field = 8;
// Ids of states are few; a table without end is no table.
constexpr std::size_t most_states = 1000;

bool is_writable_data(const Module& module, std::uint64_t address) {
    const arch::ImageSection* section = section_at(module, address);
    if (section == nullptr) return false;
    const auto index = static_cast<std::size_t>(section - module.image.sections.data());
    const Area area = module.layout.places[index]->area;
    return area == Area::data || area == Area::ro_after_init;
}

// A pointer to the module, one to its data, one to its data or none, and a truth value.
bool looks_like_patch(const Module& module, std::uint64_t address) {
    const Bytes memory = memory_from(module, address);
    if (memory.size() < patch_size) return false;
    const auto states = word_at(module, address + states_field);
    const auto replace = std::to_integer<unsigned>(memory[replace_field]);
    return word_at(module, address) == module.image.sections[module.index.this_module].address &&
           is_writable_data(module, word_at(module, address + objs_field)) &&
           (states == 0 || is_writable_data(module, states)) && replace <= 1;
}

std::optional<std::uint64_t> find_patch(const Module& module) {
    std::optional<std::uint64_t> found;
    for (std::uint32_t i = 1; i < module.image.sections.size(); ++i) {
        const auto& place = module.layout.places[i];
        if (!place || place->area != Area::data || i == module.index.this_module) continue;
        const arch::ImageSection& section = module.image.sections[i];
        for (std::uint64_t at = 0; at + patch_size <= section.memory.size(); at += word) {
            if (!looks_like_patch(module, section.address + at)) continue;
            if (found) return std::nullopt;
            found = section.address + at;
        }
    }
    return found;
}

std::vector<KlpState> read_states(const Module& module, std::uint64_t table) {
    std::vector<KlpState> states;
    while (table != 0 && (section_from(module, table).size() < word || word_at(module, table) != 0)) {
        const Bytes version = section_from(module, table + state_version_field);
        if (version.size() < 4)
            throw Undefined{module.name + ": the table of struct klp_state leads out of its section"};
        states.push_back({word_at(module, table), load<std::uint32_t>(version, module.image.order)});
        if (states.size() > most_states) throw Undefined{module.name + ": the table of struct klp_state has no end"};
        table += state_size;
    }
    return states;
}

std::uint64_t address_of(const Module& module, const format::PatchedFunction& function) {
    const arch::ImageSection* section = loaded_section(module, function.new_section);
    if (section == nullptr) {
        throw Undefined{fmt::format("{}: the new function of '{}' is in section {}, which is not in memory",
                                    module.name, function.old_name, function.new_section)};
    }
    return section->address + function.new_offset;
}

KlpObject object_of(const Module& module, const format::PatchedObject& read) {
    KlpObject object;
    if (read.name != "vmlinux" || read.never_comes) object.name = read.name;
    for (const format::PatchedFunction& function : read.functions) {
        KlpFunc& added = object.functions.emplace_back(KlpFunc{function.old_name, function.sympos});
        added.nop = function.nop;
        added.of_module = true;
        if (!function.new_section.empty()) added.new_address = address_of(module, function);
    }
    return object;
}

}  // namespace

KlpPatch read_patch(Module& module, const System& system) {
    return as_undefined([&] {
        if (system.features.layout) {
            if (const auto address = patch_of_init_code(module, *system.features.layout)) {
                KlpPatch patch = read_patch_at(module, system, *address);
                patch.states = read_states(module, word_at(module, *address + states_field));
                return patch;
            }
        }
        KlpPatch patch;
        patch.module = &module;
        std::vector<std::byte> room;
        const auto file =
            elf::Object::view(module.file.in_form(module.index.symbols, room), module.file.display_name());
        const format::Tables tables = format::read_all_tables(file);
        if (tables.patches > 1)
            throw Undefined{fmt::format("{}: which of its {} klp_patch its init function enables is not to be told",
                                        module.name, tables.patches)};
        const auto& objects = tables.objects;
        if (objects.empty())
            throw Undefined{module.name + ": what its init function patches is not to be read from its data", true};
        for (const format::PatchedObject& each : objects) patch.objects.push_back(object_of(module, each));
        if (const auto address = find_patch(module)) {
            patch.replace = std::to_integer<unsigned>(memory_from(module, *address)[replace_field]) != 0;
            patch.states = read_states(module, word_at(module, *address + states_field));
        } else if (file.find_section(format::klp_build_objects) != nullptr) {
            patch.replace = true;  // scripts/livepatch/init.c, unless it was compiled with KLP_NO_REPLACE
        }
        return patch;
    });
}

}  // namespace klp::loader
