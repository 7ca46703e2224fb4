// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <span>
#include <unordered_set>

#include "resolve/image.hpp"

namespace klp::resolve {

namespace {

// A symbol of the module file, kept sorted by place.
struct Entry {
    const elf::Symbol* symbol = nullptr;
    std::optional<std::size_t> index;
};

bool before(const elf::Section* a, std::uint64_t a_offset, const elf::Section* b, std::uint64_t b_offset) {
    return a == b ? a_offset < b_offset : std::less<>()(a, b);
}

bool is_content(const elf::Symbol& symbol) {
    return symbol.placement == elf::Placement::section && !symbol.is_section_symbol() && !symbol.is_file() &&
           !symbol.name.empty() && !symbol.name.starts_with('$');
}

// The module as the distribution's `ld -r` made it: input sections merged, relocations kept, calls within one
// section already resolved by the assembler.
class ModuleImage final : public Image {
public:
    ModuleImage(const kernel::Kernel& kernel, const kernel::Module& module);

    const kernel::SymbolTable& symbols() const override { return module_.symbols; }
    Place place_of(std::size_t symbol_index) const override {
        const kernel::KernelSymbol& symbol = symbols().symbols()[symbol_index];
        return {symbol.section, symbol.address, {}};
    }
    std::vector<PlaceName> names_at(const Place& place) const override;
    bool knows(std::string_view name) const override { return names_.contains(name); }
    std::optional<Bytes> read(const Place& place, std::uint64_t size) const override;
    std::optional<arch::TargetPart> part_of_field(const Place&, const elf::Relocation&) const override {
        return std::nullopt;
    }
    std::optional<Place> symbol_of_field(const Place& field, const elf::Relocation& ours) const override;
    std::vector<std::uint64_t> relocated(const Place& begin, std::uint64_t size) const override;
    std::optional<Extent> extent(const Place& function, const std::vector<std::string_view>& inner) const override;
    std::optional<SectionOffset> section_of(const Place& place) const override {
        if (place.section == nullptr) return std::nullopt;
        return SectionOffset{place.section, place.offset};
    }

private:
    using Relocations = std::vector<const elf::Relocation*>;

    [[nodiscard]] std::span<const Entry> entries_at(const elf::Section* section, std::uint64_t offset) const;
    [[nodiscard]] std::span<const elf::Relocation* const> relocations_in(const elf::Section* section,
                                                                         std::uint64_t begin, std::uint64_t end) const;
    [[nodiscard]] std::optional<Place> shipped_referent(const elf::Relocation& shipped,
                                                        const elf::Relocation& ours) const;

    const arch::Arch& arch_;
    const kernel::Module& module_;
    std::vector<Entry> entries_;
    std::unordered_set<std::string_view> names_;
    std::map<const elf::Section*, Relocations> relocations_;  // sorted by offset
};

ModuleImage::ModuleImage(const kernel::Kernel& kernel, const kernel::Module& module)
    : arch_(kernel.arch()), module_(module) {
    for (const auto& symbol : module.object.symbols()) {
        if (!is_content(*symbol)) continue;
        entries_.push_back({symbol.get(), std::nullopt});
        names_.insert(symbol->name);
    }
    std::ranges::stable_sort(entries_, [](const Entry& a, const Entry& b) {
        return before(a.symbol->section, a.symbol->value, b.symbol->section, b.symbol->value);
    });
    const auto& listed = symbols().symbols();
    for (std::size_t i = 0; i < listed.size(); ++i) {
        for (const Entry& entry : entries_at(listed[i].section, listed[i].address)) {
            if (entry.symbol->name != listed[i].name || entry.index) continue;
            entries_[static_cast<std::size_t>(&entry - entries_.data())].index = i;
            break;
        }
    }
    for (const auto& section : module.object.sections()) {
        if (section->is_rela() || section->rela().empty()) continue;
        Relocations& sorted = relocations_[section.get()];
        for (const elf::Relocation& relocation : section->rela()) sorted.push_back(&relocation);
        std::ranges::stable_sort(sorted, {}, &elf::Relocation::offset);
    }
}

std::span<const Entry> ModuleImage::entries_at(const elf::Section* section, std::uint64_t offset) const {
    const auto low = std::ranges::partition_point(
        entries_, [&](const Entry& e) { return before(e.symbol->section, e.symbol->value, section, offset); });
    auto high = low;
    while (high != entries_.end() && high->symbol->section == section && high->symbol->value == offset) ++high;
    return {low, high};
}

std::span<const elf::Relocation* const> ModuleImage::relocations_in(const elf::Section* section, std::uint64_t begin,
                                                                    std::uint64_t end) const {
    const auto found = relocations_.find(section);
    if (found == relocations_.end()) return {};
    const auto low = std::ranges::lower_bound(found->second, begin, {}, &elf::Relocation::offset);
    const auto high = std::ranges::lower_bound(low, found->second.end(), end, {}, &elf::Relocation::offset);
    return {low, high};
}

std::vector<PlaceName> ModuleImage::names_at(const Place& place) const {
    if (!place.import.empty()) {
        if (place.offset != 0) return {};
        return {{place.import, std::nullopt}};
    }
    std::vector<PlaceName> names;
    for (const Entry& entry : entries_at(place.section, place.offset))
        names.push_back({entry.symbol->name, entry.index});
    return names;
}

std::optional<Bytes> ModuleImage::read(const Place& place, std::uint64_t size) const {
    if (place.section == nullptr) return std::nullopt;
    const Bytes content = place.section->content();
    if (place.offset > content.size() || size > content.size() - place.offset) return std::nullopt;
    return content.subspan(place.offset, size);
}

// Both relocations write the same field, and mean the same place if symbol + addend are equal. A call may be
// PC32 in one and PLT32 in the other.
std::optional<Place> ModuleImage::shipped_referent(const elf::Relocation& shipped, const elf::Relocation& ours) const {
    const auto info = arch_.relocation_info(ours.type);
    const auto shipped_info = arch_.relocation_info(shipped.type);
    if (!info || !shipped_info || info->size != shipped_info->size || info->formula != shipped_info->formula)
        return std::nullopt;
    const std::int64_t delta = shipped.addend - ours.addend;
    const elf::Symbol& symbol = *shipped.symbol;
    if (symbol.placement == elf::Placement::undefined) return Place{nullptr, 0, symbol.name} + delta;
    if (symbol.placement != elf::Placement::section) return std::nullopt;
    return Place{symbol.section, symbol.value, {}} + delta;
}

std::optional<Place> ModuleImage::symbol_of_field(const Place& field, const elf::Relocation& ours) const {
    const auto shipped = relocations_in(field.section, field.offset, field.offset + 1);
    if (!shipped.empty()) return shipped_referent(*shipped.front(), ours);

    // The assembler resolved it: a branch inside the merged section. Offsets serve as addresses.
    const auto info = arch_.relocation_info(ours.type);
    if (!info || info->formula != arch::Formula::pc_relative) return std::nullopt;
    const auto bytes = read(field, info->size);
    if (!bytes) return std::nullopt;
    const auto offset = arch_.target_of_field(*info, *bytes, field.offset, ours.addend);
    if (!offset) return std::nullopt;
    return Place{field.section, *offset, {}};
}

std::vector<std::uint64_t> ModuleImage::relocated(const Place& begin, std::uint64_t size) const {
    std::vector<std::uint64_t> offsets;
    for (const elf::Relocation* relocation : relocations_in(begin.section, begin.offset, begin.offset + size)) {
        const auto info = arch_.relocation_info(relocation->type);
        if (!info || info->size != 0) offsets.push_back(relocation->offset - begin.offset);
    }
    return offsets;
}

std::optional<Extent> ModuleImage::extent(const Place& function, const std::vector<std::string_view>&) const {
    std::uint64_t size = 0;
    for (const Entry& entry : entries_at(function.section, function.offset)) size = std::max(size, entry.symbol->size);
    if (size == 0) return std::nullopt;
    return Extent{size, true};
}

}  // namespace

std::unique_ptr<Image> module_image(const kernel::Kernel& kernel, std::string_view module) {
    return std::make_unique<ModuleImage>(kernel, kernel.module(module));
}

}  // namespace klp::resolve
