// SPDX-License-Identifier: GPL-2.0-or-later
// Where modules go: the lowest hole of the module area that is large enough, as the kernel's vmalloc does it, or where
// the user says.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "loader/layout.hpp"
#include "loader/simulation.hpp"

namespace klp::loader {

class AddressSpace {
public:
    AddressSpace(std::uint64_t start, std::uint64_t page_size) : start_(start), page_size_(page_size) {}

    // Pages for `size` bytes, with the guard page that vmalloc puts behind them.
    std::uint64_t allocate(std::uint64_t size);
    void reserve(std::uint64_t address, std::uint64_t size);
    void release(std::uint64_t address);

private:
    [[nodiscard]] std::uint64_t pages(std::uint64_t size) const;

    std::uint64_t start_;
    std::uint64_t page_size_;
    std::map<std::uint64_t, std::uint64_t> taken_;  // address and size
};

using SectionAddresses = std::map<std::string, std::uint64_t, std::less<>>;

// The addresses of the layout's blocks, by what `wanted` says of sections, else from the space. Error: sections of one
// block whose addresses contradict the layout; one that has no memory.
[[nodiscard]] std::vector<std::uint64_t> place_blocks(const Layout& layout, const arch::ModuleImage& image,
                                                      const SectionAddresses& wanted, AddressSpace& space);

}  // namespace klp::loader
