// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/simulate_dump.hpp"

#include <fmt/format.h>

#include <set>
#include <string_view>

#include "base/errno_text.hpp"
#include "base/error.hpp"
#include "base/process.hpp"

namespace klp::cli {

namespace {

constexpr std::string_view reserved_text = "reserved-text";

// Names of modules and sections come from files: they may lead to other folders, may be no name of a file, and may
// repeat.
std::string file_name(const std::string& wanted, std::string_view otherwise, std::size_t number,
                      std::set<std::string>& taken) {
    const bool plain = !wanted.empty() && wanted != "." && wanted != ".." && wanted.find('/') == std::string::npos &&
                       wanted.size() < 200 && report::printable(wanted) == wanted;
    std::string name = plain ? wanted : fmt::format("{}-{}", otherwise, number);
    while (!taken.insert(name).second) name += fmt::format("-{}", number);
    return name;
}

void dump_module(const fs::path& folder, const loader::LoadedModule& module) {
    fs::create_directory(folder);
    Json json = report::loaded_module_json(module);
    std::set<std::string> taken = {std::string(reserved_text)};
    for (std::size_t i = 0; i < module.sections.size(); ++i) {
        const loader::LoadedSection& section = module.sections[i];
        const std::string name = file_name(section.name, "section", section.index, taken) + ".bin";
        write_file(folder / name, module.sections[i].memory);
        json["sections"][i]["file"] = name;
    }
    if (!module.reserved_text.empty()) {
        const std::string name = std::string(reserved_text) + ".bin";
        write_file(folder / name, module.reserved_text);
        json["reserved_text"]["file"] = name;
    }
    write_file(folder / "sections.json", report::to_text(json));
}

fs::path parent_of(const fs::path& folder) {
    const fs::path absolute = fs::absolute(folder).lexically_normal();
    return (absolute.has_filename() ? absolute : absolute.parent_path()).parent_path();
}

}  // namespace

DumpFolder::DumpFolder(fs::path path, const std::vector<fs::path>& inputs)
    : path_(std::move(path)), place_(fs::weakly_canonical(path_)) {
    if (!fs::exists(place_)) return;
    if (fs::is_directory(place_) && fs::is_empty(place_)) return;
    for (const fs::path& input : inputs)
        if (fs::exists(input) && fs::equivalent(place_, input))
            throw Error({path_.string(), "", {}}, "is also an input: expected a new folder for --dump",
                        ExitCode::usage);
    throw Error({path_.string(), "", {}}, "expected an empty folder, or none");
}

void DumpFolder::write(const report::Modules& modules) {
    scratch_.emplace("klp-dump", parent_of(place_));
    fs::create_directory(images());
    std::set<std::string> taken;
    for (std::size_t i = 0; i < modules.size(); ++i)
        dump_module(images() / file_name(modules[i]->name, "module", i, taken), *modules[i]);
}

void DumpFolder::commit() {
    check_interrupted();
    std::error_code failure;
    fs::rename(images(), place_, failure);
    if (failure) throw Error({path_.string(), "", {}}, "cannot be written: " + errno_text(failure.value()));
}

}  // namespace klp::cli
