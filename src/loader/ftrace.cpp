// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/ftrace.hpp"

#include "loader/kallsyms.hpp"
#include "loader/module_memory.hpp"

namespace klp::loader {

namespace {

// Init memory that was freed took its records along.
kernel::FtraceRecords records_of(const Module& module, const kernel::FtraceRules& rules,
                                 const kernel::FtraceRules::Code& code) {
    const arch::ImageSection* table = loaded_section(module, rules.sites().section);
    if (table == nullptr) return {};
    kernel::FtraceRecords records = rules.records_of(table->memory, module.image.order, code);
    for (std::size_t i = 0; module.init_freed && i < module.layout.blocks.size(); ++i) {
        const std::uint64_t address = module.block_addresses[i];
        if (module.layout.blocks[i].init) records.free(address, address + module.layout.blocks[i].size);
    }
    return records;
}

kernel::Hook hook_in(const Module& module, const kernel::Kernel& kernel, std::uint64_t begin, std::uint64_t end) {
    const kernel::FtraceRules rules(kernel);
    const auto code = [&](std::uint64_t address) { return memory_from(module, address); };
    return kernel::Hook::of(records_of(module, rules, code).location(begin, end), rules.own_record(begin, code));
}

}  // namespace

kernel::Hook CallSites::hook_of(std::uint64_t function) {
    const auto extent = lookup_size_offset(system_, function);
    const std::uint64_t end = function + (extent && extent->offset == 0 ? extent->size : 1);
    for (const auto& module : system_.modules) {
        if (module->state != LoadState::unformed && section_at(*module, function) != nullptr)
            return hook_in(*module, system_.kernel, function, end);
    }
    if (!vmlinux_) vmlinux_.emplace(system_.kernel);
    return vmlinux_->hook_of(function, end);
}

}  // namespace klp::loader
