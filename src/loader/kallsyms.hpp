// SPDX-License-Identifier: GPL-2.0-or-later
// Names and addresses of the running system (kernel/kallsyms.c, kernel/module/kallsyms.c).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "loader/system.hpp"

namespace klp::loader {

struct Match {
    std::uint64_t address = 0;  // of the last one counted
    std::uint64_t count = 0;
};

// What klp_find_object_symbol() counts: symbols of that name in the object, up to `sympos`, or up to the second where
// that is 0. An empty object is vmlinux; a module is found whether or not it is formed, as in the kernel.
[[nodiscard]] Match match_symbols(const System& system, std::string_view object, std::string_view name,
                                  std::uint64_t sympos);

struct SymbolExtent {
    std::uint64_t offset = 0;  // of the address in its symbol
    std::uint64_t size = 0;
};
// kernel/kallsyms.c:kallsyms_lookup_size_offset
[[nodiscard]] std::optional<SymbolExtent> lookup_size_offset(const System& system, std::uint64_t address);

// kernel/module/kallsyms.c:is_core_symbol
[[nodiscard]] bool is_core_symbol(const Module& module, std::uint32_t symbol, const Features& features);

// What an index behind the symbols that a livepatch keeps is taken for: their names follow the table
// (add_kallsyms()). Nothing where that leads out of the names.
[[nodiscard]] std::optional<arch::ImageSymbol> symbol_behind_kept(const Module& module, std::uint32_t index);

// `%pS`: "name+0x10/0x40 [module]", or the number.
[[nodiscard]] std::string symbolize(const Module& module, std::uint64_t address, const Features& features);

}  // namespace klp::loader
