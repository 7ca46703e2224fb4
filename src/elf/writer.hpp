// SPDX-License-Identifier: GPL-2.0-or-later
// Makes the bytes of an Object's file.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "elf/object.hpp"
#include "elf/sink.hpp"

namespace klp::elf {

class Writer {
public:
    explicit Writer(const Object& object) : object_(object) {}
    [[nodiscard]] std::vector<std::byte> write();

private:
    // unedited.cpp: whether reading the input once more gives the same object.
    [[nodiscard]] bool is_unedited() const;
    [[nodiscard]] bool same_section(const Section& now, const Section& read) const;
    [[nodiscard]] bool same_relocations(const Section& now, const Section& read) const;
    [[nodiscard]] bool same_symbol(const Symbol& now, const Symbol& read) const;
    [[nodiscard]] const Section* counterpart(const Section* read) const;
    [[nodiscard]] const Symbol* counterpart(const Symbol* read) const;

    [[noreturn]] void fail(const Section& section, std::string message) const;
    [[nodiscard]] std::uint32_t index_of(const Section& user, const Section* section, std::string_view what) const;
    [[nodiscard]] std::uint32_t index_of(const Section& user, const Symbol* symbol) const;

    const Section* special(const Section* existing, std::string name, std::uint32_t type);
    void number_symbols();
    void number_sections();
    [[nodiscard]] bool needs_extended_indices() const;
    [[nodiscard]] std::uint32_t section_index(const Symbol& symbol) const;

    void make_names();
    void make_symbols();
    [[nodiscard]] std::vector<std::byte> make_relocations(const Section& section) const;
    [[nodiscard]] std::vector<std::byte> make_group(const Section& section) const;
    void make_contents();

    void put_file_header(Sink& out, std::uint64_t section_headers) const;
    void put_null_section_header(Sink& out) const;
    void put_section_header(Sink& out, const Section& section, std::uint64_t offset) const;
    [[nodiscard]] std::uint32_t link_of(const Section& section) const;
    [[nodiscard]] std::uint32_t info_of(const Section& section) const;
    [[nodiscard]] std::uint64_t size_of(const Section& section) const;
    [[nodiscard]] Bytes content_of(const Section& section) const;

    const Object& object_;
    std::vector<std::unique_ptr<Section>> made_;  // tables that the object lacks
    const Section* symbol_table_ = nullptr;
    const Section* symbol_names_ = nullptr;
    const Section* section_names_ = nullptr;
    const Section* extended_indices_ = nullptr;
    std::vector<const Section*> sections_;
    std::vector<const Symbol*> symbols_;
    std::uint32_t local_symbols_ = 0;  // with the null symbol
    std::unordered_map<const Section*, std::uint32_t> section_indices_;
    std::unordered_map<const Symbol*, std::uint32_t> symbol_indices_;
    StringTable own_symbol_names_;
    StringTable own_section_names_;
    StringTable* symbol_strings_ = &own_symbol_names_;
    std::vector<std::uint32_t> name_offsets_;                              // of sections_
    std::unordered_map<const Section*, std::vector<std::byte>> contents_;  // of tables made here
};

}  // namespace klp::elf
