// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/address_space.hpp"

#include <fmt/format.h>

#include "base/align.hpp"
#include "base/error.hpp"

namespace klp::loader {

namespace {

constexpr std::string_view percpu_section = ".data..percpu";  // not in any block

struct Pin {
    std::string section;
    std::uint64_t address = 0;  // of the section
    std::uint64_t block = 0;    // hence of its block
};

std::uint32_t section_called(const arch::ModuleImage& image, const Layout& layout, std::string_view name) {
    for (std::uint32_t i = 1; i < image.sections.size(); ++i) {
        if (image.sections[i].name == name && layout.places[i]) return i;
    }
    throw Error(fmt::format("address of {}: module {} has no such section in memory", name, image.name));
}

std::vector<std::optional<Pin>> pins_of(const Layout& layout, const arch::ModuleImage& image,
                                        const SectionAddresses& wanted) {
    std::vector<std::optional<Pin>> pins(layout.blocks.size());
    for (const auto& [name, address] : wanted) {
        if (name == percpu_section) continue;
        const SectionPlace& place = *layout.places[section_called(image, layout, name)];
        std::optional<Pin>& pin = pins[place.block];
        if (!pin) {
            pin = Pin{name, address, address - place.offset};
        } else if (pin->block != address - place.offset) {
            throw Error(
                fmt::format("addresses of module {} contradict its layout: {} at 0x{:x} puts {} at 0x{:x}, not 0x{:x}",
                            image.name, pin->section, pin->address, name, pin->block + place.offset, address));
        }
    }
    return pins;
}

}  // namespace

std::uint64_t AddressSpace::pages(std::uint64_t size) const {
    return align_up(size, page_size_);
}

std::uint64_t AddressSpace::allocate(std::uint64_t size) {
    const std::uint64_t room = pages(size) + page_size_;
    std::uint64_t address = start_;
    for (const auto& [begin, taken] : taken_) {
        if (begin + taken <= address) continue;
        if (begin >= address && begin - address >= room) break;
        address = begin + taken;
    }
    taken_[address] = room;
    return address;
}

void AddressSpace::reserve(std::uint64_t address, std::uint64_t size) {
    taken_[address] = pages(size) + page_size_;
}

void AddressSpace::release(std::uint64_t address) {
    taken_.erase(address);
}

std::vector<std::uint64_t> place_blocks(const Layout& layout, const arch::ModuleImage& image,
                                        const SectionAddresses& wanted, AddressSpace& space) {
    const auto pins = pins_of(layout, image, wanted);
    std::vector<std::uint64_t> addresses(layout.blocks.size());
    for (std::size_t i = 0; i < pins.size(); ++i) {
        if (!pins[i]) continue;
        addresses[i] = pins[i]->block;
        space.reserve(addresses[i], layout.blocks[i].size);
    }
    for (std::size_t i = 0; i < pins.size(); ++i) {
        if (!pins[i] && layout.blocks[i].size != 0) addresses[i] = space.allocate(layout.blocks[i].size);
    }
    return addresses;
}

}  // namespace klp::loader
