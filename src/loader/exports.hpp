// SPDX-License-Identifier: GPL-2.0-or-later
// Symbols that the kernel and its modules export, and who may use them (kernel/module/main.c:find_symbol,
// version.c:check_version).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loader/system.hpp"

namespace klp::loader {

// struct find_symbol_arg
struct FoundSymbol {
    std::uint64_t address = 0;
    Module* owner = nullptr;  // null: vmlinux
    bool gpl_only = false;
    std::string name_space;
    std::optional<std::uint32_t> crc;
};

[[nodiscard]] std::optional<FoundSymbol> find_symbol(const System& system, std::string_view name, bool gpl_ok);

// An undefined symbol of a module, kernel/module/main.c:resolve_symbol. nullopt: nobody exports it. Throws Refused.
[[nodiscard]] std::optional<std::uint64_t> resolve_symbol(System& system, Module& module, std::string_view name,
                                                          Journal& journal);

// kernel/module/version.c:check_version
[[nodiscard]] bool check_version(System& system, const Module& module, std::string_view symbol,
                                 std::optional<std::uint32_t> crc, Journal& journal);
// kernel/module/main.c:try_to_force_load; false: refused.
[[nodiscard]] bool try_to_force_load(System& system, const Module& module, std::string_view reason, Journal& journal);

// The module's __ksymtab tables, from its relocated memory as the kernel reads them.
[[nodiscard]] std::vector<ModuleExport> read_exports(const Module& module, const Features& features);
// kernel/module/main.c:verify_exported_symbols. Throws Refused.
void verify_exported_symbols(const System& system, const Module& module, Journal& journal);

}  // namespace klp::loader
