// SPDX-License-Identifier: GPL-2.0-or-later
// Rules on single relocations: whom they refer to, what they write to.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "arch/module_loading.hpp"
#include "base/kernel_names.hpp"
#include "check/structure.hpp"
#include "format/early_data.hpp"

namespace klp::check {

namespace {

std::string type_name(const Structure& structure, std::uint32_t type) {
    const auto info = structure.arch.relocation_info(type);
    return info ? std::string(info->name) : fmt::format("type {}", type);
}

bool writes_nothing(const Structure& structure, const elf::Relocation& relocation) {
    const auto info = structure.arch.relocation_info(relocation.type);
    return info && info->formula == arch::Formula::none;
}

const Rule& rule_of(arch::KeyKind key) {
    switch (key) {
        case arch::KeyKind::none:
            return rules::late_special;
        case arch::KeyKind::static_key:
            return rules::static_key;
        case arch::KeyKind::static_call:
            return rules::static_call;
    }
    return rules::late_special;
}

class Relocations {
public:
    explicit Relocations(Structure& structure) : structure_(structure), early_(structure.module) {}

    void run() {
        for (const auto& section : structure_.module.sections()) {
            // The module loader looks at relocations of what it keeps in memory alone.
            if (!section->is_rela() || section->target == nullptr || !section->target->is_alloc()) continue;
            section_ = section.get();
            // A section that lost its flag alone has one finding, not one for each relocation.
            const bool is_livepatch = is_livepatch_section(*section) || section->name.starts_with(format::rela_prefix);
            const auto name = is_livepatch ? format::parse_rela_name(section->name) : std::nullopt;
            for (const elf::Relocation& relocation : section->relocations) {
                check_type(relocation);
                is_livepatch ? check_livepatch(relocation, name) : check_ordinary(relocation);
            }
        }
    }

private:
    Finding& add(const Rule& rule, const elf::Relocation& relocation, std::string message) {
        return structure_.findings.add(rule, section_->target->name, relocation.offset, std::move(message))
            .note(fmt::format("the relocation is in {}", section_->name));
    }

    void check_type(const elf::Relocation& relocation) {
        if (structure_.arch.module_loading().knows(relocation.type)) return;
        add(rules::relocation_type, relocation,
            fmt::format("relocation {} is none that the {} module loader knows", type_name(structure_, relocation.type),
                        structure_.arch.name()));
    }

    void check_ordinary(const elf::Relocation& relocation) {
        const elf::Symbol& symbol = *relocation.symbol;
        if (symbol.placement != elf::Placement::livepatch || writes_nothing(structure_, relocation)) return;
        add(rules::ordinary_section, relocation,
            fmt::format("livepatch symbol '{}' is used by an ordinary relocation, which takes its value for 0",
                        symbol.name));
    }

    void check_livepatch(const elf::Relocation& relocation, const std::optional<format::RelaName>& name) {
        const elf::Symbol& symbol = *relocation.symbol;
        if (&symbol == structure_.module.null_symbol()) {
            add(rules::lost_symbol, relocation, "the livepatch relocation has no symbol")
                .hint("strip and objcopy drop symbols that they take for unused: make the livepatch after them");
            return;
        }
        if (symbol.placement != elf::Placement::livepatch) {
            // One finding is enough for a symbol that lost its mark.
            if (symbol.name.starts_with(format::symbol_prefix)) return;
            add(rules::ordinary_symbol, relocation,
                fmt::format("symbol '{}' is not marked as a livepatch symbol", symbol.name))
                .hint("relocations of ordinary symbols belong into an ordinary section");
            return;
        }
        if (const auto problem = structure_.arch.module_loading().tail_call_problem(*section_->target, relocation))
            add(rules::tail_call, relocation, fmt::format("branch to '{}': {}", symbol.name, *problem))
                .hint("have it call the function and return, or bring a copy of that along");
        const auto symbol_name = format::parse_symbol_name(symbol.name);
        if (name && symbol_name) check_objects(relocation, name->object, *symbol_name);
    }

    void check_objects(const elf::Relocation& relocation, const std::string& object, const format::SymbolName& name) {
        if (object == vmlinux && name.object != vmlinux) {
            add(rules::vmlinux_section, relocation,
                fmt::format("refers to '{}' of module '{}' while the livepatch itself is loaded", name.symbol,
                            name.object))
                .note("the module need not be loaded then, and nothing keeps it from being unloaded later")
                .hint(fmt::format("put it into {}{}.SECTION", format::rela_prefix, name.object));
        } else if (object != vmlinux && name.object == vmlinux) {
            // kernel/livepatch/core.c:klp_resolve_symbols
            add(rules::module_section, relocation,
                fmt::format("invalid access to vmlinux symbol '{}' from a section of module '{}'", name.symbol, object))
                .hint(fmt::format("put it into {}vmlinux.SECTION", format::rela_prefix));
        }
        if (object != vmlinux) check_special(relocation, object);
    }

    // The kernel has made use of these sections before relocations of modules are applied.
    void check_special(const elf::Relocation& relocation, const std::string& object) {
        const std::string& target = section_->target->name;
        if (target == format::per_cpu_section) {
            add(rules::per_cpu, relocation,
                fmt::format(
                    "refers to '{}' when module '{}' comes, but the copies of each CPU are made before, and what "
                    "they are made of is freed",
                    relocation.symbol->name, object));
            return;
        }
        if (early_.covers(*section_->target, relocation.offset)) {
            add(rules::early_data, relocation,
                fmt::format("refers to '{}', which is known only when module '{}' comes; the kernel may read it before",
                            relocation.symbol->name, object))
                .hint("let code that looks whether the module is there stand between (module_param_cb())");
            return;
        }
        const arch::SpecialSection* special = structure_.arch.special_section(target);
        if (special == nullptr && !structure_.arch.is_code_pool(target)) return;
        const arch::KeyKind key = special == nullptr ? arch::KeyKind::none : special->key.kind;
        add(rule_of(key), relocation,
            fmt::format("refers to '{}', which is known only when module '{}' comes; the kernel makes use of {} before",
                        relocation.symbol->name, object, target))
            .hint(key != arch::KeyKind::none ? "write the patched code without it (static_key_enabled(), a plain call)"
                                             : "write the patched code without what makes this entry");
    }

    Structure& structure_;
    const elf::Section* section_ = nullptr;
    format::EarlyData early_;
};

struct Place {
    const elf::Section* target = nullptr;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    const elf::Section* holder = nullptr;
};

std::vector<Place> places_of(Structure& structure) {
    std::vector<Place> places;
    for (const auto& section : structure.module.sections()) {
        if (!section->is_rela() || section->target == nullptr || !section->target->is_alloc()) continue;
        for (const elf::Relocation& relocation : section->relocations) {
            const auto info = structure.arch.relocation_info(relocation.type);
            if (!info || info->size == 0) continue;
            const std::uint64_t end = relocation.offset + info->size;
            if (end > section->target->size()) {
                structure.findings.add(rules::place, section->target->name, relocation.offset,
                                       fmt::format("{} of {} writes {} bytes, but the section ends at 0x{:x}",
                                                   info->name, section->name, info->size, section->target->size()));
                continue;
            }
            places.push_back({section->target, relocation.offset, end, section.get()});
        }
    }
    return places;
}

void check_zero(Structure& structure, const Place& place) {
    const Bytes content = place.target->content();
    if (content.empty()) return;
    const Bytes field = content.subspan(place.begin, place.end - place.begin);
    if (std::ranges::all_of(field, [](std::byte byte) { return byte == std::byte{0}; })) return;
    structure.findings
        .add(rules::place_not_zero, place.target->name, place.begin,
             fmt::format("the place of a relocation of {} is not zero", place.holder->name))
        .note("the kernel refuses: invalid relocation target, existing value is nonzero");
}

}  // namespace

void check_relocations(Structure& structure) {
    Relocations(structure).run();
}

void check_places(Structure& structure) {
    std::vector<Place> places = places_of(structure);
    if (structure.arch.module_loading().relocates_zeros_alone())
        for (const Place& place : places) check_zero(structure, place);
    std::ranges::sort(places, [](const Place& a, const Place& b) {
        return std::tuple(a.target->original_index, a.begin, a.end, a.holder->original_index) <
               std::tuple(b.target->original_index, b.begin, b.end, b.holder->original_index);
    });
    for (std::size_t i = 1; i < places.size(); ++i) {
        const Place& before = places[i - 1];
        const Place& place = places[i];
        if (before.target != place.target || before.end <= place.begin) continue;
        structure.findings.add(rules::overlap, place.target->name, place.begin,
                               fmt::format("a relocation of {} writes where one of {} at 0x{:x} does",
                                           place.holder->name, before.holder->name, before.begin));
    }
}

}  // namespace klp::check
