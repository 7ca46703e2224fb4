// SPDX-License-Identifier: GPL-2.0-or-later
// Debian's suites, wherever they are to be had: what apt is told of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"

namespace klp::packages {

// Where packages come from, when not from what the machine's apt knows.
struct Archive {
    std::string suite{};   // "trixie", "trixie-backports", "sid"
    std::string mirror{};  // URL; empty: Debian's, as the machine's apt has it
    fs::path keyring{};    // whose keys sign the lists; empty: Debian's
    bool sources = false;  // the lists of source packages in the stead of those of binary ones
};

// One repository of a suite.
struct Repository {
    std::string uri;
    std::string suite;
    bool is_required = false;  // without the others a suite is still one: "trixie-updates", "trixie-security"
};

// Error: no suite can have that name.
void check_suite_name(std::string_view suite);

// "trixie" of "trixie-backports".
[[nodiscard]] std::string_view release_of_suite(std::string_view suite);
[[nodiscard]] bool is_backports(std::string_view suite);

// Releases that mirrors drop, sooner or later, for an archive of their own; "sid" and "testing" are none.
[[nodiscard]] bool is_known_release(std::string_view release);

// Those of a suite; of "trixie-backports" those of trixie, too, which have what its packages depend on. `security` is
// the mirror of security updates; empty: they come from `mirror`'s neighbour ("…/debian-security").
[[nodiscard]] std::vector<Repository> repositories_of(std::string_view suite, std::string_view mirror,
                                                      std::string_view security);

// As sources.list(5) has them (deb822), signed by `keyring`. What has a mirror of its own may be an archive of old
// suites, which is not signed anew.
[[nodiscard]] std::string sources_text(const std::vector<Repository>& repositories, const fs::path& keyring,
                                       const Archive& archive);

// The repositories that apt has not found, by its messages: "… http://… nosuch Release' does not have a Release file".
[[nodiscard]] std::vector<std::size_t> missing_repositories(const std::vector<Repository>& repositories,
                                                            std::string_view messages);

struct Mirrors {
    std::string main;
    std::string security;
};
// Out of `apt-get indextargets` with a line "REPO_URI ORIGIN LABEL" for each list. Debian's own address where the
// machine has none.
[[nodiscard]] Mirrors debian_mirrors(std::string_view index_targets);

}  // namespace klp::packages
