// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/suite.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace klp::packages {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<std::string> names_of(const std::vector<Repository>& repositories) {
    std::vector<std::string> names;
    for (const Repository& each : repositories)
        names.push_back(each.uri + " " + each.suite + (each.is_required ? " required" : ""));
    return names;
}

TEST(Suite, HasItsUpdates) {
    EXPECT_THAT(names_of(repositories_of("trixie", "http://mirror/debian/", "http://security")),
                ElementsAre("http://mirror/debian trixie required", "http://mirror/debian trixie-updates",
                            "http://security trixie-security"));
    EXPECT_THAT(names_of(repositories_of("bookworm", "http://mirror/debian", "")),
                ElementsAre("http://mirror/debian bookworm required", "http://mirror/debian bookworm-updates",
                            "http://mirror/debian-security bookworm-security"));
    EXPECT_THAT(names_of(repositories_of("sid", "m", "")), ElementsAre("m sid required"));
}

TEST(Suite, OfBackportsNeedsItsRelease) {
    EXPECT_THAT(names_of(repositories_of("bookworm-backports", "m", "s")),
                ElementsAre("m bookworm-backports required", "m bookworm required", "m bookworm-updates",
                            "s bookworm-security"));
    EXPECT_TRUE(is_backports("bullseye-backports-sloppy"));
    EXPECT_EQ(release_of_suite("bullseye-backports-sloppy"), "bullseye");
    EXPECT_FALSE(is_backports("trixie"));
}

TEST(Suite, IsNamedAsSuitesAre) {
    for (const char* name : {"trixie", "trixie-backports", "sid", "oldstable"}) EXPECT_NO_THROW(check_suite_name(name));
    for (const char* name : {"", "-o", "../x", "a b", "Trixie", "x\nURIs: http://y"})
        EXPECT_THROW(check_suite_name(name), Error) << name;
}

TEST(Suite, ArchivedOnesAreKnown) {
    EXPECT_TRUE(is_known_release("buster"));
    EXPECT_FALSE(is_known_release("nosuch"));
}

TEST(Suite, MissingRepositoriesAreThoseThatAptNames) {
    const auto repositories = repositories_of("trixie", "http://mirror/debian", "http://security/debian");
    EXPECT_THAT(missing_repositories(repositories, "E: Temporary failure resolving 'mirror'"), IsEmpty());
    EXPECT_THAT(missing_repositories(
                    repositories,
                    "E: The repository 'http://mirror/debian trixie-updates Release' does not have a Release file."),
                ElementsAre(1));
    EXPECT_THAT(
        missing_repositories(repositories,
                             "E: The repository 'http://mirror/debian trixie Release' does not have a Release file.\n"
                             "E: The repository 'http://security/debian trixie-security Release' does not have a "
                             "Release file.\n"),
        ElementsAre(0, 2));
}

TEST(Suite, SourcesAreSignedByOneKeyring) {
    const std::string text =
        sources_text(repositories_of("sid", "http://mirror/debian", ""), "/keys.gpg", {.suite = "sid"});
    EXPECT_EQ(text, "Types: deb\nURIs: http://mirror/debian\nSuites: sid\nComponents: main\nSigned-By: /keys.gpg\n\n");
    EXPECT_THAT(text, Not(HasSubstr("Valid-Until")));
    EXPECT_THAT(sources_text(repositories_of("buster", "m", ""), "/k", {.suite = "buster", .mirror = "m"}),
                HasSubstr("Check-Valid-Until: no\n"));
    EXPECT_THAT(sources_text(repositories_of("sid", "m", ""), "/k", {.suite = "sid", .sources = true}),
                StartsWith("Types: deb-src\n"));
}

TEST(Mirrors, AreTheMachinesOwnWhereItHasDebian) {
    const Mirrors own = debian_mirrors(
        "http://other/ Ubuntu Ubuntu\nhttp://near/debian-security/ Debian Debian-Security\n"
        "http://near/debian/ Debian Debian\nhttp://far/debian/ Debian Debian\n");
    EXPECT_EQ(own.main, "http://near/debian");
    EXPECT_EQ(own.security, "http://near/debian-security");
    EXPECT_THAT(debian_mirrors("http://other/ Ubuntu Ubuntu\n").main, HasSubstr("debian.org"));
}

}  // namespace
}  // namespace klp::packages
