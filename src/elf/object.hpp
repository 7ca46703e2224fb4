// SPDX-License-Identifier: GPL-2.0-or-later
// The editable ELF object: class 64, both byte orders, relocatable files, executables and kernel modules.
//
// Sections and symbols point to each other; indices exist only in files. An Object owns its sections and
// symbols at stable addresses: pointers stay valid until the section or symbol is removed. Reading and
// writing an object that was not edited gives the same bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/file.hpp"
#include "elf/file_header.hpp"

namespace klp::elf {

struct Section;
struct Symbol;

// One RELA entry. `symbol` is never null: entries without one point at the null symbol of the object.
struct Relocation {
    std::uint64_t offset = 0;  // bytes from the start of the target section
    std::uint32_t type = 0;    // R_<machine>_*; meanings are in the arch library
    Symbol* symbol = nullptr;
    std::int64_t addend = 0;
};

// A section other than the null section. Its content lives in the input's mapping until it is edited. Whoever goes
// through a whole object comes by content() or rela() time and again: there interruption is seen.
struct Section {
    std::string name;
    std::uint32_t type = 0;        // SHT_*
    std::uint64_t flags = 0;       // SHF_*
    std::uint64_t address = 0;     // sh_addr; 0 in relocatable files
    std::uint64_t alignment = 1;   // sh_addralign; a power of two, 0 read as it is
    std::uint64_t entry_size = 0;  // sh_entsize, bytes

    Section* link = nullptr;                 // sh_link where it names a section; SYMTAB/RELA links are made on writing
    Section* target = nullptr;               // RELA: the section that the relocations apply to (sh_info)
    std::uint32_t info = 0;                  // sh_info of other sections, as it is
    Section* relocations_section = nullptr;  // the first ordinary (not SHF_RELA_LIVEPATCH) RELA section for this one
    std::vector<Relocation> relocations;     // RELA only; `content` is not used then
    Symbol* group_signature = nullptr;       // GROUP only
    std::vector<Section*> group_members;     // GROUP only
    std::uint32_t group_flags = 0;           // GROUP only: GRP_COMDAT or 0

    [[nodiscard]] bool is_alloc() const noexcept;
    [[nodiscard]] bool is_code() const noexcept;      // SHF_EXECINSTR
    [[nodiscard]] bool is_writable() const noexcept;  // SHF_WRITE
    [[nodiscard]] bool is_nobits() const noexcept;
    [[nodiscard]] bool is_rela() const noexcept;
    [[nodiscard]] bool is_strings() const noexcept;  // SHF_MERGE and SHF_STRINGS

    [[nodiscard]] std::uint64_t size() const noexcept;  // bytes; of NOBITS the size in memory
    [[nodiscard]] Bytes content() const;                // empty for NOBITS and RELA; throws Interrupted
    void set_content(std::vector<std::byte> bytes);     // also turns NOBITS into PROGBITS where bytes are given
    void set_nobits_size(std::uint64_t size);
    [[nodiscard]] std::vector<std::byte>& edit();  // copy on first write

    // Ordinary relocations of this section, empty where it has none. Reading sorts them by offset (stable), which
    // assemblers do not; sort_relocations() restores that after edits. Throws Interrupted.
    [[nodiscard]] std::span<const Relocation> rela() const;
    void sort_relocations();

    // Where it was in the file read; 0 for new sections.
    std::uint64_t original_offset = 0;
    std::uint32_t original_index = 0;

private:
    friend class Object;
    friend class Reader;
    friend class Writer;
    Bytes view_;
    std::vector<std::byte> owned_;
    bool edited_ = false;
    std::uint64_t nobits_size_ = 0;
};

// Where a symbol is defined.
enum class Placement : std::uint8_t {
    undefined,  // SHN_UNDEF
    section,    // in `section`
    absolute,   // SHN_ABS
    common,     // SHN_COMMON
    livepatch,  // SHN_LIVEPATCH (0xff20)
    other,      // any other reserved index, kept in `reserved_index`
};

struct Symbol {
    std::string name;
    Placement placement = Placement::undefined;
    Section* section = nullptr;  // only for Placement::section
    std::uint64_t value = 0;     // offset in the section (relocatable), or an address; not checked by reading
    std::uint64_t size = 0;      // bytes; not checked by reading
    std::uint8_t type = 0;       // STT_*
    std::uint8_t binding = 0;    // STB_*
    std::uint8_t other = 0;      // st_other whole: visibility, and the ppc64 local entry bits
    std::uint16_t reserved_index = 0;
    std::uint32_t original_index = 0;  // in the symbol table read; 0 for new symbols and the null symbol

    [[nodiscard]] bool is_local() const noexcept;
    [[nodiscard]] bool is_function() const noexcept;        // STT_FUNC (and STT_GNU_IFUNC)
    [[nodiscard]] bool is_data_object() const noexcept;     // STT_OBJECT, STT_TLS or STT_COMMON
    [[nodiscard]] bool is_section_symbol() const noexcept;  // STT_SECTION
    [[nodiscard]] bool is_file() const noexcept;            // STT_FILE
    [[nodiscard]] bool is_defined() const noexcept {
        return placement == Placement::section || placement == Placement::absolute || placement == Placement::common;
    }
};

class Object {
public:
    // A new relocatable object.
    Object(std::uint16_t machine, ByteOrder order, std::uint32_t header_flags = 0);

    // Reads the whole file. Error with file, section and offset for anything that is not a well-formed
    // 64-bit ELF file: sizes and indices past the end, bad links, bad names, unknown entry sizes, REL sections
    // with relocations, more than one symbol table.
    [[nodiscard]] static Object read(const fs::path& path);
    [[nodiscard]] static Object read(std::vector<std::byte> bytes, std::string display_name);
    // Without a copy: the bytes must outlive the object.
    [[nodiscard]] static Object view(Bytes bytes, std::string display_name);

    Object(Object&&) noexcept;
    Object& operator=(Object&&) noexcept;
    ~Object();

    [[nodiscard]] const std::string& display_name() const noexcept { return display_name_; }
    [[nodiscard]] std::uint16_t machine() const noexcept { return header_.machine; }  // EM_*
    [[nodiscard]] ByteOrder order() const noexcept { return header_.order; }
    [[nodiscard]] std::uint16_t file_type() const noexcept { return header_.file_type; }  // ET_*
    [[nodiscard]] std::uint32_t header_flags() const noexcept { return header_.flags; }
    [[nodiscard]] std::uint64_t entry() const noexcept { return header_.entry; }
    // Of programs, kernels and cores.
    [[nodiscard]] std::span<const Segment> segments() const noexcept { return header_.segments; }

    // In file order. The null section is not in the list; .symtab, .strtab, .shstrtab and RELA sections are.
    [[nodiscard]] std::span<const std::unique_ptr<Section>> sections() const noexcept { return sections_; }
    // In file order, without the null symbol.
    [[nodiscard]] std::span<const std::unique_ptr<Symbol>> symbols() const noexcept { return symbols_; }
    [[nodiscard]] Symbol* null_symbol() const noexcept { return null_symbol_.get(); }

    // Both search the whole list, since names may change at any time: for many look-ups make a map. Throw Interrupted.
    [[nodiscard]] Section* find_section(std::string_view name) const;  // the first of that name
    [[nodiscard]] Symbol* find_symbol(std::string_view name) const;    // the first of that name

    Section& add_section(std::string name, std::uint32_t type, std::uint64_t flags, std::uint64_t alignment = 1);
    // A RELA section `.rela<target name>` for `target`, also set as its relocations_section when it has none.
    // Returns the existing one when there is one.
    Section& rela_section_for(Section& target);
    // One more RELA section with its own name and flags; never becomes relocations_section.
    Section& add_rela_section(std::string name, std::uint64_t flags, Section& target);
    void add_relocation(Section& target, Relocation relocation);  // into rela_section_for(target)

    Symbol& add_symbol(Symbol symbol);
    // The STT_SECTION symbol of a section, added when missing.
    Symbol& section_symbol(Section& section);

    // Removes sections with their RELA sections, group membership and section symbols. Precondition: no
    // remaining relocation refers to a symbol in them (checked when writing).
    void remove_sections(const std::vector<Section*>& sections);
    void remove_symbols(const std::vector<Symbol*>& symbols);  // precondition as above

    // The bytes of the file. Without edits these are the bytes read, with what follows the ELF file in them (a
    // module's signature). Else local symbols are moved before others (order kept within both), indices and
    // string tables are made, offsets are laid out. Error: something refers to a removed section or symbol, or
    // an edited file is not relocatable, or has segments.
    [[nodiscard]] std::vector<std::byte> write() const;
    void write_to(const fs::path& path) const;  // atomically

private:
    friend class Reader;
    friend class Writer;
    Object() = default;

    std::string display_name_;
    FileHeader header_;
    std::vector<std::byte> owned_file_;
    std::unique_ptr<MappedFile> mapping_;
    Bytes file_;
    std::vector<std::unique_ptr<Section>> sections_;
    std::vector<std::unique_ptr<Symbol>> symbols_;
    std::unique_ptr<Symbol> null_symbol_;
    Section* symbol_table_ = nullptr;
    Section* symbol_names_ = nullptr;  // may be the same section as section_names_
    Section* section_names_ = nullptr;
    // Kept, so that no new section or symbol gets the address that a stale pointer still holds.
    std::vector<std::unique_ptr<Section>> removed_sections_;
    std::vector<std::unique_ptr<Symbol>> removed_symbols_;
};

// SHN_LIVEPATCH and SHF_RELA_LIVEPATCH (include/uapi/linux/elf.h); libelf's headers lack them.
inline constexpr std::uint16_t shn_livepatch = 0xff20;
inline constexpr std::uint64_t shf_rela_livepatch = 0x00100000;

}  // namespace klp::elf
