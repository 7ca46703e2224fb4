// SPDX-License-Identifier: GPL-2.0-or-later
// Whether code of a module may fill a table of its own before klp_enable_patch() reads it.
#pragma once

#include <cstdint>
#include <map>

#include "arch/arch.hpp"
#include "loader/module.hpp"

namespace klp::loader {

class FilledTables {
public:
    FilledTables(const Module& module, const arch::Arch& arch);

    // Whether the code refers to the memory in more than `known` ways that its relocations tell apart.
    [[nodiscard]] bool may_fill(std::uint64_t begin, std::uint64_t size, std::size_t known) const;

private:
    // The first and the last place that it can mean, by the symbol's value with the addend.
    std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> places_;
};

}  // namespace klp::loader
