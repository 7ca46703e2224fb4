// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel's module loader does on an architecture (arch/*/kernel/module*.c): which relocations it knows, what
// it writes into modules and when, and what it takes or refuses. The relocation code itself is ModuleRelocator's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "arch/arch.hpp"
#include "arch/ftrace_sites.hpp"
#include "arch/kernel_features.hpp"
#include "arch/module_image.hpp"
#include "arch/module_relocator.hpp"

namespace klp::arch {

class FaultFinder;
class RewriteCollector;

class ModuleLoading {
public:
    virtual ~ModuleLoading() = default;

    // Whether apply_relocate_add() knows the type. It refuses the module otherwise.
    [[nodiscard]] virtual bool knows(std::uint32_t relocation_type) const noexcept = 0;
    // Whether it refuses a place that is not zero before (x86: "existing value is nonzero").
    [[nodiscard]] virtual bool relocates_zeros_alone() const noexcept = 0;
    // `image` must outlive the relocator. Error: features of another architecture.
    [[nodiscard]] virtual std::unique_ptr<ModuleRelocator> relocator(ModuleImage& image,
                                                                     const KernelFeatures& features) const = 0;
    // Why a call cannot be of a symbol of another module; nullopt where it can, or where the relocation is no call.
    [[nodiscard]] virtual std::optional<std::string> call_problem(const elf::Section& code,
                                                                  const elf::Relocation& relocation) const = 0;
    // The same of a branch that does not come back (a tail call), where that alone is the problem.
    [[nodiscard]] virtual std::optional<std::string> tail_call_problem(const elf::Section& code,
                                                                       const elf::Relocation& relocation) const = 0;

    // module_finalize() and what comes after it (code_rewrites.hpp).
    virtual void rewrite(RewriteCollector& collector) const = 0;
    // arch_klp_init_object_loaded() on the .klp.arch sections of an object ("vmlinux" or a module), in kernels that
    // have it (4.6 to 5.7).
    virtual void rewrite_for_object(RewriteCollector& collector, std::string_view object) const = 0;
    // Throws the first CodeFault (code_faults.hpp).
    virtual void find_faults(const FaultFinder& finder) const = 0;
    [[nodiscard]] virtual FtraceSites ftrace_sites(const KernelFeatures& features) const = 0;
    // Bytes from a function's first instruction to the place that the entry of its site means (FtraceSites::
    // before_function is added to what is listed), if it has one. `code` begins there; 16 bytes are enough.
    [[nodiscard]] virtual std::uint64_t distance_to_site(const KernelFeatures& features, Bytes code) const = 0;
    // Bytes from that place to where ftrace writes the call (ftrace_call_adjust()); `code` begins at the place.
    [[nodiscard]] virtual std::uint64_t distance_to_call(const KernelFeatures& features, Bytes code) const = 0;

    // Whether elf_check_arch() looks at EI_CLASS, too.
    [[nodiscard]] virtual bool checks_elf_class() const noexcept { return false; }
    // module_elf_check_arch()
    [[nodiscard]] virtual bool accepts_header_flags(std::uint32_t flags) const noexcept = 0;
    // What code adds to S + A of a relocation that is a distance, at least and at most, to mean an address: distances
    // are counted from the end of the instruction, or from its start, where the field is in it.
    struct DistanceOrigin {
        std::int64_t least = 0, most = 0;  // bytes
    };
    [[nodiscard]] virtual DistanceOrigin distance_origin() const noexcept { return {}; }
    // Where the loader's own copy of a module's file is likely to be, which symbols of sections that are not loaded
    // lead to. 0: nobody knows.
    [[nodiscard]] virtual std::uint64_t temporary_copy() const noexcept { return 0; }
    // module_init_section(): whether sections whose names begin with .init are freed after init.
    [[nodiscard]] virtual bool has_init_sections() const noexcept = 0;
    // Symbols that nobody exports and that may be undefined all the same: the loader gives them a value, or does
    // without (kernel/module/main.c:ignore_undef_symbol()).
    [[nodiscard]] virtual std::span<const std::string_view> undefined_symbols() const noexcept = 0;
};

}  // namespace klp::arch
