// SPDX-License-Identifier: GPL-2.0-or-later
// Which section goes where in a module's memory (kernel/module/main.c:layout_sections, kallsyms.c:layout_symtab).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "arch/module_image.hpp"
#include "loader/features.hpp"
#include "loader/simulation.hpp"

namespace klp::loader {

struct SectionPlace {
    Area area = Area::text;
    std::uint32_t block = 0;
    std::uint64_t offset = 0;  // in the block
};

// One allocation: the core or the init layout (before 6.4), or the memory of one area.
struct MemoryBlock {
    bool init = false;
    std::uint64_t size = 0;
};

struct Layout {
    std::vector<MemoryBlock> blocks;
    std::vector<std::optional<SectionPlace>> places;  // by section index; none where nothing is allocated
};

struct LayoutRequest {
    std::uint64_t reserved_text = 0;  // bytes in front of the first section of the text area
    std::uint32_t symbols = 0;        // indices of sections
    std::uint32_t strings = 0;
    std::uint64_t all_symbols = 0;  // entries
    // Of the symbols that are kept after init (kernel/module/kallsyms.c:is_core_symbol).
    std::uint64_t kept_symbols = 0;
    std::uint64_t kept_strings = 0;  // bytes
    std::uint64_t memory_limit = 0;  // Options::memory_limit
};

[[nodiscard]] bool is_init(Area area) noexcept;
// kernel/module/main.c:module_init_layout_section
[[nodiscard]] bool is_init_section(std::string_view name, const Features& features) noexcept;

// Sets SHF_ALLOC of the symbol and string tables, as layout_symtab() does. Error: more memory than the model takes.
[[nodiscard]] Layout lay_out(arch::ModuleImage& image, const LayoutRequest& request, const Features& features);

}  // namespace klp::loader
