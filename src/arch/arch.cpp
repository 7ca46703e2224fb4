// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/arch.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "arch/architectures.hpp"

namespace klp::arch {

namespace {

// Every architecture is compiled into every build: there is no configuration to get wrong.
const std::array<const Arch*, 4>& architectures() {
    static const std::array<const Arch*, 4> all = {&x86_64(), &ppc64le(), &s390x(), &arm64()};
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

std::string_view order_name(ByteOrder order) {
    return order == ByteOrder::little ? "little" : "big";
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

void Arch::clear_field(const RelocationInfo& info, MutableBytes field) const noexcept {
    for (std::size_t i = 0; i < info.size; ++i) {
        const std::size_t significance = byte_order() == ByteOrder::little ? i : info.size - 1 - i;
        const auto written = info.bits == 0 ? std::byte{0xff} : static_cast<std::byte>(info.bits >> (8 * significance));
        field[i] &= ~written;
    }
}

bool Arch::is_code_pool(std::string_view section_name) const noexcept {
    return std::ranges::any_of(code_pools(), [&](std::string_view pool) {
        const bool is_family = pool.ends_with('*');
        return is_family ? section_name.starts_with(pool.substr(0, pool.size() - 1)) : section_name == pool;
    });
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
    // Only the kernel's ARCH= and Debian say arm64; uname -m and the toolchain say aarch64.
    if (name == "aarch64") return arm64();
    const Arch* arch = find_arch([&](const Arch* each) { return each->name() == name; });
    if (arch == nullptr) {
        throw Error(fmt::format("unsupported architecture '{}' (supported: {})", name, supported_names()));
    }
    return *arch;
}

const Arch& for_object(const elf::Object& object) {
    const Location where{object.display_name(), {}, {}};
    const Arch& arch = for_machine(object.machine(), where);
    if (object.order() != arch.byte_order()) {
        throw Error(where, fmt::format("byte order is {}-endian, expected {}-endian ({})", order_name(object.order()),
                                       order_name(arch.byte_order()), arch.name()));
    }
    if (const auto problem = arch.abi_problem(object.header_flags())) throw Error(where, *problem);
    return arch;
}

}  // namespace klp::arch
