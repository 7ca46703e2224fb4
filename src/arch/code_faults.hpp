// SPDX-License-Identifier: GPL-2.0-or-later
// Entries of a module's tables that the kernel stumbles over while it rewrites the module (code_rewrites.hpp): it has a
// BUG(), a WARN(), or an access to where nothing is, and no way to refuse the module.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arch/code_rewrites.hpp"
#include "arch/rewrite_collector.hpp"

namespace klp::arch {

struct CodeFault {
    std::uint32_t section = 0;  // the table: index in ModuleImage::sections
    std::uint64_t offset = 0;   // of the entry
    std::string what;           // what the kernel does, with its file and function
    // Set: the kernel does refuse it, with an errno and these messages.
    int error = 0;
    std::vector<std::string> messages{};
};

// The first in the order in which the kernel comes to them. The module is relocated, and not rewritten yet.
[[nodiscard]] std::optional<CodeFault> code_fault(const Arch& arch, const ModuleImage& image,
                                                  const KernelFeatures& features, const RunningFacts& facts = {});

// Reads a module's tables with a collector's eyes. Inside this library.
class FaultFinder {
public:
    explicit FaultFinder(const RewriteCollector& collector) : module(collector) {}

    const RewriteCollector& module;

    // Throws it.
    [[noreturn]] void fault(const ImageSection& table, std::uint64_t offset, std::string what) const;
    [[noreturn]] void refuse(const ImageSection& table, std::uint64_t offset, int error,
                             std::vector<std::string> messages) const;
    [[nodiscard]] Bytes code_at(const ImageSection& table, std::uint64_t offset, std::uint64_t address,
                                std::uint64_t size, std::string_view function) const;

    // A table that running code writes to, once its memory is protected.
    void must_be_writable(const ImageSection& table, std::string_view function) const;
    void must_be_mapped(const ImageSection& table, std::uint64_t offset, std::uint64_t address,
                        std::string_view function) const;
    // kernel/jump_label.c:jump_label_add_module()
    void jump_labels() const;
};

}  // namespace klp::arch
