// SPDX-License-Identifier: GPL-2.0-or-later
// Rules on the places that refer to symbols of the kernel: whether they make sense of what they get, and get it at all.
#include <fmt/format.h>

#include <unordered_map>

#include "base/kernel_names.hpp"
#include "check/target.hpp"
#include "format/early_data.hpp"
#include "kernel/features.hpp"

namespace klp::check {

namespace {

class References {
public:
    explicit References(const Check& check)
        : check_(check), facts_(check.target.kernel().symbols()), uses_(check.module, check.target.kernel().arch()) {}

    void run() {
        for (const auto& section : check_.module.sections()) {
            if (!section->is_rela() || section->target == nullptr || !section->target->is_alloc()) continue;
            for (const elf::Relocation& relocation : section->relocations) check(*section->target, relocation);
            if (section->target->name == format::per_cpu_section) check_per_cpu(*section);
        }
    }

private:
    // Imports have versions and prototypes by which others compare them.
    void check(const elf::Section& target, const elf::Relocation& relocation) {
        const elf::Symbol& symbol = *relocation.symbol;
        if (symbol.placement != elf::Placement::livepatch) return;
        const auto name = format::parse_symbol_name(symbol.name);
        if (!name) return;
        const auto [known, is_new] = contents_.try_emplace(&symbol, kernel::Content::unknown);
        if (is_new) known->second = content_of(*name);
        if (const auto problem = uses_.problem(target, relocation, name->symbol, known->second))
            check_.findings.add(rules::reference, target.name, relocation.offset, "the code " + *problem);
    }

    kernel::Content content_of(const format::SymbolName& name) const {
        const kernel::SymbolTable* table = check_.target.symbols(name.object);
        if (table == nullptr) return kernel::Content::unknown;
        const kernel::Selection selection = kernel::select(*table, name.symbol, name.sympos);
        if (selection.problem != kernel::Selection::Problem::none) return kernel::Content::unknown;
        return facts_.content(table->symbols()[selection.index]);
    }

    // kernel/module/main.c:apply_relocations leaves out what is not SHF_ALLOC, and layout_and_allocate() takes that
    // flag from the section, for each CPU gets memory of its own. Later kernels make an exception.
    void check_per_cpu(const elf::Section& section) {
        const kernel::LoaderFeatures& features = kernel::probe(check_.target.kernel()).loader;
        if (!features.smp || features.relocates_percpu) return;
        for (const elf::Relocation& relocation : section.relocations)
            check_.findings
                .add(rules::per_cpu, section.target->name, relocation.offset,
                     "a pointer in per-CPU data, which this kernel does not relocate: it stays null")
                .hint("set it for each CPU when the livepatch is enabled (pre_patch)");
    }

    const Check& check_;
    kernel::SymbolFacts facts_;
    kernel::SymbolUses uses_;
    std::unordered_map<const elf::Symbol*, kernel::Content> contents_;
};

}  // namespace

void check_references(const Check& check) {
    References(check).run();
}

}  // namespace klp::check
