// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/simulate_dump.hpp"

#include <fmt/format.h>

#include <set>

#include "base/error.hpp"

namespace klp::cli {

namespace {

// Section names come from files: they may hold a '/', and may repeat.
std::string file_name_of(const loader::LoadedSection& section, std::set<std::string>& taken) {
    const bool plain = !section.name.empty() && section.name.find('/') == std::string::npos &&
                       section.name.size() < 200 && report::printable(section.name) == section.name;
    std::string name = plain ? section.name : "section";
    if (!plain || taken.contains(name)) name += fmt::format("-{}", section.index);
    taken.insert(name);
    return name + ".bin";
}

void dump_module(const fs::path& folder, const loader::LoadedModule& module) {
    fs::create_directory(folder);
    report::Json json = report::loaded_module_json(module);
    std::set<std::string> taken;
    for (std::size_t i = 0; i < module.sections.size(); ++i) {
        const std::string name = file_name_of(module.sections[i], taken);
        write_file(folder / name, module.sections[i].memory);
        json["sections"][i]["file"] = name;
    }
    if (!module.reserved_text.empty()) {
        write_file(folder / "reserved-text.bin", module.reserved_text);
        json["reserved_text"]["file"] = "reserved-text.bin";
    }
    write_file(folder / "sections.json", report::to_text(json));
}

fs::path parent_of(const fs::path& folder) {
    const fs::path absolute = fs::absolute(folder).lexically_normal();
    return (absolute.has_filename() ? absolute : absolute.parent_path()).parent_path();
}

}  // namespace

void dump_images(const fs::path& folder, const report::Modules& modules) {
    std::error_code failure;
    if (fs::exists(folder, failure) && !fs::is_empty(folder, failure))
        throw Error({folder.string(), "", {}}, "exists and is not an empty folder");
    const TempDir scratch("klp-dump", parent_of(folder));
    const fs::path made = scratch.path() / "images";
    fs::create_directory(made);
    // Module names have no '/': the loader takes them from the module's modinfo only where the kernel would.
    for (const auto* module : modules) dump_module(made / module->name, *module);
    fs::rename(made, folder, failure);
    if (failure) throw Error({folder.string(), "", {}}, "cannot be written: " + failure.message());
}

}  // namespace klp::cli
