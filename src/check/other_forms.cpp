// SPDX-License-Identifier: GPL-2.0-or-later
// Sources: kpatch (kpatch-build/create-kpatch-module.c, create-klp-module.c, kmod/patch/livepatch-patch-hook.c); Linux
// 7.x tools/objtool/include/objtool/klp.h and scripts/livepatch/init.c.
#include "check/other_forms.hpp"

#include <fmt/format.h>

#include <map>

namespace klp::check {

namespace {

// `name` itself, or `name.SOMETHING`.
bool is_or_begins(std::string_view text, std::string_view name) {
    return text.starts_with(name) && (text.size() == name.size() || text[name.size()] == '.');
}

}  // namespace

std::string_view name_of(Form form) noexcept {
    switch (form) {
        case Form::rel_section:
            return "rel-section";
        case Form::position_in_other:
            return "position-in-st-other";
        case Form::kpatch_dynrela:
            return "kpatch-dynrela";
        case Form::kpatch_intermediate:
            return "kpatch-intermediate";
        case Form::kpatch_functions:
            return "kpatch-functions";
        case Form::klp_build_relocs:
            return "klp-build-relocations";
        case Form::klp_build_tables:
            return "klp-build-tables";
        case Form::klp_build_tombstone:
            return "klp-build-tombstone";
    }
    return "unknown";
}

std::string_view describe(Form form) noexcept {
    switch (form) {
        case Form::rel_section:
            return "relocation sections of proposals before Linux 4.6, which no kernel reads";
        case Form::position_in_other:
            return "livepatch symbols with the position in st_other, of proposals before Linux 4.6";
        case Form::kpatch_dynrela:
            return "dynamic relocations of kpatch, which only kpatch's own core module applies";
        case Form::kpatch_intermediate:
            return "symbols and relocations on the way to a module: kpatch's create-klp-module has not been run";
        case Form::kpatch_functions:
            return "functions to patch, of which kpatch's hook makes klp_patch when the module is loaded";
        case Form::klp_build_relocs:
            return "relocations on the way to a module, which 'objtool klp post-link' turns into .klp.rela sections";
        case Form::klp_build_tables:
            return "objects to patch, of which klp-build's init code makes klp_patch when the module is loaded";
        case Form::klp_build_tombstone:
            return "symbols that take the place of livepatch symbols in ordinary relocations without effect";
    }
    return "unknown";
}

std::optional<Form> other_form_of(const elf::Section& section) {
    if (section.name.starts_with(".klp.rel.")) return Form::rel_section;
    if (is_or_begins(section.name, ".kpatch.dynrelas")) return Form::kpatch_dynrela;
    if (section.name == ".kpatch.symbols" || section.name == ".kpatch.relocations") return Form::kpatch_intermediate;
    if (section.name == ".kpatch.funcs") return Form::kpatch_functions;
    if (is_or_begins(section.name, "__klp_relocs")) return Form::klp_build_relocs;
    if (section.name == ".init.klp_objects" || section.name == ".init.klp_funcs") return Form::klp_build_tables;
    return std::nullopt;
}

std::optional<Form> other_form_of(const elf::Symbol& symbol) {
    const bool is_livepatch = symbol.placement == elf::Placement::livepatch;
    if (is_livepatch && symbol.name.starts_with(".klp.tombstone.")) return Form::klp_build_tombstone;
    const bool lacks_position =
        symbol.name.starts_with(format::symbol_prefix) && symbol.name.find(',') == std::string::npos;
    if (is_livepatch && lacks_position && format::parse_symbol_name(symbol.name + ",0")) return Form::position_in_other;
    return std::nullopt;
}

std::vector<OtherForm> find_other_forms(const elf::Object& module) {
    std::map<Form, OtherForm> found;
    const auto count = [&](std::optional<Form> form, const std::string& name) {
        if (form) ++found.try_emplace(*form, OtherForm{*form, name, 0}).first->second.count;
    };
    for (const auto& section : module.sections()) count(other_form_of(*section), section->name);
    for (const auto& symbol : module.symbols()) count(other_form_of(*symbol), symbol->name);
    std::vector<OtherForm> result;
    for (auto& [form, each] : found) result.push_back(std::move(each));
    return result;
}

InspectedModule inspect_module(const elf::Object& module) {
    InspectedModule result{format::read_module(module), find_other_forms(module)};
    for (const auto& symbol : module.symbols()) {
        const bool is_livepatch = symbol->placement == elf::Placement::livepatch;
        if (!is_livepatch || format::parse_symbol_name(symbol->name) || other_form_of(*symbol)) continue;
        throw Error({module.display_name(), {}, {}},
                    fmt::format("livepatch symbol '{}': expected a name of the form {}OBJECT.SYMBOL,POSITION",
                                symbol->name, format::symbol_prefix));
    }
    return result;
}

}  // namespace klp::check
