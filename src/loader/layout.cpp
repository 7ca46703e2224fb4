// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/layout.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <array>

#include "base/error.hpp"
#include "loader/module.hpp"

namespace klp::loader {

namespace {

// struct mod_kallsyms: three pointers and a count.
constexpr std::uint64_t mod_kallsyms_size = 32, mod_kallsyms_alignment = 8;

// The kernel's ALIGN(), which takes any number for an alignment.
std::uint64_t align(std::uint64_t value, std::uint64_t alignment) {
    const std::uint64_t mask = (alignment == 0 ? 1 : alignment) - 1;
    return (value + mask) & ~mask;
}

struct Pass {
    std::uint64_t wanted = 0;
    std::uint64_t excluded = 0;
    Area core{};
    Area init{};
};
// The masks of layout_sections(), without the one for ARCH_SHF_SMALL, which these architectures do not have.
constexpr std::array passes{
    Pass{SHF_EXECINSTR | SHF_ALLOC, 0, Area::text, Area::init_text},
    Pass{SHF_ALLOC, SHF_WRITE, Area::rodata, Area::init_rodata},
    Pass{shf_ro_after_init | SHF_ALLOC, 0, Area::ro_after_init, Area::init_data},
    Pass{SHF_WRITE | SHF_ALLOC, 0, Area::data, Area::init_data},
};

class Builder {
public:
    Builder(arch::ModuleImage& image, const LayoutRequest& request, const Features& features)
        : image_(image), request_(request), features_(features) {
        layout_.places.resize(image.sections.size());
        const auto areas = static_cast<std::uint32_t>(Area::init_rodata) + 1;
        for (std::uint32_t i = 0; i < (features.separate_memories ? areas : 2); ++i)
            layout_.blocks.push_back({features.separate_memories ? is_init(static_cast<Area>(i)) : i == 1, 0});
    }

    Layout build() {
        layout_.blocks[block_of(Area::text)].size = request_.reserved_text;
        for (const bool init : {false, true}) place_sections(init);
        place_symbols();
        if (features_.separate_memories) {  // module_memory_alloc()
            for (MemoryBlock& block : layout_.blocks) block.size = align(block.size, features_.page_bytes);
        }
        return std::move(layout_);
    }

private:
    [[nodiscard]] std::uint32_t block_of(Area area) const {
        return features_.separate_memories ? static_cast<std::uint32_t>(area) : is_init(area) ? 1 : 0;
    }

    void place_sections(bool init) {
        for (const Pass& pass : passes) {
            const Area area = init ? pass.init : pass.core;
            for (std::uint32_t i = 0; i < image_.sections.size(); ++i) {
                const arch::ImageSection& section = image_.sections[i];
                const bool matches =
                    (section.flags & pass.wanted) == pass.wanted && (section.flags & pass.excluded) == 0;
                if (matches && !layout_.places[i] && is_init_section(section.name, features_) == init) place(i, area);
            }
            end_part(area);
        }
    }

    // kernel/module/main.c:module_get_offset
    void place(std::uint32_t index, Area area) {
        const arch::ImageSection& section = image_.sections[index];
        MemoryBlock& block = layout_.blocks[block_of(area)];
        const std::uint64_t offset = align(block.size, section.alignment);
        layout_.places[index] = SectionPlace{area, block_of(area), offset};
        grow(block, offset, section.size);
    }

    void grow(MemoryBlock& block, std::uint64_t offset, std::uint64_t size) {
        const std::uint64_t limit = request_.memory_limit;
        const bool fits = offset >= block.size && offset <= limit && size <= limit - offset;
        if (!fits || offset + size - block.size > limit - total_) {
            throw Error(
                {image_.name, {}, {}},
                fmt::format("a module that wants 0x{:x} bytes at 0x{:x} of its memory: the model takes up to {} MiB",
                            size, offset, limit >> 20));
        }
        total_ += offset + size - block.size;
        block.size = offset + size;
    }

    // strict_align(): in the one layout, parts of different protection begin on pages of their own.
    void end_part(Area area) {
        if (features_.separate_memories || !features_.strict_module_rwx) return;
        MemoryBlock& block = layout_.blocks[block_of(area)];
        block.size = align(block.size, features_.page_bytes);
    }

    // layout_symtab(): the tables go to init memory; behind the data, room for the symbols that are kept.
    void place_symbols() {
        image_.sections[request_.symbols].flags |= SHF_ALLOC;
        place(request_.symbols, Area::init_data);
        MemoryBlock& data = layout_.blocks[block_of(Area::data)];
        grow(data, align(data.size, image_.sections[request_.symbols].alignment),
             request_.kept_symbols * (symbol_entry_size + 1) + request_.kept_strings);
        end_part(Area::data);
        image_.sections[request_.strings].flags |= SHF_ALLOC;
        place(request_.strings, Area::init_data);
        MemoryBlock& init = layout_.blocks[block_of(Area::init_data)];
        grow(init, align(init.size, mod_kallsyms_alignment), mod_kallsyms_size + request_.all_symbols);
        end_part(Area::init_data);
    }

    arch::ModuleImage& image_;
    const LayoutRequest& request_;
    const Features& features_;
    Layout layout_;
    std::uint64_t total_ = 0;  // bytes of all blocks, but for the ends of pages
};

}  // namespace

bool is_init(Area area) noexcept {
    return area == Area::init_text || area == Area::init_data || area == Area::init_rodata;
}

bool is_init_section(std::string_view name, const Features& features) noexcept {
    if (!features.module_unload && name.starts_with(".exit")) return true;
    return features.init_sections && name.starts_with(".init");
}

Layout lay_out(arch::ModuleImage& image, const LayoutRequest& request, const Features& features) {
    return Builder(image, request, features).build();
}

}  // namespace klp::loader
