// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/rewrite_collector.hpp"

#include <algorithm>

namespace klp::arch {

RewriteCollector::RewriteCollector(const Arch& architecture, const ModuleImage& module, const KernelFeatures& kernel,
                                   const RunningFacts& running)
    : arch(architecture), image(module), features(kernel), facts(running) {
    for (std::uint32_t i = 0; i < image.sections.size(); ++i) {
        if (!image.sections[i].memory.empty()) by_address_.push_back({image.sections[i].address, i});
    }
    std::ranges::sort(by_address_, {}, &Loaded::begin);
}

const ImageSection* RewriteCollector::section(std::string_view name) const {
    const auto found = std::ranges::find_if(
        image.sections, [&](const ImageSection& each) { return each.name == name && !each.memory.empty(); });
    return found == image.sections.end() ? nullptr : &*found;
}

const ImageSection* RewriteCollector::last_section(std::string_view name) const {
    const ImageSection* found = nullptr;
    for (const ImageSection& each : image.sections)
        if (each.name == name) found = &each;
    return found;
}

std::optional<std::pair<std::uint32_t, std::uint64_t>> RewriteCollector::place_of(std::uint64_t address,
                                                                                  std::uint64_t size) const {
    const auto after = std::ranges::upper_bound(by_address_, address, {}, &Loaded::begin);
    if (after == by_address_.begin()) return std::nullopt;
    const std::uint32_t index = std::prev(after)->index;
    const ImageSection& found = image.sections[index];
    const std::uint64_t offset = address - found.address;
    if (offset >= found.memory.size() || found.memory.size() - offset < size) return std::nullopt;
    return std::pair(index, offset);
}

std::optional<Bytes> RewriteCollector::bytes_at(std::uint64_t address, std::uint64_t size) const {
    const auto place = place_of(address, size);
    if (!place) return std::nullopt;
    return Bytes(image.sections[place->first].memory).subspan(place->second, size);
}

const ImageSection* RewriteCollector::section_at(std::uint64_t address) const {
    const auto place = place_of(address, 1);
    return place ? &image.sections[place->first] : nullptr;
}

void RewriteCollector::add(Mechanism mechanism, std::uint64_t address, std::uint64_t size,
                           std::optional<std::vector<std::byte>> after) {
    const auto place = place_of(address, size);
    if (!place || size == 0) return;
    rewrites.push_back({mechanism, place->first, {place->second, place->second + size}, std::move(after)});
}

void RewriteCollector::may_write(Mechanism mechanism, std::uint64_t address, std::uint64_t size) {
    add(mechanism, address, size, std::nullopt);
}

void RewriteCollector::writes(Mechanism mechanism, std::uint64_t address, std::vector<std::byte> after) {
    const std::uint64_t size = after.size();
    add(mechanism, address, size, std::move(after));
}

void RewriteCollector::writes_table(Mechanism mechanism, const ImageSection& table, std::vector<std::byte> after) {
    if (!std::ranges::equal(after, Bytes(table.memory).first(after.size())))
        writes(mechanism, table.address, std::move(after));
}

std::vector<std::uint64_t> RewriteCollector::relative_sites(std::string_view name) const {
    std::vector<std::uint64_t> sites;
    const ImageSection* table = section(name);
    if (table == nullptr) return sites;
    for (std::uint64_t at = 0; at + 4 <= table->memory.size(); at += 4) {
        const auto offset = static_cast<std::int32_t>(load<std::uint32_t>(table->memory.subspan(at), image.order));
        sites.push_back(table->address + at + static_cast<std::uint64_t>(std::int64_t{offset}));
    }
    return sites;
}

void RewriteCollector::relative_sites_may_change(Mechanism mechanism, std::string_view name, std::uint64_t size) {
    for (const std::uint64_t site : relative_sites(name)) may_write(mechanism, site, size);
}

SortedOrder sorted_order(const std::vector<std::uint64_t>& keys) {
    SortedOrder sorted;
    sorted.order.resize(keys.size());
    for (std::uint32_t i = 0; i < keys.size(); ++i) sorted.order[i] = i;
    const auto key_of = [&](std::uint32_t position) { return keys[position]; };
    std::ranges::stable_sort(sorted.order, {}, key_of);
    sorted.ties = std::ranges::adjacent_find(sorted.order, {}, key_of) != sorted.order.end();
    return sorted;
}

}  // namespace klp::arch
