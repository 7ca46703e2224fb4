// SPDX-License-Identifier: GPL-2.0-or-later
#include "check/traceable.hpp"

#include <algorithm>

namespace klp::check {

namespace {

std::optional<std::uint64_t> address_of(const kernel::Kernel& kernel, std::string_view name) {
    const auto found = kernel.symbols().find(name);
    return found.empty() ? std::nullopt : std::optional(kernel.symbols().symbols()[found.front()].address);
}

// With a pointer to ops before each entry, and the listed place before that (arch/arm64/kernel/ftrace.c:
// ftrace_call_adjust).
constexpr std::uint64_t call_ops_size = 8;

}  // namespace

TraceableFunctions::TraceableFunctions(const kernel::Kernel& kernel) : kernel_(kernel) {
    const auto begin = address_of(kernel, "__start_mcount_loc");
    const auto end = address_of(kernel, "__stop_mcount_loc");
    if (!begin || !end || *end < *begin) return;
    const auto table = kernel.read(*begin, *end - *begin);
    if (!table) return;
    for (std::size_t at = 0; at + sizeof(std::uint64_t) <= table->size(); at += sizeof(std::uint64_t)) {
        // Zeroes: relocated at boot, or left of weak functions that were overridden.
        const auto place = load<std::uint64_t>(table->subspan(at, sizeof(std::uint64_t)), kernel.vmlinux().order());
        if (place != 0) places_.push_back(place);
    }
    std::ranges::sort(places_);
}

bool TraceableFunctions::contains(std::uint64_t address) const {
    const bool has_call_ops = kernel_.config().enabled("CONFIG_DYNAMIC_FTRACE_WITH_CALL_OPS");
    const auto place = std::ranges::lower_bound(places_, has_call_ops ? address - call_ops_size : address);
    return place != places_.end() && *place < kernel_.symbols().next_address(address);
}

}  // namespace klp::check
