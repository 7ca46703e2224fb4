// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's own symbol table, in the order in which the kernel counts positions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "elf/object.hpp"

namespace klp::kernel {

// One line of /proc/kallsyms of a kernel that was not moved (nokaslr). For a module, `address` is the offset
// of the symbol in `section` instead.
struct KernelSymbol {
    std::uint64_t address = 0;
    char type = '?';  // as nm prints it; upper case means global
    std::string_view name{};
    const elf::Section* section = nullptr;  // modules only
    // Modules only: gone when the module's init is over (kernel/module/kallsyms.c:add_kallsyms keeps two
    // tables). The livepatch core sees such symbols while the module is coming, and not when it is live.
    bool init_only = false;
    // Vmlinux only: among writable data, whatever the letter says. nm takes all of a section for code that has
    // SHF_EXECINSTR, as .data of 7.x kernels has.
    bool in_data = false;

    [[nodiscard]] bool is_code() const noexcept {
        return !in_data && (type == 't' || type == 'T' || type == 'w' || type == 'W');
    }
    // Of vmlinux. scripts/kallsyms.c gives every per-CPU symbol the type 'A'; weak ones are global in either case. For
    // modules the letter tells whether the symbol is exported.
    [[nodiscard]] bool may_be_global() const noexcept {
        return (type >= 'A' && type <= 'Z') || type == 'w' || type == 'v';
    }
    [[nodiscard]] bool may_be_local() const noexcept {
        return (type >= 'a' && type <= 'z' && type != 'w' && type != 'v') || type == 'A';
    }
};

// What a name means in an object: nothing, one symbol, or several, of which the caller has to say which one it means.
struct Lookup {
    std::size_t count = 0;
    const KernelSymbol* first = nullptr;   // in kernel order
    const KernelSymbol* global = nullptr;  // the first that may_be_global()

    [[nodiscard]] bool exists() const noexcept { return count != 0; }
    // null: there is none, or there are several.
    [[nodiscard]] const KernelSymbol* only() const noexcept { return count == 1 ? first : nullptr; }
    // What other files of vmlinux mean by the name, the linker scripts among them: the global one, whatever statics
    // have the name, too; where the kernel lists no global one, the only one.
    [[nodiscard]] const KernelSymbol* linked() const noexcept { return global != nullptr ? global : only(); }
};

// Symbols of one object ("vmlinux" or a module), in the order of the kernel's kallsyms iteration
// (kernel/kallsyms.c:kallsyms_on_each_symbol, kernel/module/kallsyms.c:module_kallsyms_on_each_symbol).
class SymbolTable {
public:
    SymbolTable(std::string object, std::vector<KernelSymbol> symbols, std::vector<std::string> storage = {});

    [[nodiscard]] const std::string& object() const noexcept { return object_; }
    [[nodiscard]] const std::vector<KernelSymbol>& symbols() const noexcept { return symbols_; }

    // Indices in symbols() of all symbols of that name, in kernel order.
    [[nodiscard]] std::vector<std::size_t> find(std::string_view name) const;
    [[nodiscard]] Lookup look_up(std::string_view name) const;
    // Of what the name means to other files of vmlinux; nullopt where nothing has the name, or several statics do.
    [[nodiscard]] std::optional<std::uint64_t> linked_address(std::string_view name) const;
    // The `sympos` that selects symbols()[index]: 0 where the name is unique, else its 1-based position
    // (kernel/livepatch/core.c:klp_find_callback). Error where the position differs before and after the
    // module's init, so that no sympos selects the symbol in both cases.
    [[nodiscard]] std::uint32_t sympos(std::size_t index) const;
    // Indices of the symbols at exactly that address (vmlinux).
    [[nodiscard]] std::vector<std::size_t> at(std::uint64_t address) const;
    // The address of the first symbol above `address`; UINT64_MAX where there is none (vmlinux).
    [[nodiscard]] std::uint64_t next_address(std::uint64_t address) const;

private:
    std::string object_;
    std::vector<std::string> storage_;  // owns names that live in no mapping
    std::vector<KernelSymbol> symbols_;
    // A hash table of chains: half a million symbols are indexed on each start of the program.
    std::vector<std::uint32_t> buckets_;     // the first symbol of each chain, no_symbol for none
    std::vector<std::uint32_t> next_;        // per symbol: the next one in its chain, in kernel order
    std::vector<std::uint32_t> by_address_;  // indices, sorted by address
};

// From the tables inside a kernel image (scripts/kallsyms.c writes them; layouts up to 6.3 and from 6.4 on).
// Error: no tables found, or they are damaged.
[[nodiscard]] SymbolTable read_kallsyms(const elf::Object& vmlinux);
// From the .symtab of a vmlinux, or of a module as the kernel will keep it (kernel/module/kallsyms.c:
// is_core_symbol, with CONFIG_KALLSYMS_ALL where `all`).
[[nodiscard]] SymbolTable read_symtab(const elf::Object& object, std::string object_name, bool all = true);
// The output of `nm -n vmlinux`. Error: no such file, or the stub that Debian ships.
[[nodiscard]] SymbolTable read_system_map(const fs::path& path);

// Symbols of a vmlinux: its kallsyms tables, which the kernel counts by; else its .symtab. Error: neither.
[[nodiscard]] SymbolTable read_vmlinux_symbols(const elf::Object& vmlinux);

// Symbols with the object that their names (and sections) are in.
struct SymbolFile {
    std::optional<elf::Object> object;  // none for System.map
    SymbolTable symbols;
};
// From a boot image, a vmlinux, a module (compressed or not) or a System.map.
[[nodiscard]] SymbolFile read_symbol_file(const fs::path& path);

}  // namespace klp::kernel
