// SPDX-License-Identifier: GPL-2.0-or-later
// Makes symbols of a module livepatch symbols, by hand and without any check: tests need modules that are right, and
// modules that no tool of the project would make.
//   livepatchify IN.ko OUT.ko SYMBOL=OBJECT.NAME,POS[@APPLIED]...
// Every relocation against SYMBOL, undefined or defined, moves to .klp.rela.APPLIED.SECTION (APPLIED: OBJECT where not
// said) and refers to the livepatch symbol .klp.sym.OBJECT.NAME,POS.
#include <elf.h>
#include <fmt/format.h>

#include <cstdio>
#include <map>

#include "elf/object.hpp"

namespace {

using namespace klp;

struct Rule {
    std::string symbol;
    std::string livepatch_name;
    std::string applied_with;
    bool used = false;
};

Rule parse_rule(const std::string& text) {
    const std::size_t equals = text.find('=');
    const std::size_t dot = text.find('.', equals);
    if (equals == std::string::npos || dot == std::string::npos) throw Error("not SYMBOL=OBJECT.NAME,POS: " + text);
    const std::size_t at = text.find('@', dot);
    const std::string name = text.substr(equals + 1, at == std::string::npos ? at : at - equals - 1);
    const std::string object = text.substr(equals + 1, dot - equals - 1);
    return {text.substr(0, equals), ".klp.sym." + name, at == std::string::npos ? object : text.substr(at + 1)};
}

void move_relocations(elf::Object& module, elf::Section& ordinary, Rule& rule, elf::Symbol& symbol) {
    std::vector<elf::Relocation> moved;
    std::erase_if(ordinary.relocations, [&](elf::Relocation& relocation) {
        if (relocation.symbol->name != rule.symbol) return false;
        relocation.symbol = &symbol;
        moved.push_back(relocation);
        return true;
    });
    if (moved.empty()) return;
    rule.used = true;
    const std::string name = fmt::format(".klp.rela.{}.{}", rule.applied_with, ordinary.target->name);
    elf::Section* section = module.find_section(name);
    if (section == nullptr)
        section = &module.add_rela_section(name, SHF_ALLOC | SHF_INFO_LINK | elf::shf_rela_livepatch, *ordinary.target);
    section->relocations.insert(section->relocations.end(), moved.begin(), moved.end());
    section->sort_relocations();
}

void apply_rule(elf::Object& module, Rule& rule) {
    elf::Symbol* symbol = module.find_symbol(rule.livepatch_name);
    if (symbol == nullptr) {
        elf::Symbol made;
        made.name = rule.livepatch_name;
        made.placement = elf::Placement::livepatch;
        made.binding = STB_GLOBAL;
        symbol = &module.add_symbol(std::move(made));
    }
    std::vector<elf::Section*> ordinary;
    for (const auto& section : module.sections()) {
        const bool livepatch = (section->flags & elf::shf_rela_livepatch) != 0;
        if (section->is_rela() && section->target != nullptr && !livepatch) ordinary.push_back(section.get());
    }
    for (elf::Section* section : ordinary) move_relocations(module, *section, rule, *symbol);
    if (!rule.used) throw Error(module.display_name() + ": nothing refers to " + rule.symbol);
    elf::Symbol* old = module.find_symbol(rule.symbol);
    if (old != nullptr && old->placement == elf::Placement::undefined) module.remove_symbols({old});
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc < 4) throw Error("usage: livepatchify IN.ko OUT.ko SYMBOL=OBJECT.NAME,POS[@APPLIED]...");
        elf::Object module = elf::Object::read(argv[1]);
        for (int i = 3; i < argc; ++i) {
            Rule rule = parse_rule(argv[i]);
            apply_rule(module, rule);
        }
        module.write_to(argv[2]);
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "livepatchify: {}\n", error.what());
        return 1;
    }
}
