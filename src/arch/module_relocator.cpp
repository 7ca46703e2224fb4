// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/module_relocator.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace klp::arch {

namespace {

// Leaves the relocation code at any depth, as the kernel's returns of a negative number do.
struct Refused {
    Refusal refusal;
};

}  // namespace

template <typename Work>
Outcome ModuleRelocator::record(ModuleState state, Work work) {
    state_ = state;
    relocation_index_.reset();
    writes_.clear();
    Outcome outcome;
    try {
        work();
    } catch (Refused& refused) {
        outcome.refusal = std::move(refused.refusal);
    }
    outcome.writes = std::move(writes_);
    return outcome;
}

Preparation ModuleRelocator::prepare() {
    const std::vector<ImageSection> before = image_.sections;
    Preparation preparation;
    preparation.refusal =
        record(ModuleState::unformed, [&] { preparation.reserved_text = prepare_sections(); }).refusal;
    for (std::uint32_t i = 0; i < before.size(); ++i) {
        const ImageSection& now = image_.sections[i];
        if (now.size == before[i].size && now.alignment == before[i].alignment && now.flags == before[i].flags)
            continue;
        preparation.changes.push_back({i, now.size, now.alignment});
    }
    return preparation;
}

Outcome ModuleRelocator::apply(std::uint32_t relocation_section, ModuleState state) {
    return record(state, [&] {
        before_section();
        each_relocation(relocation_section, &ModuleRelocator::apply_one);
    });
}

Outcome ModuleRelocator::clear(std::uint32_t relocation_section) {
    return record(ModuleState::live, [&] { each_relocation(relocation_section, &ModuleRelocator::clear_one); });
}

Outcome ModuleRelocator::finalize() {
    return record(ModuleState::unformed, [&] { make_final_entries(); });
}

void ModuleRelocator::each_relocation(std::uint32_t relocation_section, Step step) {
    const ImageSection& section = image_.sections.at(relocation_section);
    relocation_section_ = relocation_section;
    for (std::uint32_t i = 0; i < section.relocations.size(); ++i) {
        relocation_index_ = i;
        const ImageRelocation& relocation = section.relocations[i];
        (this->*step)(place_in(section.info, relocation.offset), relocation);
    }
}

ModuleRelocator::Place ModuleRelocator::place_in(std::uint32_t section, std::uint64_t offset) const {
    if (section >= image_.sections.size()) {
        throw Error({image_.name, {}, {}}, fmt::format("section index {} of relocations is outside of the table of {}",
                                                       section, image_.sections.size()));
    }
    return {section, offset, image_.sections[section].address + offset};
}

ModuleRelocator::Place ModuleRelocator::place_in_reserved_text(std::uint64_t offset) const {
    return {std::nullopt, offset, image_.text_address + offset};
}

ModuleRelocator::Place ModuleRelocator::advance(Place place, std::uint64_t bytes) {
    return {place.section, place.offset + bytes, place.address + bytes};
}

ImageSymbol& ModuleRelocator::symbol_of(const ImageRelocation& relocation) const {
    if (relocation.symbol >= image_.symbols.size()) {
        const std::size_t behind = relocation.symbol - image_.symbols.size();
        if (behind < image_.behind_symbols.size()) return image_.behind_symbols[behind];
        throw Error({image_.name, image_.sections[relocation_section_].name, {}},
                    fmt::format("symbol index {} of a relocation is outside of the table of {}", relocation.symbol,
                                image_.symbols.size()));
    }
    return image_.symbols[relocation.symbol];
}

std::optional<std::uint32_t> ModuleRelocator::find_section(std::string_view name) const {
    std::optional<std::uint32_t> found;
    for (std::uint32_t i = 1; i < image_.sections.size(); ++i) {
        if (image_.sections[i].name == name) found = i;
    }
    return found;
}

MutableBytes ModuleRelocator::memory_at(const Place& place, std::uint64_t size) const {
    const MutableBytes memory = place.section ? image_.sections[*place.section].memory : image_.reserved_text;
    if (place.offset > memory.size() || size > memory.size() - place.offset) {
        // What lies behind the section is the module's, too, as far as its allocation goes.
        if (!memory.empty()) {
            if (const auto beyond = image_.memory_at(place.address, size)) return *beyond;
        }
        const std::string name = place.section ? image_.sections[*place.section].name : "(GOT and PLT)";
        throw Error({image_.name, name, place.offset},
                    fmt::format("the kernel would access {} bytes outside of the {} bytes here", size, memory.size()));
    }
    return memory.subspan(place.offset, size);
}

MemoryWrite& ModuleRelocator::write(const Place& place, Bytes bytes, WriteKind kind) {
    const MutableBytes memory = memory_at(place, bytes.size());
    MemoryWrite& record = writes_.emplace_back();
    record.kind = kind;
    record.section = place.section;
    record.offset = place.offset;
    record.before.assign(memory.begin(), memory.end());
    record.after.assign(bytes.begin(), bytes.end());
    record.relocation = relocation_index_;
    record.by_text_patching = state_ == ModuleState::live;
    std::ranges::copy(bytes, memory.begin());
    check_foreign_code(place, bytes.size());
    return record;
}

// Code of another section, which may run: what it does then is not to be told.
void ModuleRelocator::check_foreign_code(const Place& place, std::uint64_t size) const {
    if (!place.section || place.offset + size <= image_.sections[*place.section].memory.size()) return;
    for (std::uint32_t i = 1; i < image_.sections.size(); ++i) {
        const ImageSection& each = image_.sections[i];
        const bool is_code = i != *place.section && (each.flags & SHF_EXECINSTR) != 0 && !each.memory.empty();
        if (!is_code || place.address + size <= each.address || place.address >= each.address + each.memory.size())
            continue;
        throw Error({image_.name, image_.sections[*place.section].name, place.offset},
                    fmt::format("the kernel would write {} bytes here, over code of {}", size, each.name));
    }
}

void ModuleRelocator::refuse(int error, std::vector<std::string> messages) const {
    throw Refused{{error, std::move(messages), false, relocation_index_}};
}

void ModuleRelocator::refuse_with_warning(int error) const {
    throw Refused{{error, {}, true, relocation_index_}};
}

std::string kernel_pointer(std::uint64_t address) {
    return fmt::format("{:016x}", address);
}

}  // namespace klp::arch
