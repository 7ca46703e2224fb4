// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel module as the module loader sees it while it relocates: section headers by index, the memory behind them,
// the symbol table, relocations in file order (struct load_info and struct module, kernel/module/main.c).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace klp::arch {

struct ImageRelocation {
    std::uint64_t offset = 0;  // r_offset, in the target section
    std::uint32_t type = 0;    // R_*
    std::uint32_t symbol = 0;  // index in ModuleImage::symbols
    std::int64_t addend = 0;
};

struct ImageSection {
    std::string name;
    std::uint32_t type = 0;  // SHT_*
    std::uint64_t flags = 0;
    std::uint64_t alignment = 1;
    std::uint64_t size = 0;
    std::uint32_t info = 0;     // sh_info: of RELA sections, the index of the section they write to
    std::uint64_t address = 0;  // where it was loaded; unknown before allocation
    MutableBytes memory{};      // `size` bytes at `address`; empty before allocation and where it is not loaded
    // RELA, whether loaded or not. The loader of ppc64 and arm64 sorts them where they lie, so that the order of the
    // file matters and is lost.
    std::vector<ImageRelocation> relocations{};
};

struct ImageSymbol {
    std::string name;
    std::uint64_t value = 0;          // st_value: S, once simplify_symbols() or the livepatch core has set it
    std::uint16_t section_index = 0;  // st_shndx as in the file: SHN_UNDEF, SHN_LIVEPATCH, …
    std::uint8_t other = 0;           // st_other
};

// What is allocated in one piece: sections lie in it, with room between and behind them.
struct ImageBlock {
    std::uint64_t address = 0;
    MutableBytes memory{};
};

// Owned by the loader, which also owns the memory. Indices as in the file; entry 0 of both tables is the null one.
struct ModuleImage {
    std::string name;
    ByteOrder order = ByteOrder::little;
    std::vector<ImageSection> sections{};
    std::vector<ImageSymbol> symbols{};
    std::vector<ImageBlock> blocks{};
    // What the kernel takes for symbols where an index leads behind the table: what lies there.
    std::vector<ImageSymbol> behind_symbols{};

    // The start of the module's text area, and as many bytes of it as Preparation::reserved_text asks for: the s390
    // loader keeps GOT and PLT there, which have no section.
    std::uint64_t text_address = 0;
    MutableBytes reserved_text{};

    // What `%pS` makes of an address once the module is in kallsyms: "name+0x10/0x40 [module]". While the module
    // loads, the kernel finds nothing and prints the number.
    std::function<std::string(std::uint64_t)> symbolize{};

    // Nothing, where one piece of memory does not have all of it.
    [[nodiscard]] std::optional<MutableBytes> memory_at(std::uint64_t at, std::uint64_t size) const {
        for (const ImageBlock& block : blocks) {
            const std::uint64_t offset = at - block.address;
            if (at >= block.address && offset <= block.memory.size() && size <= block.memory.size() - offset)
                return block.memory.subspan(offset, size);
        }
        return std::nullopt;
    }
};

}  // namespace klp::arch
