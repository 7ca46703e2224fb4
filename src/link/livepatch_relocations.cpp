// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/livepatch_relocations.hpp"

#include <elf.h>

#include <map>
#include <unordered_map>
#include <vector>

namespace klp::link {
namespace {

class Splitter {
public:
    Splitter(elf::Object& module, const ChooseTarget& choose) : module_(module), choose_(choose) {
        for (const auto& symbol : module.symbols())
            if (symbol->placement == elf::Placement::livepatch) symbols_.emplace(symbol->name, symbol.get());
    }

    void run() {
        std::vector<elf::Section*> ordinary;
        for (const auto& section : module_.sections()) {
            if (!section->is_rela() || section->target == nullptr) continue;
            if ((section->flags & elf::shf_rela_livepatch) == 0) {
                ordinary.push_back(section.get());
            } else {
                sections_.emplace(section->name, section.get());
            }
        }
        for (elf::Section* section : ordinary) split(*section);
    }

private:
    void split(elf::Section& ordinary) {
        std::map<std::string, std::vector<elf::Relocation>> by_object;
        std::vector<elf::Relocation> kept;
        for (const elf::Relocation& relocation : ordinary.relocations) {
            const std::optional<LivepatchTarget> target = choose_(*ordinary.target, relocation);
            if (!target) {
                kept.push_back(relocation);
                continue;
            }
            elf::Relocation moved = relocation;
            moved.symbol = &symbol_of(target->symbol);
            by_object[target->applied_with].push_back(moved);
        }
        if (by_object.empty()) return;
        ordinary.relocations = std::move(kept);
        for (const auto& [object, relocations] : by_object) add_relocations(object, *ordinary.target, relocations);
    }

    elf::Symbol& symbol_of(const format::SymbolName& wanted) {
        std::string name = format::make_symbol_name(wanted);
        const auto [entry, added] = symbols_.try_emplace(name, nullptr);
        if (added) {
            elf::Symbol symbol;
            symbol.name = std::move(name);
            symbol.placement = elf::Placement::livepatch;
            symbol.binding = STB_GLOBAL;
            entry->second = &module_.add_symbol(std::move(symbol));
        }
        return *entry->second;
    }

    // SHF_ALLOC: the livepatch core needs it in memory for as long as the module is there
    // (Documentation/livepatch/module-elf-format.rst).
    void add_relocations(const std::string& object, elf::Section& target,
                         const std::vector<elf::Relocation>& relocations) {
        std::string name = format::make_rela_name({object, target.name});
        elf::Section*& section = sections_[name];
        if (section == nullptr || section->target != &target) {
            section =
                &module_.add_rela_section(std::move(name), SHF_ALLOC | SHF_INFO_LINK | elf::shf_rela_livepatch, target);
        }
        section->relocations.insert(section->relocations.end(), relocations.begin(), relocations.end());
        section->sort_relocations();
    }

    elf::Object& module_;
    const ChooseTarget& choose_;
    std::unordered_map<std::string, elf::Symbol*> symbols_;
    std::map<std::string, elf::Section*> sections_;
};

}  // namespace

bool is_used_at_load(const elf::Section& section, const arch::Arch& arch) {
    return arch.special_section(section.name) != nullptr || arch.is_code_pool(section.name);
}

void split_relocations(elf::Object& module, const ChooseTarget& choose) {
    Splitter(module, choose).run();
}

}  // namespace klp::link
