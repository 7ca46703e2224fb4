// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/ftrace_table.hpp"

#include <algorithm>

namespace klp::kernel {

namespace {

std::optional<std::uint64_t> address_of_only(const SymbolTable& symbols, std::string_view name) {
    const auto found = symbols.find(name);
    return found.size() != 1 ? std::nullopt : std::optional(symbols.symbols()[found.front()].address);
}

}  // namespace

std::vector<std::uint64_t> places_of_sites(Bytes table, ByteOrder order, const arch::FtraceSites& sites) {
    std::vector<std::uint64_t> places = arch::read_ftrace_table(table, order);
    for (std::uint64_t& each : places) each += sites.before_function;
    std::ranges::sort(places);
    return places;
}

bool has_site_in(const std::vector<std::uint64_t>& sorted_sites, std::uint64_t begin, std::uint64_t end) {
    const auto first = std::ranges::lower_bound(sorted_sites, begin);
    return first != sorted_sites.end() && *first < end;
}

FtraceTable::FtraceTable(const Kernel& kernel, const arch::FtraceSites& sites) {
    const auto begin = address_of_only(kernel.symbols(), arch::ftrace_table_begin);
    const auto end = address_of_only(kernel.symbols(), arch::ftrace_table_end);
    if (!begin || !end || *end < *begin) return;
    if (const auto table = kernel.read(*begin, *end - *begin))
        sites_ = places_of_sites(*table, kernel.vmlinux().order(), sites);
}

bool FtraceTable::has_site_in(std::uint64_t begin, std::uint64_t end) const {
    return kernel::has_site_in(sites_, begin, end);
}

}  // namespace klp::kernel
