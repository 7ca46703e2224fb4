// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/names.hpp"

#include <elf.h>
#include <fmt/format.h>

namespace klp::link {
namespace {

using Kind = resolve::Resolution::Kind;

// A name with a colon comes from no compiler.
std::string numbered(std::string_view kind, std::size_t number) {
    return fmt::format("klp:{}:{}", kind, number);
}

bool can_be_referred_to(const elf::Symbol& symbol) {
    return symbol.is_defined() && !symbol.is_local() && !symbol.is_section_symbol() && !symbol.is_file();
}

}  // namespace

LinkNames::LinkNames(const ModuleRequest& request, Diagnostics& diagnostics) {
    for (const UnitPart& unit : request.units)
        for (const PatchedFunction& function : unit.functions) name_definition(*function.replacement);
    for (const UnitPart& unit : request.units)
        for (const diff::Callback& callback : unit.callbacks) name_definition(*callback.extracted);
    name_shared(request, diagnostics);
    for (const UnitPart& unit : request.units) name_references(unit);
}

const std::string& LinkNames::name_definition(const elf::Symbol& symbol) {
    const auto [entry, added] = definitions_.try_emplace(&symbol, numbered("new", definitions_.size()));
    if (added) plain_names_.emplace(entry->second, symbol.name);
    return entry->second;
}

// What one unit defines and another one refers to.
void LinkNames::name_shared(const ModuleRequest& request, Diagnostics& diagnostics) {
    std::map<std::pair<std::string, std::string>, std::vector<const elf::Symbol*>> definitions;  // by object, name
    for (const UnitPart& unit : request.units)
        for (const auto& symbol : unit.extracted->symbols())
            if (can_be_referred_to(*symbol)) definitions[{unit.object, symbol->name}].push_back(symbol.get());

    for (const UnitPart& unit : request.units) {
        for (std::size_t i = 0; i < unit.references.size(); ++i) {
            const resolve::Resolution& resolution = unit.resolutions.at(i);
            if (resolution.kind != Kind::internal) continue;
            const auto& found = definitions[{resolution.object, resolution.name}];
            if (found.size() == 1) {
                undefined_[unit.references[i].extracted] = name_definition(*found.front());
                continue;
            }
            diagnostics
                .error(found.empty() ? "make.undefined" : "make.twice", {unit.source, {}, {}},
                       fmt::format("'{}' is defined by {} of the patched files, expected one", resolution.name,
                                   found.size()))
                .hint(found.empty() ? "define it in a file of the patch that code of the livepatch is compiled from"
                                    : "give each its own name");
        }
    }
}

void LinkNames::name_references(const UnitPart& unit) {
    for (std::size_t i = 0; i < unit.references.size(); ++i) {
        const resolve::Resolution& resolution = unit.resolutions.at(i);
        const elf::Symbol* symbol = unit.references[i].extracted;
        if (resolution.kind == Kind::exported) undefined_[symbol] = resolution.name;
        if (resolution.kind != Kind::livepatch) continue;
        const LivepatchReference reference{unit.object, resolution.object, resolution.name, resolution.sympos};
        const auto [entry, added] = reference_names_.try_emplace(reference, numbered("ref", reference_names_.size()));
        if (added) references_.emplace(entry->second, reference);
        undefined_[symbol] = entry->second;
    }
}

const LivepatchReference* LinkNames::reference(const std::string& link_name) const {
    const auto found = references_.find(link_name);
    return found == references_.end() ? nullptr : &found->second;
}

const std::string* LinkNames::plain_name(const std::string& link_name) const {
    const auto found = plain_names_.find(link_name);
    return found == plain_names_.end() ? nullptr : &found->second;
}

LinkNames::Renaming::Renaming(const LinkNames& names, const UnitPart& unit) {
    for (const auto& symbol : unit.extracted->symbols()) {
        saved_.push_back({symbol.get(), symbol->name, symbol->binding});
        if (const auto reference = names.undefined_.find(symbol.get()); reference != names.undefined_.end()) {
            symbol->name = reference->second;
            symbol->binding = STB_GLOBAL;
        } else if (const auto definition = names.definitions_.find(symbol.get());
                   definition != names.definitions_.end()) {
            symbol->name = definition->second;
            symbol->binding = STB_GLOBAL;
        } else if (symbol->is_defined()) {
            symbol->binding = STB_LOCAL;
        }
    }
}

LinkNames::Renaming::~Renaming() {
    for (Saved& saved : saved_) {
        saved.symbol->name = std::move(saved.name);
        saved.symbol->binding = saved.binding;
    }
}

}  // namespace klp::link
