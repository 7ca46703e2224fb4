// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/registry.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "arch/arm64/arm64.hpp"
#include "arch/ppc64le/ppc64le.hpp"
#include "arch/s390x/s390x.hpp"
#include "arch/x86_64/x86_64.hpp"

namespace klp::arch {

// Every architecture is compiled into every build: there is no configuration to get wrong.
std::span<const Arch* const> architectures() {
    static const std::array all = {
        &x86_64::architecture(),
        &ppc64le::architecture(),
        &s390x::architecture(),
        &arm64::architecture(),
    };
    return all;
}

namespace {

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
    const auto found = std::ranges::find_if(architectures(), predicate);
    return found == architectures().end() ? nullptr : *found;
}

}  // namespace

const Arch& for_machine(std::uint16_t machine, const Location& where) {
    const Arch* arch = find_arch([&](const Arch* each) { return each->machine() == machine; });
    if (arch == nullptr) {
        throw Error(
            where, fmt::format("unsupported architecture: ELF machine {} (supported: {})", machine, supported_names()));
    }
    return *arch;
}

const Arch& for_name(std::string_view name) {
    const Arch* arch = find_arch([&](const Arch* each) { return each->name() == name || each->uname() == name; });
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
