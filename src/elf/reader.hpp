// SPDX-License-Identifier: GPL-2.0-or-later
// Fills an Object from the bytes of its file. Nothing of the input is trusted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "elf/object.hpp"

namespace klp::elf {

class Reader {
public:
    // `object` has its file_ and display_name_ set.
    explicit Reader(Object& object) : object_(object), file_(object.file_) {}
    void read();

private:
    // The fields of a section header that the model replaces by pointers and names.
    struct RawSection {
        std::uint32_t name = 0;
        std::uint32_t link = 0;
        std::uint32_t info = 0;
        std::uint64_t size = 0;
    };
    struct Tables {
        std::uint64_t offset = 0;  // of the section headers
        std::uint64_t count = 0;   // with the null section
        std::uint32_t names = 0;   // index of the section with the section names
    };

    [[nodiscard]] Cursor cursor(std::uint64_t offset) const;
    [[nodiscard]] Location at(const Section& section) const;
    [[nodiscard]] Location at(const Section& section, std::uint64_t offset) const;
    [[nodiscard]] Section* section_at(std::uint32_t index) const;  // null for 0; index checked before
    [[nodiscard]] Section& need_section(std::uint32_t index, const Location& where, std::string_view what) const;
    [[nodiscard]] const RawSection& raw(const Section& section) const { return raw_[section.original_index]; }
    // The string at `offset` of a table that is known to end with a zero.
    [[nodiscard]] std::optional<std::string_view> string_at(Bytes table, std::uint32_t offset);
    // Overlapping sections could make the model much larger than the file; Error then.
    void copied(std::uint64_t size);
    void check_entries(const Section& section, std::uint64_t entry_size) const;

    void extend_counts(Tables& tables) const;  // extended numbering, from the null section's header
    void read_section(const Tables& tables, std::uint32_t index);
    void name_sections(const Tables& tables);
    void check_overlaps() const;
    void link_section(Section& section);
    void read_symbols();
    void read_symbol(Cursor& in, Bytes names, Bytes extended_indices, std::uint32_t index);
    void place_symbol(Symbol& symbol, std::uint16_t section_index, Bytes extended_indices) const;
    [[nodiscard]] Bytes find_extended_indices() const;
    [[nodiscard]] Symbol* symbol_at(std::uint32_t index, const Section& user, std::uint64_t offset) const;
    void read_relocations(Section& section);
    void read_group(Section& section);

    Object& object_;
    Bytes file_;
    std::vector<RawSection> raw_;  // by index
    std::uint64_t copied_ = 0;
};

}  // namespace klp::elf
