// SPDX-License-Identifier: GPL-2.0-or-later
// The livepatch ELF format (kernel Documentation/livepatch/module-elf-format.rst): names, and a module as it
// is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/kernel_names.hpp"
#include "elf/object.hpp"

namespace klp::format {

inline constexpr std::string_view symbol_prefix = ".klp.sym.";
inline constexpr std::string_view rela_prefix = ".klp.rela.";
// Special sections of a late object, which kernels 4.6 to 5.7 processed when it came (arch_klp_init_object_loaded).
inline constexpr std::string_view arch_prefix = ".klp.arch.";

// The widths of the kernel's own sscanf() formats (kernel/livepatch/core.c:klp_resolve_symbols).
inline constexpr std::size_t longest_object_name = longest_module_name;
inline constexpr std::size_t longest_symbol_name = symbol_name_size - 1;

struct SymbolName {
    std::string object;  // no dots (module names have none)
    std::string symbol;  // may have dots
    std::uint32_t sympos = 0;
};
struct RelaName {
    std::string object;
    std::string section;  // with its leading dot where it has one: ".text", "__bug_table"
};

// Error: a name that the kernel would not read back (too long, empty, a dot in the object, a comma in the symbol).
[[nodiscard]] std::string make_symbol_name(const SymbolName& name);
[[nodiscard]] std::string make_rela_name(const RelaName& name);
// nullopt for names that are not of the format. The position is what follows the last comma; the kernel stops at the
// first one, and so refuses a symbol with a comma in it.
[[nodiscard]] std::optional<SymbolName> parse_symbol_name(std::string_view name);
[[nodiscard]] std::optional<RelaName> parse_rela_name(std::string_view name);
[[nodiscard]] std::optional<RelaName> parse_arch_name(std::string_view name);  // .klp.arch.OBJ.SECTION

// What `klp build` writes into .modinfo: "OBJECT:NAME:BYTES" of each new variable; for each address of the livepatch
// that its code hands on or stores, "OBJECT: 'NAME' in 'FUNCTION'+OFFSET"; "ID:NAME" of what its author accepted
// against a refusal; "OBJECT:KIND:NAME" of what the patch itself leaves out or forces (ForcedChange). All keys can
// repeat.
inline constexpr std::string_view modinfo_new_data = "klpkit_new_data";
inline constexpr std::string_view modinfo_outlives = "klpkit_outlives";
inline constexpr std::string_view modinfo_accepted = "klpkit_accepted";
inline constexpr std::string_view modinfo_forced = "klpkit_forced";

struct ForcedChange {
    std::string object;
    std::string kind;  // "unsafe", "ignored-function", "ignored-section" or "left-out"
    std::string name;  // of the function or section
};
// Of all values of that form in .modinfo.
[[nodiscard]] std::vector<ForcedChange> forced_changes(const std::vector<std::pair<std::string, std::string>>& modinfo);

// key=value strings of .modinfo, in file order; keys can repeat (alias, parm).
[[nodiscard]] std::vector<std::pair<std::string, std::string>> read_modinfo(const elf::Object& module);

struct PatchedFunction {
    std::string old_name;
    std::uint64_t sympos = 0;
    std::string new_name;  // the symbol that new_func points at
    std::string new_section;
    std::uint64_t new_offset = 0;  // in new_section
    // The original goes on as it is (klp_func.nop): there need not be a new function.
    bool nop = false;
};
// A function that the livepatch core calls when it patches or reverts an object (struct klp_callbacks).
struct Callback {
    std::string section;
    std::uint64_t offset = 0;
    std::string_view event{};  // the member: "pre_patch"
    std::string name{};        // of the symbol there; empty: none
};
struct PatchedObject {
    std::string name;  // "vmlinux" where klp_object.name is null (or says so: never_comes)
    std::vector<PatchedFunction> functions;
    bool has_callbacks = false;
    std::vector<Callback> callbacks{};
    // sizeof(struct klp_func) and sizeof(struct klp_object), as the sizes of the tables' symbols tell; 0: unknown.
    std::uint64_t function_size = 0;
    std::uint64_t object_size = 0;
    // Bytes of the tables with their entries of zeros, in the same way. Of a table with one entry the size above is
    // half of this, for there is one entry of zeros as a rule.
    std::uint64_t function_table = 0;
    std::uint64_t object_table = 0;
    bool never_comes = false;  // klp_object.name is "vmlinux", which no module is named
    std::size_t patch = 0;     // which klp_patch of the module it belongs to
};
struct LivepatchRelocation {
    std::string object;   // whose loading applies it
    std::string section;  // that it writes to
    std::uint64_t offset = 0;
    std::string type;    // "R_X86_64_PC32"
    std::string symbol;  // whole name, .klp.sym.…
    std::int64_t addend = 0;
};
struct LivepatchSymbol {
    SymbolName name;
    std::uint32_t index = 0;  // in .symtab
};

// A section of kernels 4.6 to 5.7: SECTION of the module itself, for the sake of OBJ.
struct ArchSection {
    std::string name;  // whole
    std::string object;
    std::string section;
};

struct LivepatchModule {
    std::string name;
    std::vector<std::pair<std::string, std::string>> modinfo;
    // From the klp_object and klp_func tables, as far as they are constant data; empty where they are not
    // found (a module may fill them at run time).
    std::vector<PatchedObject> objects;
    std::vector<LivepatchSymbol> symbols;
    std::vector<LivepatchRelocation> relocations;
    std::vector<ArchSection> arch_sections;
    // Livepatch symbols whose names are not of the format; other tools leave some (check/other_forms.hpp).
    std::vector<std::string> other_symbols;
};

// Error: not a kernel module; not a livepatch (no `livepatch` in modinfo); a livepatch section whose name is not of the
// format.
[[nodiscard]] LivepatchModule read_module(const elf::Object& module);

}  // namespace klp::format
