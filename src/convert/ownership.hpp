// SPDX-License-Identifier: GPL-2.0-or-later
// Which patched objects a livepatch's own code and data serve: those whose new functions and callbacks lead to them by
// the module's own references. klp_patch and its tables are no such references, for they lead to everything; neither
// are pointers to code in the data of callbacks, which hand whole tables to the kernel.
#pragma once

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "arch/arch.hpp"
#include "format/livepatch.hpp"

namespace klp::convert {

struct Owners {
    std::vector<std::string> objects;  // sorted
    bool init = false;                 // the module's own init or exit code calls it as well
    bool early_tables = false;         // code of a module parameter, or the like, leads to it (format::EarlyData)
    // Whose callbacks have a table that leads there, which need not mean that they use that entry of it; sorted.
    std::vector<std::string> through_tables{};
};

// An entry of a special section that has the kernel replace the code at `place`.
struct ReplacedCode {
    const elf::Section* table = nullptr;
    std::uint64_t entry = 0;  // offset in the table
};

struct CodeRange {
    const elf::Section* section = nullptr;
    arch::Range range{};
};
struct TableEntry {
    const elf::Section* table = nullptr;
    arch::Range range{};
    // The function that it belongs to, if any, and the pieces of code pools that it names.
    std::vector<CodeRange> code{};
};

class Ownership {
public:
    // `module` must outlive it, and is not edited meanwhile. `old_tables`: entries of special sections have the sizes
    // of arch::SpecialSection::arch_entry_size. Error: special sections that are no arrays of entries.
    Ownership(const elf::Object& module, const arch::Arch& arch, const std::vector<format::PatchedObject>& objects,
              bool old_tables = false);
    ~Ownership();
    Ownership(const Ownership&) = delete;
    Ownership& operator=(const Ownership&) = delete;

    // Of whatever covers the offset.
    [[nodiscard]] Owners owners(const elf::Section& section, std::uint64_t offset) const;
    // Whether code that is freed after the livepatch's init makes use of the place.
    [[nodiscard]] bool is_of_init(const elf::Section& section, std::uint64_t offset) const;
    // Who replaces the instruction that covers the offset while the module is loaded; null `table` for nobody.
    [[nodiscard]] ReplacedCode replaced(const elf::Section& code, std::uint64_t offset) const;
    // All entries of special sections.
    [[nodiscard]] std::vector<TableEntry> entries() const;

private:
    struct Graph;
    std::unique_ptr<Graph> graph_;
};

}  // namespace klp::convert
