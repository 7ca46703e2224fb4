// SPDX-License-Identifier: GPL-2.0-or-later
// Rules on what livepatch symbols select: kernel/livepatch/core.c:klp_resolve_symbols.
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/kernel_names.hpp"
#include "check/target.hpp"

namespace klp::check {

namespace {

class LivepatchSymbolRules {
public:
    explicit LivepatchSymbolRules(const Check& check) : check_(check) {}

    void run() {
        for (const format::LivepatchSymbol& symbol : check_.livepatch.symbols) check(symbol);
        check_owners();
    }

private:
    void check(const format::LivepatchSymbol& symbol) {
        const auto& [object, name, sympos] = symbol.name;
        const kernel::SymbolTable* symbols = check_.target.symbols(object);
        if (symbols == nullptr) {
            missing(object);
            return;
        }
        const Selection selection = kernel::select(*symbols, name, sympos);
        const std::uint64_t offset = symbol.index * sizeof(Elf64_Sym);
        if (selection.problem != Selection::Problem::none) {
            const check::Rule& rule = selection.problem == Selection::Problem::missing    ? rules::symbol_missing
                                      : selection.problem == Selection::Problem::unstable ? rules::position_unstable
                                                                                          : rules::symbol_position;
            check_.findings.add(rule, ".symtab", offset, kernel::problem_text(selection, object, name, sympos));
        } else if (is_init(check_, symbols->symbols()[selection.index])) {
            check_.findings
                .add(rules::symbol_init, ".symtab", offset,
                     fmt::format("'{}' of {} is in init memory, which is gone", name, object))
                .hint("leave functions as they are that need it, as those marked __ref do: they are for the start");
        }
    }

    void missing(const std::string& object) {
        if (!missing_.insert(object).second) return;
        check_.findings
            .add(rules::object_missing, fmt::format("kernel {} has no module '{}': what refers to it is not checked",
                                                    check_.target.kernel().manifest().name, object))
            .hint(hint_on_object(check_, object));
    }

    // Relocations of an object are applied when it is there; what it depends on is there by then, and nothing else.
    void check_owners() {
        std::map<std::pair<std::string, std::string>, bool> is_fine;
        for (const format::LivepatchRelocation& relocation : check_.livepatch.relocations) {
            const auto name = format::parse_symbol_name(relocation.symbol);
            if (!name || name->object == vmlinux || relocation.object == vmlinux) continue;
            if (name->object == relocation.object || check_.target.module(relocation.object) == nullptr) continue;
            const auto [known, is_new] = is_fine.try_emplace({relocation.object, name->object}, false);
            if (is_new) {
                const auto depends = check_.target.dependencies(relocation.object);
                known->second = std::ranges::find(depends, name->object) != depends.end();
            }
            if (known->second) continue;
            check_.findings
                .add(rules::foreign_object, relocation.section, relocation.offset,
                     fmt::format("refers to '{}' of module '{}' when '{}' comes, which does not depend on it",
                                 name->symbol, name->object, relocation.object))
                .note("the module need not be loaded then");
        }
    }

    const Check& check_;
    std::set<std::string> missing_;
};

}  // namespace

std::string hint_on_object(const Check& check, std::string_view object) {
    const std::string name = with_underscores(object);
    return name != object && check.target.module(name) != nullptr ? fmt::format("did you mean '{}'?", name)
                                                                  : "name its file with --object";
}

bool is_init(const Check& check, const kernel::KernelSymbol& symbol) {
    if (symbol.section != nullptr) return symbol.init_only;
    const kernel::SymbolFacts facts(check.target.kernel().symbols());
    if (facts.knows_init_memory()) return facts.is_gone(symbol);
    const elf::Section* section = check.target.kernel().section_at(symbol.address);
    return section != nullptr && section->name.starts_with(".init");
}

void check_livepatch_symbols(const Check& check) {
    LivepatchSymbolRules(check).run();
}

}  // namespace klp::check
