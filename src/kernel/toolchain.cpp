// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/toolchain.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "kernel/manifest.hpp"

namespace klp::kernel {

namespace {

constexpr const char* toolchain_file = "toolchain.json";

fs::path toolchains_folder() {
    return cache_root() / "toolchains";
}

Json json_of(const Toolchain& toolchain) {
    Json compilers = Json::array();
    for (const ToolchainCompiler& compiler : toolchain.compilers)
        compilers.push_back(
            {{"program", compiler.program}, {"version", compiler.version}, {"machine", compiler.machine}});
    return {{"name", toolchain.name},
            {"root", toolchain.root.string()},
            {"fetched", toolchain.fetched},
            {"compilers", compilers}};
}

Toolchain toolchain_of(const Json& json) {
    Toolchain toolchain{.name = json.at("name"),
                        .root = json.at("root").get<std::string>(),
                        .fetched = json.at("fetched"),
                        .compilers = {}};
    for (const Json& compiler : json.at("compilers"))
        toolchain.compilers.push_back({compiler.at("program"), compiler.at("version"), compiler.at("machine")});
    return toolchain;
}

// "gcc", "gcc-14", "x86_64-linux-gnu-gcc-14", but not "gcc-ar-14" or "c89-gcc".
bool is_gcc(std::string_view name) {
    const std::size_t dash = name.rfind('-');
    if (dash != std::string_view::npos && dash + 1 < name.size() &&
        name.find_first_not_of("0123456789", dash + 1) == std::string_view::npos)
        name = name.substr(0, dash);
    return name == "gcc" || (name.ends_with("-gcc") && std::ranges::count(name, '-') >= 3);
}

std::optional<std::string> answer_in(const fs::path& root, const std::string& program, const char* option) {
    const CommandResult result =
        run({.argv = {program, option}, .environment = {{"LC_ALL", "C"}}, .sandbox = Sandbox{root, {}, {}}});
    if (result.status != 0) return std::nullopt;
    return std::string(trimmed(std::string_view(result.output).substr(0, result.output.find('\n'))));
}

std::optional<ToolchainCompiler> ask(const fs::path& root, const std::string& program) {
    const auto version = answer_in(root, program, "--version");
    const auto machine = answer_in(root, program, "-dumpmachine");
    if (!version || !machine) return std::nullopt;
    const std::size_t space = version->find(' ');
    if (space == std::string::npos) return std::nullopt;
    return ToolchainCompiler{program, version->substr(space + 1), *machine};
}

}  // namespace

fs::path toolchain_folder(std::string_view name) {
    const bool is_plain =
        std::ranges::all_of(name, [](char c) { return c > ' ' && c != 0x7f && c != '/' && c != ':'; });
    if (name.empty() || name.front() == '.' || name.front() == '-' || name.size() > 200 || !is_plain)
        throw Error(fmt::format("'{}' cannot name a toolchain", name), ExitCode::usage);
    return toolchains_folder() / name;
}

std::vector<Toolchain> list_toolchains() {
    std::vector<Toolchain> toolchains;
    std::error_code ignored;
    for (fs::directory_iterator entry(toolchains_folder(), ignored), end; entry != end; entry.increment(ignored)) {
        const std::string name = entry->path().filename().string();
        if (name.starts_with('.')) continue;
        if (auto toolchain = load_toolchain(name)) toolchains.push_back(std::move(*toolchain));
    }
    std::ranges::sort(toolchains, version_less, &Toolchain::name);
    return toolchains;
}

std::optional<Toolchain> load_toolchain(std::string_view name) {
    const fs::path file = toolchain_folder(name) / toolchain_file;
    if (!fs::exists(file)) return std::nullopt;
    try {
        return toolchain_of(Json::parse(read_text(file)));
    } catch (const Json::exception& failure) {
        throw Error({file.string(), "", {}}, fmt::format("damaged: {}", failure.what()))
            .hint(fmt::format("klp toolchain remove {}", name));
    }
}

void store_toolchain(const Toolchain& toolchain) {
    const fs::path folder = toolchain_folder(toolchain.name);
    fs::create_directories(folder);
    keep_file(folder / toolchain_file, json_of(toolchain).dump(2) + "\n");
}

void remove_toolchain(std::string_view name) {
    const fs::path folder = toolchain_folder(name);
    if (!fs::exists(folder)) throw Error(fmt::format("no toolchain '{}'", name)).hint("klp toolchain list");
    const TempDir bin(".removed", folder.parent_path());
    fs::rename(folder, bin.path() / "toolchain");
    if (!remove_tree(bin.path() / "toolchain"))
        throw Error({bin.path().string(), "", {}}, "some of the toolchain's files cannot be removed");
}

std::vector<ToolchainCompiler> compilers_in(const fs::path& root) {
    std::vector<std::string> names;
    const auto folder = file_in(root, "/usr/bin");
    if (!folder) return {};
    std::error_code ignored;
    for (fs::directory_iterator entry(*folder, ignored), end; entry != end; entry.increment(ignored))
        if (is_gcc(entry->path().filename().string())) names.push_back(entry->path().filename().string());
    // Of several names of one program the shortest that has its number is taken.
    std::ranges::sort(names, [](const std::string& a, const std::string& b) {
        const auto rank = [](const std::string& name) {
            return std::make_pair(name.find_last_of("0123456789") != name.size() - 1, name.size());
        };
        return std::make_pair(rank(a), a) < std::make_pair(rank(b), b);
    });
    std::set<fs::path> seen;
    std::vector<ToolchainCompiler> compilers;
    for (const std::string& name : names) {
        const auto program = program_in(root, name);
        if (!program || !seen.insert(*program).second) continue;
        if (auto compiler = ask(root, name)) compilers.push_back(std::move(*compiler));
    }
    return compilers;
}

std::optional<fs::path> file_in(const fs::path& root, const fs::path& path) {
    const auto inside = followed_in(root, path);
    if (!inside || !fs::exists(fs::symlink_status(root / *inside))) return std::nullopt;
    return root / *inside;
}

std::optional<fs::path> program_in(const fs::path& root, std::string_view name) {
    if (name.find('/') != std::string_view::npos) return file_in(root, name);
    for (const char* folder : {"/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
        auto found = file_in(root, fs::path(folder) / name);
        if (found && fs::is_regular_file(*found)) return found;
    }
    return std::nullopt;
}

}  // namespace klp::kernel
