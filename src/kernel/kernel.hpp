// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel as a target: where its parts are, and what can be asked of them. Parts load on first use and are
// then kept; all queries are safe to call from several threads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "arch/arch.hpp"
#include "base/derived.hpp"
#include "base/file.hpp"
#include "elf/object.hpp"
#include "kernel/kallsyms.hpp"

namespace klp::kernel {

// What the catalogue keeps of a kernel (kernel.json in its folder). All paths are absolute.
struct Manifest {
    std::string name{};     // of a fetched kernel: its release
    std::string release{};  // uname -r, from the image's own version string
    std::string arch{};     // arch::Arch::name()
    fs::path source{};      // prepared source tree; never written to after preparation
    fs::path image{};       // as shipped (vmlinuz, bzImage, vmlinux, Image)
    fs::path vmlinux{};     // ELF, unpacked from the image where it was not one
    fs::path modules{};     // lib/modules/RELEASE; empty where there are none
    fs::path config{};
    fs::path symvers{};
    bool fetched = false;     // by `klp kernel fetch`: the files are in the catalogue's folder
    std::string toolchain{};  // with whose compiler it is built for; empty: one of the very version that made it
};

// One line of Module.symvers (scripts/mod/modpost.c:write_dump).
struct Export {
    std::uint32_t crc = 0;
    std::string_view module;  // "vmlinux" or a module's name (last path component, '-' as '_')
    bool gpl_only = false;
    std::string_view name_space;  // empty: none
};

class Exports {
public:
    // Error: a line that is none.
    [[nodiscard]] static Exports read(const fs::path& symvers);
    [[nodiscard]] static Exports parse(std::string text, const std::string& display_name);
    [[nodiscard]] const Export* find(std::string_view symbol) const;
    [[nodiscard]] std::size_t size() const noexcept { return by_name_.size(); }

private:
    std::shared_ptr<const std::string> text_;
    std::unordered_map<std::string_view, Export> by_name_;
};

class Config {
public:
    [[nodiscard]] static Config read(const fs::path& path);
    // The value without quotes; nullopt where not set. `name` with its CONFIG_ prefix.
    [[nodiscard]] std::optional<std::string_view> value(std::string_view name) const;
    [[nodiscard]] bool enabled(std::string_view name) const;  // y or m
    [[nodiscard]] const std::map<std::string, std::string, std::less<>>& values() const noexcept { return values_; }

private:
    std::map<std::string, std::string, std::less<>> values_;
};

// A module as shipped: its (decompressed) ELF file and its symbols in the kernel's order.
struct Module {
    std::string name;  // as the kernel names it: '-' became '_'
    fs::path path;
    elf::Object object;
    SymbolTable symbols;
};

class ModuleFiles;
struct Compiler;
struct Features;

// Held against `klp kernel remove` and preparing the tree again, where it is one of the catalogue's.
class Kernel {
public:
    explicit Kernel(Manifest manifest);  // Error: it was removed in the meantime
    ~Kernel();
    Kernel(Kernel&&) noexcept;

    [[nodiscard]] const Manifest& manifest() const noexcept;
    [[nodiscard]] const arch::Arch& arch() const;
    [[nodiscard]] const Config& config() const;
    [[nodiscard]] const Exports& exports() const;
    // That made it, with its identity. Error: there is no such compiler here.
    [[nodiscard]] const Compiler& compiler() const;

    [[nodiscard]] const elf::Object& vmlinux() const;
    // Its file: the manifest's, or one under TMPDIR where that was damaged and cannot be mended.
    [[nodiscard]] const fs::path& vmlinux_path() const;
    [[nodiscard]] const SymbolTable& symbols() const;  // of vmlinux
    // Bytes of vmlinux at a link-time address; nullopt where no section with content covers all of them.
    [[nodiscard]] std::optional<Bytes> read(std::uint64_t address, std::uint64_t size) const;
    // The section of vmlinux that covers an address.
    [[nodiscard]] const elf::Section* section_at(std::uint64_t address) const;

    // By kernel name ("snd_hda_intel"); Error where there is no such module file.
    [[nodiscard]] const Module& module(std::string_view name) const;
    [[nodiscard]] std::optional<fs::path> module_path(std::string_view name) const;
    // Names of the modules that must be loaded before `name`, in load order, without itself: from the modules'
    // own `depends` (scripts/mod/modpost.c:add_depends), since packages come without a modules.dep.
    [[nodiscard]] std::vector<std::string> module_dependencies(std::string_view name) const;
    // Modules that `name` wants to find loaded, but that may fail to load or need others (soft_dependencies.hpp).
    [[nodiscard]] std::vector<std::string> soft_dependencies(std::string_view name) const;

    // What its code does (features.hpp, which has the errors).
    [[nodiscard]] const Features& features() const;

    // A folder for what other libraries cache for this kernel. It need not be there, and may be read-only.
    [[nodiscard]] fs::path cache_folder() const;
    // A file in that folder, named after its kind and what it is made from. Release, architecture and source tree are
    // among that without being named.
    [[nodiscard]] DerivedFile derived(std::string_view kind, std::vector<std::string> made_from) const;

private:
    struct Parts;
    [[nodiscard]] const ModuleFiles& module_files() const;
    std::unique_ptr<Parts> parts_;
};

}  // namespace klp::kernel
