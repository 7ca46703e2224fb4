// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>

#include "resolve/image.hpp"

namespace klp::resolve {

namespace {

class VmlinuxImage final : public Image {
public:
    explicit VmlinuxImage(const kernel::Kernel& kernel)
        : kernel_(kernel), arch_(kernel.arch()), symbols_(kernel.symbols()) {}

    const kernel::SymbolTable& symbols() const override { return symbols_; }
    Place place_of(std::size_t symbol_index) const override {
        return {nullptr, symbols_.symbols()[symbol_index].address, {}};
    }
    std::vector<PlaceName> names_at(const Place& place) const override;
    bool knows(std::string_view name) const override { return !symbols_.find(name).empty(); }
    std::optional<Bytes> read(const Place& place, std::uint64_t size) const override {
        return kernel_.read(place.offset, size);
    }
    std::optional<Place> symbol_of_field(const Place& field, const elf::Relocation& ours) const override;
    std::optional<arch::TargetPart> part_of_field(const Place& field, const elf::Relocation& ours) const override;
    std::vector<std::uint64_t> relocated(const Place&, std::uint64_t) const override { return {}; }
    std::optional<Extent> extent(const Place& function, const std::vector<std::string_view>& inner) const override;
    std::optional<SectionOffset> section_of(const Place& place) const override;

private:
    const kernel::Kernel& kernel_;
    const arch::Arch& arch_;
    const kernel::SymbolTable& symbols_;
};

std::vector<PlaceName> VmlinuxImage::names_at(const Place& place) const {
    std::vector<PlaceName> names;
    for (const std::size_t index : symbols_.at(place.offset)) names.push_back({symbols_.symbols()[index].name, index});
    return names;
}

std::optional<Place> VmlinuxImage::symbol_of_field(const Place& field, const elf::Relocation& ours) const {
    const auto info = arch_.relocation_info(ours.type);
    if (!info) return std::nullopt;
    const auto bytes = kernel_.read(field.offset, info->size);
    if (!bytes) return std::nullopt;
    const auto address = arch_.target_of_field(*info, *bytes, field.offset, ours.addend);
    if (!address) return std::nullopt;
    return Place{nullptr, *address, {}};
}

std::optional<arch::TargetPart> VmlinuxImage::part_of_field(const Place& field, const elf::Relocation& ours) const {
    const auto info = arch_.relocation_info(ours.type);
    if (!info) return std::nullopt;
    const auto bytes = kernel_.read(field.offset, info->size);
    if (!bytes) return std::nullopt;
    return arch_.part_of_target(ours.type, *bytes, field.offset, ours.addend);
}

// kallsyms has no sizes: a function can go on up to the next name.
std::optional<Extent> VmlinuxImage::extent(const Place& function, const std::vector<std::string_view>& inner) const {
    const elf::Section* section = kernel_.section_at(function.offset);
    if (section == nullptr) return std::nullopt;
    const auto is_inner = [&](std::size_t index) {
        return std::ranges::find(inner, symbols_.symbols()[index].name) != inner.end();
    };
    std::uint64_t next = symbols_.next_address(function.offset);
    while (next != UINT64_MAX && std::ranges::all_of(symbols_.at(next), is_inner)) next = symbols_.next_address(next);
    return Extent{std::min(next, section->address + section->size()) - function.offset, false};
}

std::optional<SectionOffset> VmlinuxImage::section_of(const Place& place) const {
    const elf::Section* section = kernel_.section_at(place.offset);
    if (section == nullptr) return std::nullopt;
    return SectionOffset{section, place.offset - section->address};
}

}  // namespace

std::unique_ptr<Image> vmlinux_image(const kernel::Kernel& kernel) {
    return std::make_unique<VmlinuxImage>(kernel);
}

std::string Image::describe(const Place& place) const {
    std::string text;
    if (!place.import.empty()) {
        text = fmt::format("'{}'", place.import);
        return place.offset == 0 ? text : text + fmt::format("{:+#x}", static_cast<std::int64_t>(place.offset));
    }
    text = place.section != nullptr ? fmt::format("{}+{:#x}", place.section->name, place.offset)
                                    : fmt::format("{:#x}", place.offset);
    const auto names = names_at(place);
    return names.empty() ? text : fmt::format("'{}' at {}", names.front().name, text);
}

}  // namespace klp::resolve
