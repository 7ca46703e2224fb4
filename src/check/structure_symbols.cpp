// SPDX-License-Identifier: GPL-2.0-or-later
// Rules on livepatch symbols, and on what links and copies lose of them.
#include <elf.h>
#include <fmt/format.h>

#include <map>
#include <set>
#include <unordered_set>

#include "base/kernel_names.hpp"
#include "check/other_forms.hpp"
#include "check/structure.hpp"
#include "elf/sizes.hpp"

namespace klp::check {

namespace {

std::uint64_t offset_of(const elf::Symbol& symbol) {
    return symbol.original_index * elf::symbol_size;
}

class SymbolRules {
public:
    explicit SymbolRules(Structure& structure) : structure_(structure) {}

    void run() {
        collect_uses();
        for (const auto& symbol : structure_.module.symbols()) {
            const bool is_livepatch = symbol->placement == elf::Placement::livepatch;
            if (is_livepatch) check_livepatch(*symbol);
            if (!is_livepatch && symbol->name.starts_with(format::symbol_prefix)) check_unmarked(*symbol);
        }
        if (has_symbols_ && !has_sections_) {
            structure_.findings
                .add(rules::lost_sections, ".symtab", {},
                     "there are livepatch symbols, but no livepatch relocation section")
                .hint("'ld -r', objcopy and strip can drop them: make the livepatch after the last of these");
        }
        check_order();
    }

private:
    Finding& add(const Rule& rule, const elf::Symbol& symbol, std::string message) {
        return structure_.findings.add(rule, ".symtab", offset_of(symbol), std::move(message));
    }

    void collect_uses() {
        for (const auto& section : structure_.module.sections()) {
            has_sections_ |= is_livepatch_section(*section);
            for (const elf::Relocation& relocation : section->relocations) used_.insert(relocation.symbol);
        }
    }

    void check_unmarked(const elf::Symbol& symbol) {
        add(rules::not_marked, symbol,
            fmt::format("symbol '{}' is not marked as a livepatch symbol (SHN_LIVEPATCH, 0x{:x})", symbol.name,
                        elf::shn_livepatch))
            .hint("linkers lose the mark: set it after the last link ('objtool klp post-link' in klp-build)");
    }

    void check_livepatch(const elf::Symbol& symbol) {
        if (other_form_of(symbol)) return;  // check_other_forms()
        has_symbols_ = true;
        const auto name = format::parse_symbol_name(symbol.name);
        // The kernel reads the symbol up to the first comma.
        if (!name || name->symbol.find(',') != std::string::npos) {
            add(rules::symbol_name, symbol,
                fmt::format("livepatch symbol '{}': expected {}OBJECT.SYMBOL,POSITION", symbol.name,
                            format::symbol_prefix));
            return;
        }
        check_name(symbol, *name);
        if (symbol.type != STT_NOTYPE && !symbol.is_function() && symbol.type != STT_OBJECT) {
            add(rules::symbol_kind, symbol,
                fmt::format("livepatch symbol '{}' has type {}, expected none, function or object", symbol.name,
                            symbol.type));
        }
        if (has_sections_ && !used_.contains(&symbol))
            add(rules::symbol_unused, symbol,
                fmt::format("no relocation refers to livepatch symbol '{}'", symbol.name));
    }

    void check_name(const elf::Symbol& symbol, const format::SymbolName& name) {
        if (!is_module_name(name.object)) {
            add(rules::object_name, symbol,
                fmt::format("livepatch symbol '{}': no object is named '{}'", symbol.name, name.object))
                .hint("the kernel names modules with '_' where their files have '-'");
        }
        auto& positions = positions_[{name.object, name.symbol}];
        if (!positions.insert(name.sympos).second)
            add(rules::symbol_repeated, symbol, fmt::format("livepatch symbol '{}' is there twice", symbol.name));
        else if (positions.size() > 1 && positions.contains(0)) {
            // Position 0 says that there is one symbol of the name.
            const bool agree = positions.size() == 2 && positions.contains(1);
            if (!agree)
                add(rules::position_conflict, symbol,
                    fmt::format("'{}' of {} is said to be the only symbol of its name (position 0) and to be number {}",
                                name.symbol, name.object, *positions.rbegin()));
        }
    }

    // gABI: all local symbols come before sh_info, and none after.
    void check_order() {
        for (const auto& section : structure_.module.sections()) {
            if (section->type != SHT_SYMTAB) continue;
            for (const auto& symbol : structure_.module.symbols()) {
                if (symbol->is_local() == (symbol->original_index < section->info)) continue;
                structure_.findings
                    .add(rules::symbol_order, section->name, offset_of(*symbol),
                         fmt::format("symbol {} is {}, but sh_info says that symbols are local up to number {}",
                                     symbol->original_index, symbol->is_local() ? "local" : "not local", section->info))
                    .note("the kernel does not mind; linkers and objcopy refuse or rearrange the file");
                return;
            }
        }
    }

    Structure& structure_;
    std::unordered_set<const elf::Symbol*> used_;
    std::map<std::pair<std::string, std::string>, std::set<std::uint32_t>> positions_;
    bool has_symbols_ = false;
    bool has_sections_ = false;
};

}  // namespace

void check_symbols(Structure& structure) {
    SymbolRules(structure).run();
}

}  // namespace klp::check
