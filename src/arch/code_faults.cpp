// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/code_faults.hpp"

#include <elf.h>
#include <fmt/format.h>

#include "arch/module_loading.hpp"

namespace klp::arch {

std::optional<CodeFault> code_fault(const Arch& arch, const ModuleImage& image, const KernelFeatures& features,
                                    const RunningFacts& facts) {
    const RewriteCollector module(arch, image, features, facts);
    try {
        arch.module_loading().find_faults(FaultFinder(module));
        return std::nullopt;
    } catch (CodeFault& fault) {
        return std::move(fault);
    }
}

void FaultFinder::fault(const ImageSection& table, std::uint64_t offset, std::string what) const {
    throw CodeFault{static_cast<std::uint32_t>(&table - module.image.sections.data()), offset, std::move(what)};
}

void FaultFinder::refuse(const ImageSection& table, std::uint64_t offset, int error,
                         std::vector<std::string> messages) const {
    throw CodeFault{
        static_cast<std::uint32_t>(&table - module.image.sections.data()), offset, {}, error, std::move(messages)};
}

Bytes FaultFinder::code_at(const ImageSection& table, std::uint64_t offset, std::uint64_t address, std::uint64_t size,
                           std::string_view function) const {
    if (const auto bytes = module.bytes_at(address, size)) return *bytes;
    if (const auto between = module.image.memory_at(address, size)) return *between;
    fault(table, offset,
          fmt::format("{} would access {} bytes at {:#x}, which are in no section of the module", function, size,
                      address));
}

void FaultFinder::must_be_writable(const ImageSection& table, std::string_view function) const {
    if ((table.flags & SHF_WRITE) == 0)
        fault(table, 0, fmt::format("{} would write into the section, which is read-only by then", function));
}

void FaultFinder::must_be_mapped(const ImageSection& table, std::uint64_t offset, std::uint64_t address,
                                 std::string_view function) const {
    if (module.holds(address) || !module.facts.is_mapped || module.facts.is_mapped(address)) return;
    fault(table, offset, fmt::format("{} would read at {:#x}, where nothing is", function, address));
}

void FaultFinder::jump_labels() const {
    constexpr std::string_view function = "kernel/jump_label.c:jump_label_add_module()";
    const ImageSection* table = module.section("__jump_table");
    if (table == nullptr) return;
    const std::vector<JumpEntry> entries = module.jump_entries(*table);
    if (entries.empty()) return;
    must_be_writable(*table, function);
    for (const JumpEntry& entry : entries)
        must_be_mapped(*table, entry.position * module.jump_entry_size(), entry.key, function);
}

}  // namespace klp::arch
