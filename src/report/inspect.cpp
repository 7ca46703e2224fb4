// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/inspect.hpp"

#include <fmt/format.h>

namespace klp::report {

namespace {

Json modinfo_json(const format::LivepatchModule& module) {
    Json result = Json::object();
    for (const auto& [key, value] : module.modinfo) {
        if (!result.contains(key)) {
            result[key] = value;
            continue;
        }
        Json& values = result[key];
        if (!values.is_array()) values = Json::array({values});
        values.push_back(value);
    }
    return result;
}

Json objects_json(const format::LivepatchModule& module) {
    Json result = Json::array();
    for (const auto& object : module.objects) {
        Json functions = Json::array();
        for (const auto& function : object.functions) {
            functions.push_back({{"name", function.old_name},
                                 {"sympos", function.sympos},
                                 {"replacement", function.new_name},
                                 {"section", function.new_section}});
        }
        Json callbacks = Json::array();
        for (const auto& callback : object.callbacks) {
            callbacks.push_back(
                {{"event", callback.event}, {"function", callback.name}, {"section", callback.section}});
        }
        result.push_back(
            {{"name", object.name}, {"functions", std::move(functions)}, {"callbacks", std::move(callbacks)}});
    }
    return result;
}

Json forced_json(const format::LivepatchModule& module) {
    Json result = Json::array();
    for (const auto& [object, kind, name] : format::forced_changes(module.modinfo))
        result.push_back({{"object", object}, {"kind", kind}, {"name", name}});
    return result;
}

Json symbols_json(const format::LivepatchModule& module) {
    Json result = Json::array();
    for (const auto& [name, index] : module.symbols) {
        result.push_back({{"object", name.object}, {"symbol", name.symbol}, {"sympos", name.sympos}, {"index", index}});
    }
    return result;
}

Json relocations_json(const format::LivepatchModule& module) {
    Json result = Json::array();
    for (const auto& relocation : module.relocations) {
        result.push_back({{"object", relocation.object},
                          {"section", relocation.section},
                          {"offset", relocation.offset},
                          {"type", relocation.type},
                          {"symbol", relocation.symbol},
                          {"addend", relocation.addend}});
    }
    return result;
}

Json arch_sections_json(const format::LivepatchModule& module) {
    Json result = Json::array();
    for (const auto& [name, object, section] : module.arch_sections)
        result.push_back({{"name", name}, {"object", object}, {"section", section}});
    return result;
}

Json other_forms_json(const std::vector<check::OtherForm>& forms) {
    Json result = Json::array();
    for (const auto& each : forms) {
        result.push_back({{"form", check::name_of(each.form)},
                          {"name", each.name},
                          {"count", each.count},
                          {"description", check::describe(each.form)}});
    }
    return result;
}

std::string titled(std::string_view title, const Table& table, std::string_view when_empty) {
    const std::string rows = table.text(2);
    return fmt::format("\n{}\n{}", title, rows.empty() ? fmt::format("  {}\n", when_empty) : rows);
}

std::string modinfo_text(const format::LivepatchModule& module) {
    Table table({"key", "value"});
    for (const auto& [key, value] : module.modinfo) table.add({key, value});
    return titled("modinfo", table, "none");
}

std::string functions_text(const format::LivepatchModule& module) {
    Table table({"object", "function", "sympos", "replacement", "section"});
    for (const auto& object : module.objects) {
        if (object.functions.empty()) table.add({object.name, "(callbacks alone)", "", "", ""});
        for (const auto& function : object.functions) {
            table.add({object.name, function.old_name, fmt::to_string(function.sympos), function.new_name,
                       function.new_section});
        }
    }
    return titled("patched functions", table, "none found in the module's data");
}

// Most modules have neither.
std::string callbacks_text(const format::LivepatchModule& module) {
    Table table({"object", "event", "function", "section"});
    for (const auto& object : module.objects) {
        for (const auto& callback : object.callbacks)
            table.add({object.name, std::string(callback.event), callback.name, callback.section});
    }
    const std::string rows = table.text(2);
    return rows.empty() ? rows : fmt::format("\ncallbacks\n{}", rows);
}

std::string forced_text(const format::LivepatchModule& module) {
    Table table({"object", "what", "name"});
    for (const auto& [object, kind, name] : format::forced_changes(module.modinfo)) table.add({object, kind, name});
    const std::string rows = table.text(2);
    return rows.empty() ? rows : fmt::format("\nforced by the patch's author\n{}", rows);
}

std::string symbols_text(const format::LivepatchModule& module) {
    Table table({"index", "object", "symbol", "sympos"});
    for (const auto& [name, index] : module.symbols) {
        table.add({fmt::to_string(index), name.object, name.symbol, fmt::to_string(name.sympos)});
    }
    return titled("livepatch symbols", table, "none");
}

std::string relocations_text(const format::LivepatchModule& module) {
    Table table({"object", "section", "offset", "type", "addend", "symbol"});
    for (const auto& relocation : module.relocations) {
        table.add({relocation.object, relocation.section, fmt::format("{:#x}", relocation.offset), relocation.type,
                   fmt::to_string(relocation.addend), relocation.symbol});
    }
    return titled("livepatch relocations", table, "none");
}

// Most modules have neither: no table of nothing.
std::string arch_sections_text(const format::LivepatchModule& module) {
    if (module.arch_sections.empty()) return {};
    Table table({"object", "section", "name"});
    for (const auto& [name, object, section] : module.arch_sections) table.add({object, section, name});
    return titled("sections of late objects (kernels 4.6 to 5.7)", table, "none");
}

std::string other_forms_text(const std::vector<check::OtherForm>& forms) {
    if (forms.empty()) return {};
    Table table({"form", "count", "first", "what it is"});
    for (const auto& each : forms) {
        table.add({std::string(check::name_of(each.form)), fmt::to_string(each.count), each.name,
                   std::string(check::describe(each.form))});
    }
    return titled("forms of other tools and times", table, "none");
}

}  // namespace

Json inspect_json(const check::InspectedModule& inspected) {
    const format::LivepatchModule& module = inspected.module;
    return {{"name", module.name},
            {"modinfo", modinfo_json(module)},
            {"objects", objects_json(module)},
            {"forced", forced_json(module)},
            {"symbols", symbols_json(module)},
            {"relocations", relocations_json(module)},
            {"arch_sections", arch_sections_json(module)},
            {"other_forms", other_forms_json(inspected.other_forms)}};
}

std::string inspect_text(const check::InspectedModule& inspected) {
    const format::LivepatchModule& module = inspected.module;
    return fmt::format("livepatch module {}\n", printable(module.name)) + modinfo_text(module) +
           functions_text(module) + callbacks_text(module) + forced_text(module) + symbols_text(module) +
           relocations_text(module) + arch_sections_text(module) + other_forms_text(inspected.other_forms);
}

}  // namespace klp::report
