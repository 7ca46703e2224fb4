// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/arch.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "arch/architectures.hpp"

namespace klp::arch {

namespace {

// Every architecture is compiled into every build: there is no configuration to get wrong.
const std::array<const Arch*, 1>& architectures() {
    static const std::array<const Arch*, 1> all = {&x86_64()};
    return all;
}

std::string supported_names() {
    std::string names;
    for (const Arch* arch : architectures()) {
        if (!names.empty()) names += ", ";
        names += arch->name();
    }
    return names;
}

template <typename Predicate>
const Arch* find_arch(Predicate predicate) {
    const auto found = std::find_if(architectures().begin(), architectures().end(), predicate);
    return found == architectures().end() ? nullptr : *found;
}

}  // namespace

const SpecialSection* Arch::special_section(std::string_view name) const noexcept {
    for (const SpecialSection& section : special_sections()) {
        if (section.name == name) return &section;
    }
    return nullptr;
}

bool Arch::is_code_pool(std::string_view section_name) const noexcept {
    const auto pools = code_pools();
    return std::find(pools.begin(), pools.end(), section_name) != pools.end();
}

bool is_discarded_section(std::string_view name) noexcept {
    return name == ".discard" || name.starts_with(".discard.");
}

const Arch& for_machine(std::uint16_t machine, const Location& where) {
    const Arch* arch = find_arch([&](const Arch* each) { return each->machine() == machine; });
    if (arch == nullptr) {
        throw Error(
            where, fmt::format("unsupported architecture: ELF machine {} (supported: {})", machine, supported_names()));
    }
    return *arch;
}

const Arch& for_name(std::string_view name) {
    const Arch* arch = find_arch([&](const Arch* each) { return each->name() == name; });
    if (arch == nullptr) {
        throw Error(fmt::format("unsupported architecture '{}' (supported: {})", name, supported_names()));
    }
    return *arch;
}

}  // namespace klp::arch
