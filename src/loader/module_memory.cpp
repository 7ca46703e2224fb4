// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/module_memory.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace klp::loader {

namespace {

[[noreturn]] void fail(const Module& module, std::uint64_t address) {
    throw Error({module.file.display_name(), {}, {}},
                fmt::format("module {} points to 0x{:x}, which is not in its memory", module.name, address));
}

}  // namespace

const arch::ImageSection* section_at(const Module& module, std::uint64_t address) {
    for (std::uint32_t i = 1; i < module.image.sections.size(); ++i) {
        const arch::ImageSection& section = module.image.sections[i];
        const auto& place = module.layout.places[i];
        // Freed memory may be another module's by now.
        const bool is_loaded = place && !(module.init_freed && is_init(place->area));
        if (is_loaded && address >= section.address && address - section.address < section.memory.size())
            return &section;
    }
    return nullptr;
}

Bytes section_from(const Module& module, std::uint64_t address) {
    const arch::ImageSection* section = section_at(module, address);
    return section == nullptr ? Bytes{} : Bytes(section->memory).subspan(address - section->address);
}

Bytes memory_from(const Module& module, std::uint64_t address) {
    if (module.init_freed && is_in_init_memory(module, address)) return {};
    for (const arch::ImageBlock& block : module.image.blocks) {
        const std::uint64_t offset = address - block.address;
        if (address >= block.address && offset < block.memory.size()) return Bytes(block.memory).subspan(offset);
    }
    return {};
}

std::string_view string_at(const Module& module, std::uint64_t address) {
    const auto text = terminated_string(as_text(memory_from(module, address)));
    if (!text) fail(module, address);
    return *text;
}

std::uint64_t word_at(const Module& module, std::uint64_t address) {
    const Bytes memory = memory_from(module, address);
    if (memory.size() < 8) fail(module, address);
    for (const Rewrite& each : module.unknown_values) {
        const arch::ImageSection& section = module.image.sections[each.section];
        const std::uint64_t begin = section.address + each.range.begin, end = section.address + each.range.end;
        if (begin < address + 8 && address < end)
            throw Error({module.file.display_name(), section.name, each.range.begin},
                        "a pointer whose value nobody knows: " + each.why);
    }
    return load<std::uint64_t>(memory, module.image.order);
}

const arch::ImageSection* loaded_section(const Module& module, std::string_view name) {
    for (std::uint32_t i = 1; i < module.image.sections.size(); ++i) {
        if (module.layout.places[i] && module.image.sections[i].name == name) return &module.image.sections[i];
    }
    return nullptr;
}

bool is_in_init_memory(const Module& module, std::uint64_t address) {
    for (std::size_t i = 0; i < module.layout.blocks.size(); ++i) {
        const MemoryBlock& block = module.layout.blocks[i];
        if (block.init && address - module.block_addresses[i] < block.size) return true;
    }
    return false;
}

}  // namespace klp::loader
