// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/ftrace_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "arch/module_loading.hpp"
#include "kernel/features.hpp"

namespace klp::kernel {

namespace {

constexpr std::uint64_t code_size = 16;  // that FtraceRules wants to see

std::optional<std::uint64_t> address_of_only(const SymbolTable& symbols, std::string_view name) {
    const auto found = symbols.find(name);
    return found.size() != 1 ? std::nullopt : std::optional(symbols.symbols()[found.front()].address);
}

FtraceSizes sizes_of(const LoaderFeatures& features, const arch::FtraceSites& sites) {
    return {features.page_size.value_or(FtraceSizes{}.page), features.ftrace_record_size.value_or(sites.record_size),
            sites.instruction_size};
}

FtraceRules::Code code_of_vmlinux(const Kernel& kernel) {
    return [&kernel](std::uint64_t address) -> Bytes {
        const elf::Section* section = kernel.section_at(address);
        if (section == nullptr || address - section->address >= section->content().size()) return {};
        const Bytes rest = section->content().subspan(address - section->address);
        return rest.first(std::min<std::uint64_t>(rest.size(), code_size));
    };
}

std::uint64_t end_of_symbol(const SymbolTable& symbols, std::uint64_t address) {
    const std::uint64_t next = symbols.next_address(address);
    return next != UINT64_MAX ? next : symbols.linked_address("_end").value_or(address + 1);
}

}  // namespace

FtraceRules::FtraceRules(const Kernel& kernel)
    : loading_(kernel.arch().module_loading()),
      features_(*probe(kernel).arch),
      sites_(loading_.ftrace_sites(features_)),
      sizes_(sizes_of(probe(kernel).loader, sites_)) {}

FtraceRecords FtraceRules::records_of(Bytes table, ByteOrder order, const Code& code) const {
    return {calls_of(arch::read_ftrace_table(table, order), code), table.size() / arch::ftrace_entry_size, sizes_};
}

std::vector<std::uint64_t> FtraceRules::calls_of(std::vector<std::uint64_t> sites, const Code& code) const {
    std::ranges::sort(sites);
    for (std::uint64_t& each : sites) {
        each += sites_.before_function;
        each += loading_.distance_to_call(features_, code(each));
    }
    return sites;
}

std::uint64_t FtraceRules::own_record(std::uint64_t function, const Code& code) const {
    const std::uint64_t site = function + loading_.distance_to_site(features_, code(function));
    return site + loading_.distance_to_call(features_, code(site));
}

FtraceTable::FtraceTable(const Kernel& kernel) : kernel_(kernel), rules_(kernel) {
    const SymbolTable& symbols = kernel.symbols();
    const auto begin = address_of_only(symbols, arch::ftrace_table_begin);
    const auto end = address_of_only(symbols, arch::ftrace_table_end);
    if (!begin || !end || *end < *begin) return;
    if (const auto table = kernel.read(*begin, *end - *begin))
        records_ = rules_.records_of(*table, kernel.vmlinux().order(), code_of_vmlinux(kernel));
    const auto init_begin = address_of_only(symbols, "__init_begin");
    const auto init_end = address_of_only(symbols, "__init_end");
    if (init_begin && init_end) records_.free(*init_begin, *init_end);
}

Hook FtraceTable::hook_of(std::uint64_t begin, std::uint64_t end) const {
    if (!known()) return {};
    return Hook::of(records_.location(begin, end), rules_.own_record(begin, code_of_vmlinux(kernel_)));
}

Hook FtraceTable::hook_of(std::uint64_t function) const {
    return hook_of(function, end_of_symbol(kernel_.symbols(), function));
}

namespace {

// Distances in `section` of the records that its code has.
std::vector<std::uint64_t> records_in(const Module& module, const elf::Section& section, const FtraceRules& rules,
                                      const FtraceRules::Code& code) {
    std::vector<std::uint64_t> sites;
    for (const auto& table : module.object.sections()) {
        if (table->name != rules.sites().section) continue;
        for (const elf::Relocation& each : table->rela())
            if (each.symbol->section == &section)
                sites.push_back(each.symbol->value + static_cast<std::uint64_t>(each.addend));
    }
    return rules.calls_of(std::move(sites), code);
}

std::uint64_t end_in_module(const Module& module, const KernelSymbol& function) {
    std::uint64_t end = function.section->size();
    for (const KernelSymbol& each : module.symbols.symbols())
        if (each.section == function.section && each.address > function.address) end = std::min(end, each.address);
    return end;
}

}  // namespace

Hook hook_in_module(const Kernel& kernel, const Module& module, const KernelSymbol& function) {
    const FtraceRules rules(kernel);
    const FtraceRules::Code code = [&](std::uint64_t offset) -> Bytes {
        const Bytes content = function.section->content();
        if (offset >= content.size()) return {};
        return content.subspan(offset, std::min<std::uint64_t>(content.size() - offset, code_size));
    };
    const std::uint64_t own = rules.own_record(function.address, code);
    std::vector<std::uint64_t> records = records_in(module, *function.section, rules, code);
    const std::uint64_t end = end_in_module(module, function);
    std::erase_if(records, [&](std::uint64_t each) { return each < function.address || each >= end; });
    if (records.empty()) return {Hook::Where::none, 0};
    if (std::ranges::find(records, function.address) != records.end()) return {Hook::Where::own, own};
    const auto other = std::ranges::find_if(records, [&](std::uint64_t each) { return each != own; });
    return other == records.end() ? Hook{Hook::Where::own, own} : Hook{Hook::Where::elsewhere, *other};
}

std::string problem_of_hook(const Hook& hook, std::uint64_t function) {
    return fmt::format(
        "the kernel finds no ftrace record at the address of the function, searches the range of its symbol and meets "
        "the one at {:#x} behind its start, of code that has no symbol (a weak function that another one overrides): "
        "it would say that patching is complete, and go on running the old function",
        hook.address - function);
}

}  // namespace klp::kernel
