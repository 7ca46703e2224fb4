// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <elf.h>

#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

#include "livepatch_text.hpp"

namespace klp::loader::test {

// The bytes of a module, with fields that can be overwritten.
class FileBytes {
public:
    explicit FileBytes(const fs::path& path) : bytes_(read_text(path)) {
        std::memcpy(&header, bytes_.data(), sizeof header);
        sections.resize(header.e_shnum);
        std::memcpy(sections.data(), bytes_.data() + header.e_shoff, sizeof(Elf64_Shdr) * sections.size());
    }
    Elf64_Shdr& section(std::string_view name) {
        for (Elf64_Shdr& each : sections) {
            if (name == bytes_.data() + sections[header.e_shstrndx].sh_offset + each.sh_name) return each;
        }
        throw Error("no section " + std::string(name));
    }
    char& at(std::uint64_t offset) { return bytes_.at(offset); }
    Elf64_Sym symbol(std::size_t index) {
        Elf64_Sym symbol;
        std::memcpy(&symbol, bytes_.data() + section(".symtab").sh_offset + index * sizeof symbol, sizeof symbol);
        return symbol;
    }
    void set_symbol(std::size_t index, const Elf64_Sym& symbol) {
        std::memcpy(bytes_.data() + section(".symtab").sh_offset + index * sizeof symbol, &symbol, sizeof symbol);
    }
    void write(const fs::path& path) {
        const std::uint64_t table = header.e_shoff;
        if (table + sizeof(Elf64_Shdr) * sections.size() <= bytes_.size())
            std::memcpy(bytes_.data() + table, sections.data(), sizeof(Elf64_Shdr) * sections.size());
        std::memcpy(bytes_.data(), &header, sizeof header);
        write_file(path, std::string_view(bytes_).substr(0, length));
    }

    Elf64_Ehdr header{};
    std::vector<Elf64_Shdr> sections;
    std::size_t length = std::string_view::npos;

private:
    std::string bytes_;
};

}  // namespace klp::loader::test
