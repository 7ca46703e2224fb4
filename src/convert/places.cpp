// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel does to a place before the livepatch core comes to it.
#include <fmt/format.h>

#include <algorithm>

#include "arch/module_loading.hpp"
#include "convert/steps.hpp"
#include "format/early_data.hpp"

namespace klp::convert {
namespace {

const char* id_of(arch::KeyKind key) {
    switch (key) {
        case arch::KeyKind::none:
            return "convert.late-special";
        case arch::KeyKind::static_key:
            return "convert.static-key";
        case arch::KeyKind::static_call:
            return "convert.static-call";
    }
    return "convert.late-special";
}

class PlaceChecks {
public:
    PlaceChecks(const ConvertInput& input, const Decisions& decisions, Chooser& chooser, Diagnostics& diagnostics)
        : input_(input),
          decisions_(decisions),
          chooser_(chooser),
          diagnostics_(diagnostics),
          early_(input.module),
          relocates_per_cpu_data_(kernel::SymbolFacts(input.symbols.vmlinux()).relocates_per_cpu_data()) {}

    void run() {
        for (const auto& section : input_.module.sections()) {
            if (!section->is_rela() || section->target == nullptr) continue;
            if (section->target->name == format::per_cpu_section && section->target->is_alloc())
                check_per_cpu(*section);
            for (const elf::Relocation& relocation : section->relocations) {
                const auto found = decisions_.find(&relocation);
                if (found == decisions_.end()) continue;
                check_field(*section->target, relocation);
                if (is_late(found->second.target)) check_late(*section->target, relocation, found->second.target);
            }
        }
    }

private:
    // Written after the kernel has processed the module's sections. Others are written before
    // (kernel/module/main.c:apply_relocations, since 5.8).
    bool is_late(const link::LivepatchTarget& target) const {
        return input_.arch_sections || target.applied_with != vmlinux;
    }

    Finding& error(const char* id, const elf::Section& section, std::uint64_t offset, std::string message) {
        return diagnostics_.error(id, {input_.module.display_name(), section.name, offset}, std::move(message));
    }

    void check_field(const elf::Section& section, const elf::Relocation& relocation) {
        const auto info = input_.arch.relocation_info(relocation.type);
        const arch::ModuleLoading& loading = input_.arch.module_loading();
        if (!info || !loading.knows(relocation.type)) {
            error("convert.relocation-type", section, relocation.offset,
                  fmt::format("the {} module loader does not know relocation {}", input_.arch.name(),
                              info ? std::string(info->name) : fmt::format("type {}", relocation.type)));
            return;
        }
        const Bytes content = section.content();
        if (relocation.offset > section.size() || info->size > section.size() - relocation.offset) {
            error("convert.place", section, relocation.offset,
                  fmt::format("{} writes {} bytes, but the section ends at 0x{:x}", info->name, info->size,
                              section.size()));
            return;
        }
        if (!content.empty() && loading.relocates_zeros_alone() && !is_zero(content, relocation.offset, info->size))
            error("convert.place", section, relocation.offset, "the place of the relocation is not zero")
                .note("the kernel refuses: invalid relocation target, existing value is nonzero");
        if (const auto problem = loading.call_problem(section, relocation))
            error("convert.call", section, relocation.offset,
                  fmt::format("call of '{}': {}", relocation.symbol->name, *problem))
                .hint("declare the function extern with default visibility, so that the compiler takes it for foreign");
    }

    static bool is_zero(Bytes content, std::uint64_t offset, std::uint64_t size) {
        return std::ranges::all_of(content.subspan(offset, size), [](std::byte byte) { return byte == std::byte{0}; });
    }

    // kernel/module/main.c:apply_relocations leaves the section out in kernels before 7, and what is late comes after
    // each CPU has got its copy.
    void check_per_cpu(const elf::Section& holder) {
        for (const elf::Relocation& relocation : holder.relocations) {
            const auto found = decisions_.find(&relocation);
            const bool late = found != decisions_.end() && is_late(found->second.target);
            if (!late && relocates_per_cpu_data_) continue;
            error("convert.per-cpu", *holder.target, relocation.offset,
                  fmt::format("a pointer in per-CPU data, {}",
                              late ? "which is known only after each CPU has its copy"
                                   : "which this kernel does not relocate: it stays null"))
                .hint("set it for each CPU in a callback (pre_patch)");
        }
    }

    void check_late(const elf::Section& section, const elf::Relocation& relocation,
                    const link::LivepatchTarget& target) {
        if (target.applied_with != vmlinux && chooser_.ownership().is_of_init(section, relocation.offset)) {
            error("convert.init-section", section, relocation.offset,
                  fmt::format("{} in init code or data, which is gone before it may be resolved", describe(target)));
        } else if (input_.arch_sections && input_.arch.has_arch_section(section.name)) {
            return;  // move_arch_entries()
        } else if (link::is_used_at_load(section, input_.arch) && !is_movable_pool(section)) {
            refuse_special(section, relocation, target);
        } else if (early_.covers(section, relocation.offset)) {
            error("convert.early-data", section, relocation.offset,
                  fmt::format("refers to {}, and the kernel may read it before that is there (a module parameter)",
                              describe(target)))
                .hint("let code that looks whether the module is there stand between (module_param_cb())");
        } else if (section.is_code() && !input_.arch_sections) {
            check_replaced(section, relocation, target);
        }
    }

    // Replacements are copied together with the entries that name them.
    bool is_movable_pool(const elf::Section& section) const {
        return input_.arch_sections && input_.arch.is_code_pool(section.name);
    }

    static std::string describe(const link::LivepatchTarget& target) {
        return fmt::format("'{}' of {}", target.symbol.symbol, target.symbol.object);
    }

    void refuse_special(const elf::Section& section, const elf::Relocation& relocation,
                        const link::LivepatchTarget& target) {
        const arch::SpecialSection* table = input_.arch.special_section(section.name);
        const arch::KeyKind key = table == nullptr ? arch::KeyKind::none : table->key.kind;
        error(id_of(key), section, relocation.offset,
              fmt::format("refers to {}, which is resolved only after the kernel has made use of this section",
                          describe(target)))
            .hint(key != arch::KeyKind::none
                      ? "use static_key_enabled(), or a plain call, in place of it"
                      : "write the code without what makes this entry (an alternative, a bug or exception table)");
    }

    void check_replaced(const elf::Section& section, const elf::Relocation& relocation,
                        const link::LivepatchTarget& target) {
        const ReplacedCode replaced = chooser_.ownership().replaced(section, relocation.offset);
        if (replaced.table == nullptr) return;
        error("convert.replaced-code", section, relocation.offset,
              fmt::format("refers to {} in an instruction that the kernel replaces while the livepatch is loaded",
                          describe(target)))
            .note(fmt::format("the entry is at 0x{:x} in {}", replaced.entry, replaced.table->name));
    }

    const ConvertInput& input_;
    const Decisions& decisions_;
    Chooser& chooser_;
    Diagnostics& diagnostics_;
    format::EarlyData early_;
    bool relocates_per_cpu_data_ = false;
};

}  // namespace

void check_places(const ConvertInput& input, const Decisions& decisions, Chooser& chooser, Diagnostics& diagnostics) {
    PlaceChecks(input, decisions, chooser, diagnostics).run();
}

}  // namespace klp::convert
