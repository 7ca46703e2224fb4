// SPDX-License-Identifier: GPL-2.0-or-later
// The shipped kernel object as the proof sees it: places, what lies there, and what a shipped field refers to.
// In vmlinux relocations have been applied, so that a field says an address; a module still has its relocations.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/arch.hpp"
#include "elf/object.hpp"
#include "kernel/kernel.hpp"

namespace klp::resolve {

// Somewhere in the kernel object, or in another one that only its name is known of.
struct Place {
    const elf::Section* section = nullptr;  // modules only
    std::uint64_t offset = 0;               // in the section; in vmlinux the address
    std::string_view import;                // a symbol that another object defines; `offset` counts from it

    [[nodiscard]] Place operator+(std::int64_t delta) const noexcept {
        return {section, offset + static_cast<std::uint64_t>(delta), import};
    }
    bool operator==(const Place&) const = default;
};

// A name that the kernel object gives to a place.
struct PlaceName {
    std::string_view name;
    std::optional<std::size_t> index;  // in the SymbolTable; none where the kernel will not list it
};

struct Extent {
    std::uint64_t size = 0;  // bytes; where not exact, up to the next name, so that padding is in it
    bool exact = false;
};

struct SectionOffset {
    const elf::Section* section = nullptr;
    std::uint64_t offset = 0;
};

class Image {
public:
    virtual ~Image() = default;

    [[nodiscard]] virtual const kernel::SymbolTable& symbols() const = 0;
    [[nodiscard]] virtual Place place_of(std::size_t symbol_index) const = 0;
    [[nodiscard]] virtual std::vector<PlaceName> names_at(const Place& place) const = 0;
    [[nodiscard]] virtual bool knows(std::string_view name) const = 0;  // anywhere in this object

    // Content at a place; nullopt where there is none (NOBITS, past the end, another object).
    [[nodiscard]] virtual std::optional<Bytes> read(const Place& place, std::uint64_t size) const = 0;

    // Where the symbol of `ours` is in the shipped object, given that the field is shipped at `field`:
    // S out of S + A - P and the like. nullopt where the shipped field does not tell.
    [[nodiscard]] virtual std::optional<Place> symbol_of_field(const Place& field,
                                                               const elf::Relocation& ours) const = 0;

    // What the field alone tells, where that is one half (arch::TargetPart). Modules have the symbol itself.
    [[nodiscard]] virtual std::optional<arch::TargetPart> part_of_field(const Place& field,
                                                                        const elf::Relocation& ours) const = 0;

    // Offsets from `begin` of the relocation fields that the shipped bytes still have.
    [[nodiscard]] virtual std::vector<std::uint64_t> relocated(const Place& begin, std::uint64_t size) const = 0;

    // How many bytes there are for the function at a place. `inner` are the names that our function has inside
    // (aliases, labels), which do not end it.
    [[nodiscard]] virtual std::optional<Extent> extent(const Place& function,
                                                       const std::vector<std::string_view>& inner) const = 0;

    // The section, and the offset in it, that hold a place.
    [[nodiscard]] virtual std::optional<SectionOffset> section_of(const Place& place) const = 0;

    // For people: "0xffffffff8132c4b0 (vmalloc_nr_pages)", ".data+0x40 (ext4_fs_type)".
    [[nodiscard]] std::string describe(const Place& place) const;
};

[[nodiscard]] std::unique_ptr<Image> vmlinux_image(const kernel::Kernel& kernel);
[[nodiscard]] std::unique_ptr<Image> module_image(const kernel::Kernel& kernel, std::string_view module);

}  // namespace klp::resolve
