// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/suite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/error.hpp"
#include "base/text.hpp"

namespace klp::packages {

namespace {

constexpr std::array<std::string_view, 9> release_names{"squeeze",  "wheezy",   "jessie", "stretch", "buster",
                                                        "bullseye", "bookworm", "trixie", "forky"};

constexpr std::string_view backports_suffix = "-backports";

std::string without_final_slash(std::string_view text) {
    while (text.ends_with('/')) text.remove_suffix(1);
    return std::string(text);
}

}  // namespace

void check_suite_name(std::string_view suite) {
    const bool is_plain = !suite.empty() && std::ranges::all_of(suite, [](unsigned char c) {
        return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-' || c == '.';
    });
    if (!is_plain || suite.front() == '-' || suite.front() == '.')
        throw Error(fmt::format("'{}' cannot name a suite", suite), ExitCode::usage)
            .hint("suites are named like trixie, trixie-backports or sid");
}

std::string_view release_of_suite(std::string_view suite) {
    return suite.substr(0, suite.find(backports_suffix));
}

bool is_backports(std::string_view suite) {
    return suite.find(backports_suffix) != std::string_view::npos;
}

bool is_known_release(std::string_view release) {
    return std::ranges::find(release_names, release) != release_names.end();
}

std::vector<Repository> repositories_of(std::string_view suite, std::string_view mirror, std::string_view security) {
    const std::string main = without_final_slash(mirror);
    const std::string release(release_of_suite(suite));
    std::vector<Repository> found{{main, std::string(suite), true}};
    if (is_backports(suite)) found.push_back({main, release, true});
    if (release == "sid" || release == "unstable") return found;
    found.push_back({main, release + "-updates", false});
    found.push_back(
        {security.empty() ? main + "-security" : without_final_slash(security), release + "-security", false});
    return found;
}

std::string sources_text(const std::vector<Repository>& repositories, const fs::path& keyring, const Archive& archive) {
    std::string text;
    for (const Repository& repository : repositories)
        text += fmt::format("Types: {}\nURIs: {}\nSuites: {}\nComponents: main\nSigned-By: {}\n{}\n",
                            archive.sources ? "deb-src" : "deb", repository.uri, repository.suite, keyring.string(),
                            archive.mirror.empty() ? "" : "Check-Valid-Until: no\n");
    return text;
}

std::vector<std::size_t> missing_repositories(const std::vector<Repository>& repositories, std::string_view messages) {
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < repositories.size(); ++i) {
        const Repository& repository = repositories[i];
        const std::string marker =
            fmt::format("{} {} Release' does not have a Release file", repository.uri, repository.suite);
        // apt prints a URI with the slash that it adds, or without.
        const std::string slashed =
            fmt::format("{}/ {} Release' does not have a Release file", repository.uri, repository.suite);
        if (messages.find(marker) != std::string_view::npos || messages.find(slashed) != std::string_view::npos)
            missing.push_back(i);
    }
    return missing;
}

Mirrors debian_mirrors(std::string_view index_targets) {
    Mirrors mirrors;
    for (const std::string_view line : lines_of(index_targets)) {
        const std::vector<std::string_view> words = split(line, ' ');
        if (words.size() < 3 || words[1] != "Debian") continue;
        std::string& mirror = words[2] == "Debian-Security" ? mirrors.security : mirrors.main;
        if (mirror.empty()) mirror = without_final_slash(words[0]);
    }
    if (mirrors.main.empty()) mirrors.main = "http://deb.debian.org/debian";
    return mirrors;
}

}  // namespace klp::packages
