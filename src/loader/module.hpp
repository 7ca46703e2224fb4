// SPDX-License-Identifier: GPL-2.0-or-later
// A module in the running system (struct module and what is left of struct load_info).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arch/code_rewrites.hpp"
#include "arch/module_image.hpp"
#include "arch/module_relocator.hpp"
#include "loader/layout.hpp"
#include "loader/module_file.hpp"
#include "loader/simulation.hpp"

namespace klp::loader {

// SHF_RO_AFTER_INIT (include/uapi/linux/elf.h)
inline constexpr std::uint64_t shf_ro_after_init = 0x00200000;

// Sections that the loader looks for by name; 0 where there is none (struct load_info).
struct SectionIndices {
    std::uint32_t symbols = 0;
    std::uint32_t strings = 0;
    std::uint32_t modinfo = 0;
    std::uint32_t this_module = 0;
    std::uint32_t versions = 0;
    std::uint32_t version_crcs = 0;   // __version_ext_crcs
    std::uint32_t version_names = 0;  // __version_ext_names
    std::uint32_t percpu = 0;
};

// An entry of __ksymtab or __ksymtab_gpl.
struct ModuleExport {
    std::string name;
    std::uint64_t address = 0;
    std::string name_space;
    bool gpl_only = false;
    std::optional<std::uint32_t> crc;
};

enum class LoadState : std::uint8_t { unformed, coming, live, going };

struct Module {
    explicit Module(ModuleFile module_file) : file(std::move(module_file)) {}
    Module(const Module&) = delete;
    Module& operator=(const Module&) = delete;

    ModuleFile file;
    std::string name;       // struct module::name
    std::string info_name;  // from .modinfo; messages of early checks use it
    SectionIndices index;
    std::vector<SymbolEntry> symbols;  // as in the file
    arch::ModuleImage image;
    std::unique_ptr<arch::ModuleRelocator> relocator;

    Layout layout;
    std::vector<std::uint64_t> block_addresses;  // of Layout::blocks, 0 for those of no size
    std::vector<std::vector<std::byte>> block_memory;
    std::vector<std::byte> percpu_template;
    std::uint64_t percpu_address = 0;
    std::vector<arch::CodeRewrite> rewrites;
    std::vector<Rewrite> unknown_values;  // relocated fields whose values depend on what nobody knows

    LoadState state = LoadState::unformed;
    bool is_signed = false;  // by a key that the kernel has
    bool is_livepatch = false;
    bool proprietary = false;
    bool using_gpl_only_symbols = false;
    bool klp_alive = false;  // klp_module_coming() has been called
    bool init_freed = false;
    std::vector<Module*> uses;     // whose symbols it uses
    std::uint32_t users = 0;       // modules that use its symbols
    std::uint32_t references = 0;  // of the livepatch core
    std::vector<ModuleExport> exports;

    LoadedModule loaded;  // what the simulation shows
};

}  // namespace klp::loader
