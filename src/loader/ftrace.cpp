// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/ftrace.hpp"

#include "loader/kallsyms.hpp"
#include "loader/module_memory.hpp"

namespace klp::loader {

namespace {

bool has_site_in(const Module& module, const arch::FtraceSites& sites, std::uint64_t begin, std::uint64_t end) {
    const arch::ImageSection* table = loaded_section(module, sites.section);
    if (table == nullptr) return false;
    return kernel::has_site_in(kernel::places_of_sites(table->memory, module.image.order, sites), begin, end);
}

}  // namespace

const kernel::FtraceTable& CallSites::vmlinux() {
    if (!vmlinux_) vmlinux_.emplace(system_.kernel, system_.features.ftrace_sites);
    return *vmlinux_;
}

bool CallSites::knows_vmlinux() {
    return vmlinux().known();
}

bool CallSites::has_location(std::uint64_t function) {
    const auto extent = lookup_size_offset(system_, function);
    const std::uint64_t end = function + (extent && extent->offset == 0 ? extent->size : 1);
    for (const auto& module : system_.modules) {
        if (module->state != LoadState::unformed && section_at(*module, function) != nullptr)
            return has_site_in(*module, system_.features.ftrace_sites, function, end);
    }
    return !knows_vmlinux() || vmlinux().has_site_in(function, end);
}

}  // namespace klp::loader
