// SPDX-License-Identifier: GPL-2.0-or-later
// What a livepatch symbol selects in its object, and whether the place that refers to it makes sense of what it gets.
// Those who make livepatch symbols and those who judge them ask here, so that nothing is made that is refused later.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/arch.hpp"
#include "kernel/kallsyms.hpp"

namespace klp::kernel {

// What a name and a position select (kernel/livepatch/core.c:klp_find_object_symbol).
struct Selection {
    enum class Problem : std::uint8_t { none, missing, ambiguous, no_such_position, unstable };
    Problem problem = Problem::none;
    std::size_t index = 0;  // in the symbol table
    std::size_t count = 0;  // symbols of that name
};
[[nodiscard]] Selection select(const SymbolTable& symbols, std::string_view name, std::uint64_t sympos);

// "'f' is there 3 times in ext4, but position 0 wants it to be unique"; empty where nothing is wrong.
[[nodiscard]] std::string problem_text(const Selection& selection, std::string_view object, std::string_view name,
                                       std::uint64_t sympos);

// Kernels that have it apply relocations of per-CPU data; both came with Linux 7.
inline constexpr std::string_view export_flags_symbol = "__start___kflagstab";

enum class Content : std::uint8_t { unknown, code, data };

// What a kernel's own addresses tell of its symbols, and of those of its modules.
class SymbolFacts {
public:
    explicit SymbolFacts(const SymbolTable& vmlinux);

    // Whether the kernel's image has the bounds of its init memory; without them is_gone() knows of modules alone.
    [[nodiscard]] bool knows_init_memory() const noexcept { return init_end_ != 0; }
    // In init memory: not there any more when a livepatch arrives.
    [[nodiscard]] bool is_gone(const KernelSymbol& symbol) const noexcept;
    // As far as its type in kallsyms tells.
    [[nodiscard]] Content content(const KernelSymbol& symbol) const noexcept;
    // Of what `table`, of vmlinux or a module, exports under that name.
    [[nodiscard]] Content exported_content(const SymbolTable& table, std::string_view name) const;
    // Whether the module loader applies relocations of .data..percpu (LoaderFeatures::relocates_percpu).
    [[nodiscard]] bool relocates_per_cpu_data() const noexcept { return relocates_per_cpu_data_; }

private:
    [[nodiscard]] bool is_per_cpu(const KernelSymbol& symbol) const noexcept;

    std::uint64_t init_begin_ = 0, init_end_ = 0;
    std::uint64_t per_cpu_begin_ = 0, per_cpu_end_ = 0;
    bool relocates_per_cpu_data_ = false;
};

// How the code of one module uses the symbols that its relocations name.
class SymbolUses {
public:
    // `module` must outlive it; its code is not edited meanwhile.
    SymbolUses(const elf::Object& module, const arch::Arch& arch);

    // "goes to 'beta', which is data": a branch that meets data, or an access to data that meets code; nullopt where
    // there is none, or nothing tells. `name` is that of the symbol.
    [[nodiscard]] std::optional<std::string> problem(const elf::Section& section, const elf::Relocation& relocation,
                                                     std::string_view name, Content content) const;

private:
    [[nodiscard]] std::optional<arch::Use> use_of(const elf::Section& section, const elf::Relocation& relocation) const;

    const arch::Arch& arch_;
    std::map<const elf::Section*, std::vector<arch::Range>> functions_;  // by section; ascending
};

}  // namespace klp::kernel
