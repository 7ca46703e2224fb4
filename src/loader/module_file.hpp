// SPDX-License-Identifier: GPL-2.0-or-later
// A module's file as the module loader gets it: raw headers and tables by index, in the kernel's byte order, with
// nothing checked. What checks there are is in elf_checks.hpp, since the kernel has messages for them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "kernel/module.hpp"

namespace klp::loader {

struct FileHeader {              // Elf64_Ehdr
    std::uint8_t elf_class = 0;  // EI_CLASS
    std::uint16_t type = 0;
    std::uint16_t machine = 0;
    std::uint32_t flags = 0;
    std::uint64_t section_headers = 0;  // e_shoff
    std::uint16_t section_header_size = 0;
    std::uint16_t section_count = 0;
    std::uint16_t section_names = 0;  // e_shstrndx
};

struct SectionHeader {  // Elf64_Shdr
    std::uint32_t name = 0;
    std::uint32_t type = 0;
    std::uint64_t flags = 0;
    std::uint64_t address = 0;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint32_t link = 0;
    std::uint32_t info = 0;
    std::uint64_t alignment = 0;
};

struct SymbolEntry {  // Elf64_Sym
    std::uint32_t name = 0;
    std::uint8_t info = 0;
    std::uint8_t other = 0;
    std::uint16_t section_index = 0;
    std::uint64_t value = 0;
    std::uint64_t size = 0;
};

inline constexpr std::uint64_t section_header_size = 64, symbol_entry_size = 24, rela_entry_size = 24;

class ModuleFile {
public:
    // Compressed or not. Error: cannot be read, is no ELF file.
    ModuleFile(const fs::path& path, ByteOrder order);

    [[nodiscard]] const std::string& display_name() const noexcept { return display_name_; }
    // With the signature behind it, unless that was cut off.
    [[nodiscard]] Bytes bytes() const noexcept { return bytes_; }
    void cut_off(std::uint64_t length) { bytes_ = bytes_.first(length); }  // to `length` bytes, not more than there are
    [[nodiscard]] ByteOrder order() const noexcept { return order_; }
    [[nodiscard]] const FileHeader& header() const noexcept { return header_; }
    // Empty until read_sections(), which must be preceded by a check that they are in the file.
    [[nodiscard]] const std::vector<SectionHeader>& sections() const noexcept { return sections_; }
    void read_sections();

    // Error, in all below: it leads out of the file, or out of the string table.
    [[nodiscard]] Bytes content(const SectionHeader& section) const;
    [[nodiscard]] std::string_view string_at(const SectionHeader& table, std::uint64_t offset) const;
    [[nodiscard]] std::string_view section_name(std::uint32_t index) const;
    [[nodiscard]] std::vector<SymbolEntry> symbols(const SectionHeader& table) const;

    // The file for readers of ELF files: fields that the module loader does not look at have the values that they are
    // to have, in a copy in `room` where the file has others. `symbols` is the index of the symbol table.
    [[nodiscard]] Bytes in_form(std::uint32_t symbols, std::vector<std::byte>& room) const;

    // kernel/module/main.c:get_next_modinfo, with `section` 0 where there is none.
    [[nodiscard]] std::optional<std::string_view> modinfo(std::uint32_t section, std::string_view tag) const;
    [[nodiscard]] std::vector<std::string_view> modinfo_values(std::uint32_t section, std::string_view tag) const;

private:
    void read_header();

    std::string display_name_;
    ByteOrder order_;
    kernel::ModuleBytes file_;
    Bytes bytes_;
    FileHeader header_;
    std::vector<SectionHeader> sections_;
};

}  // namespace klp::loader
