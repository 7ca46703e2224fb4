// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/ftrace.hpp"

#include <algorithm>

#include "loader/kallsyms.hpp"
#include "loader/module_memory.hpp"

namespace klp::loader {

namespace {

constexpr std::uint64_t address_size = 8;

bool has_site_in(const std::vector<std::uint64_t>& sites, std::uint64_t begin, std::uint64_t end) {
    const auto first = std::ranges::lower_bound(sites, begin);
    return first != sites.end() && *first < end;
}

std::optional<std::uint64_t> address_of(const System& system, std::string_view name) {
    const auto found = system.kernel.symbols().find(name);
    if (found.size() != 1) return std::nullopt;
    return system.kernel.symbols().symbols()[found.front()].address;
}

}  // namespace

// arch/arm64/kernel/ftrace.c:ftrace_call_adjust: with room for a pointer in front of each function, the table has the
// address of that. Any place in the function does for finding it.
std::uint64_t CallSites::adjusted(std::uint64_t site) const {
    const bool points_before = system_.kernel.manifest().arch == "arm64" && system_.features.arch.arm64.ftrace_call_ops;
    return points_before ? site + address_size : site;
}

std::vector<std::uint64_t> CallSites::read_vmlinux() const {
    std::vector<std::uint64_t> sites;
    const auto start = address_of(system_, "__start_mcount_loc");
    const auto stop = address_of(system_, "__stop_mcount_loc");
    if (!start || !stop || *stop < *start) return sites;
    const auto table = system_.kernel.read(*start, *stop - *start);
    if (!table) return sites;
    for (std::uint64_t at = 0; at + address_size <= table->size(); at += address_size) {
        const auto site = load<std::uint64_t>(table->subspan(at), system_.kernel.vmlinux().order());
        if (site != 0) sites.push_back(adjusted(site));
    }
    std::ranges::sort(sites);
    return sites;
}

const std::vector<std::uint64_t>* CallSites::sites_of_vmlinux() {
    if (!vmlinux_) vmlinux_ = read_vmlinux();
    return vmlinux_->empty() ? nullptr : &*vmlinux_;
}

std::vector<std::uint64_t> CallSites::sites_of(const Module& module) const {
    std::vector<std::uint64_t> sites;
    for (const std::string_view name : {"__mcount_loc", "__patchable_function_entries"}) {
        const arch::ImageSection* section = loaded_section(module, name);
        if (section == nullptr) continue;
        for (std::uint64_t at = 0; at + address_size <= section->memory.size(); at += address_size)
            sites.push_back(adjusted(load<std::uint64_t>(section->memory.subspan(at), module.image.order)));
    }
    std::ranges::sort(sites);
    return sites;
}

bool CallSites::has_location(std::uint64_t function) {
    const auto extent = lookup_size_offset(system_, function);
    const std::uint64_t end = function + (extent && extent->offset == 0 ? extent->size : 1);
    for (const auto& module : system_.modules) {
        if (module->state != LoadState::unformed && section_at(*module, function) != nullptr)
            return has_site_in(sites_of(*module), function, end);
    }
    const auto* sites = sites_of_vmlinux();
    return sites == nullptr || has_site_in(*sites, function, end);
}

}  // namespace klp::loader
