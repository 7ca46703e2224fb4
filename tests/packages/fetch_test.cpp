// SPDX-License-Identifier: GPL-2.0-or-later
// Fetching where it fails. Stand-ins for apt's programs come first in PATH.
#include "packages/fetch.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "arch/registry.hpp"
#include "kernel/catalogue.hpp"
#include "kernel/kernel.hpp"
#include "kernel/manifest.hpp"
#include "kernel/toolchain.hpp"
#include "packages/debian.hpp"
#include "packages/toolchain.hpp"

namespace klp::packages {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

// As apt-cache does: a name that no package has is a pattern.
constexpr std::string_view known_packages = R"(#!/bin/sh
for word; do action=$name name=$word; done
[ "$action" = pkgnames ] && {
    printf '%s\n' linux-headers-6.1.0-9-amd64 linux-headers-6.1.0-9-rt-amd64 linux-headers-6.1.0-9-common linux-headers-amd64 |
        grep "^$name"
    exit 0
}
case $name in
linux-image-6.1.0-9 | linux-image-6.1.0-9-amd6.) printf 'Package: linux-image-6.1.0-9-amd64-dbg\nVersion: 1\n\nPackage: linux-image-6.1.0-9-amd64\n' ;;
linux-headers-6.1.0-9 | linux-headers-6.1.0-9-amd6.) printf 'Package: linux-headers-6.1.0-9-amd64\nVersion: 1\n' ;;
linux-image-6.1.0-9-rt-amd64) printf 'Package: %s\nVersion: 1\n' $name;;
linux-image-amd64) printf 'Package: %s\nVersion: 1\nDepends: linux-image-6.1.0-9-amd64 (= 1)\n' $name;;
linux-image-6.1.0-9-amd64) printf 'Package: %s\nVersion: 1\nSize: 10\nInstalled-Size: 1\nBuilt-Using: linux (= 6.1.27-1)\n' $name;;
linux-headers-6.1.0-9-amd64) printf 'Package: %s\nSource: linux\nVersion: 6.1.27-1\nSize: 10\n' $name;;
linux-source-6.1=6.1.27-1) printf 'Package: linux-source-6.1\nVersion: 6.1.27-1\nSize: 10\n';;
*) echo "E: No packages found" >&2; exit 100;;
esac
)";

constexpr std::string_view no_network =
    "#!/bin/sh\necho \"E: Temporary failure resolving 'deb.debian.org'\" >&2\nexit 100\n";

class Fetch : public ::testing::Test {
protected:
    Fetch() : path_(std::getenv("PATH")) {
        ::setenv("KLPKIT_CACHE", (folder_.path() / "cache").c_str(), 1);
        fs::create_directories(folder_.path() / "bin");
        ::setenv("PATH", ((folder_.path() / "bin").string() + ":" + path_).c_str(), 1);
        program("apt-cache", known_packages);
        program("apt-get", no_network);
        program("dpkg", "#!/bin/sh\necho amd64\n");
        for (const char* tool : {"make", "gcc", "ld", "flex", "bison", "bc", "perl", "pahole"})
            program(tool, "#!/bin/sh\ncat >/dev/null\n");
    }
    ~Fetch() override {
        ::setenv("PATH", path_.c_str(), 1);
        ::unsetenv("KLPKIT_CACHE");
    }

    void program(const char* name, std::string_view script) const {
        write_file(folder_.path() / "bin" / name, script, fs::perms(0755));
    }
    auto fetching(std::string_view release, std::optional<Archive> archive = std::nullopt) {
        return [this, release, archive] {
            (void)fetch(release, archive, Progress([this](std::string_view line) { progress_.emplace_back(line); }));
        };
    }

    TempDir folder_{"klp-test"};
    std::string path_;
    std::vector<std::string> progress_;
};

TEST_F(Fetch, WithoutNetworkLeavesNothing) {
    EXPECT_THAT(fetching("6.1.0-9-amd64"), ThrowsMessage<Error>(HasSubstr("Temporary failure resolving")));
    EXPECT_THAT(progress_, Contains(HasSubstr("downloading linux-image-6.1.0-9-amd64 1 (10 B)")));
    EXPECT_FALSE(fs::exists(kernel::kernel_folder("6.1.0-9-amd64")));
}

TEST_F(Fetch, UnknownReleaseIsRefused) {
    program("apt-get", "#!/bin/sh\nexit 0\n");
    EXPECT_THAT(fetching("6.1.0-99-amd64"),
                ThrowsMessage<Error>(HasSubstr("no package linux-image-6.1.0-99-amd64 in the package lists")));
    EXPECT_FALSE(fs::exists(kernel::kernel_folder("6.1.0-99-amd64")));
    EXPECT_THAT(fetching("../x"), ThrowsMessage<Error>(HasSubstr("cannot name a kernel")));
}

// linux-image-6.1.0-9 is no package, but as a pattern it fits some: the first of them is 857 MB of debug information.
TEST_F(Fetch, NamesArePackagesNotPatterns) {
    program("apt-get", "#!/bin/sh\nexit 0\n");
    for (const char* release : {"6.1.0-9", "6.1.0-9-amd6.", "6.1.0-9-amd6[4]", "6.1.0-9*", "6.1.0-9-amd64=1"}) {
        EXPECT_THAT(
            fetching(release),
            ThrowsMessage<Error>(HasSubstr(fmt::format("no package linux-image-{} in the package lists", release))));
    }
    EXPECT_THAT(progress_, Not(Contains(HasSubstr("downloading"))));
    const auto hints_for = [&](std::string_view release) -> std::string {
        try {
            fetching(release)();
        } catch (const Error& error) {
            return fmt::format("{}", fmt::join(error.hints(), "\n"));
        }
        return "no error";
    };
    EXPECT_EQ(hints_for("6.1.0-9"), "name the flavour, too: 6.1.0-9-amd64, 6.1.0-9-rt-amd64");
    EXPECT_EQ(hints_for("6.2.0-1-amd64"), "there are: 6.1.0-9-amd64, 6.1.0-9-rt-amd64");
}

TEST_F(Fetch, AptThatCannotSayIsNoAnswer) {
    program("apt-get", "#!/bin/sh\nexit 0\n");
    program("apt-cache", "#!/bin/sh\nkill -9 $$\n");
    EXPECT_THAT(fetching("6.1.0-9-amd64"), ThrowsMessage<Error>(HasSubstr("it ended with status 137")));
}

TEST_F(Fetch, DamagedPackageLeavesNothing) {
    program("apt-get", "#!/bin/sh\nfor name; do :; done\necho nonsense >${name%=*}_1_amd64.deb\n");
    EXPECT_THAT(fetching("6.1.0-9-amd64"),
                ThrowsMessage<Error>(HasSubstr("package linux-image-6.1.0-9-amd64_1_amd64.deb cannot be unpacked")));
    EXPECT_FALSE(fs::exists(kernel::kernel_folder("6.1.0-9-amd64")));
}

TEST_F(Fetch, OfAKnownReleaseAsksNobody) {
    kernel::NewKernelFolder("6.1.0-9-amd64")
        .commit({.name = "6.1.0-9-amd64", .release = "6.1.0-9-amd64", .arch = "x86_64", .fetched = true});
    program("apt-cache", "#!/bin/sh\nexit 100\n");
    EXPECT_EQ(fetch("6.1.0-9-amd64", {}, {}).name, "6.1.0-9-amd64");
    EXPECT_NO_THROW(fetching("newest")());
    EXPECT_THAT(progress_, Contains(HasSubstr("taking the newest kernel fetched before: 6.1.0-9-amd64")));
}

TEST_F(Fetch, NewestIsWhatTheMetapackageDependsOn) {
    kernel::NewKernelFolder("6.1.0-9-amd64")
        .commit({.name = "6.1.0-9-amd64", .release = "6.1.0-9-amd64", .arch = "x86_64", .fetched = true});
    kernel::NewKernelFolder("6.1.0-10-amd64")
        .commit({.name = "6.1.0-10-amd64", .release = "6.1.0-10-amd64", .arch = "x86_64", .fetched = true});
    EXPECT_EQ(fetch("newest", {}, {}).name, "6.1.0-9-amd64");
}

TEST_F(Fetch, MissingToolsAreNamedAtOnce) {
    program("gcc", "#!/bin/sh\ncat >/dev/null\nexit 1\n");
    EXPECT_THAT(fetching("6.1.0-9-amd64"),
                ThrowsMessage<Error>(HasSubstr("packages are missing: libelf-dev libssl-dev")));
    EXPECT_FALSE(fs::exists(kernel::kernel_folder("6.1.0-9-amd64")));
}

constexpr std::string_view no_release_file = R"(#!/bin/sh
for word; do case $word in Dir::Etc::SourceList=*) sources=${word#*=};; update) update=1;; esac; done
[ -z "$update" ] && exit
suite=$(sed -n '/^Suites: /{s///p;q}' "$sources")
echo "E: The repository 'http://mirror/debian $suite Release' does not have a Release file." >&2
exit 100
)";

class FetchOfASuite : public Fetch {
protected:
    [[nodiscard]] Archive suite(const std::string& name) const {
        write_file(folder_.path() / "keys", std::string_view("k"));
        return {name, "http://mirror/debian", folder_.path() / "keys"};
    }
};

TEST_F(FetchOfASuite, ThatIsNotThereIsToldFromAnArchivedOne) {
    program("apt-get", no_release_file);
    EXPECT_THAT(fetching("newest", suite("nosuch")),
                ThrowsMessage<Error>("no suite 'nosuch': http://mirror/debian has none of that name"));
    EXPECT_THAT(fetching("newest", suite("buster")),
                ThrowsMessage<Error>("suite 'buster' is archived: http://mirror/debian has it no more"));
    EXPECT_THAT(fetching("newest", suite("trixie-backports")), ThrowsMessage<Error>(HasSubstr("is archived")));
    EXPECT_THAT(fetching("newest", suite("a b")), ThrowsMessage<Error>(HasSubstr("'a b' cannot name a suite")));
}

TEST_F(FetchOfASuite, ThatCannotBeReachedIsNotMissing) {
    EXPECT_THAT(fetching("newest", suite("nosuch")), ThrowsMessage<Error>(HasSubstr("Temporary failure resolving")));
    kernel::NewKernelFolder("6.1.0-9-amd64")
        .commit({.name = "6.1.0-9-amd64", .release = "6.1.0-9-amd64", .arch = "x86_64", .fetched = true});
    // What was fetched before may be of another suite.
    EXPECT_THAT(fetching("newest", suite("nosuch")), ThrowsMessage<Error>(HasSubstr("Temporary failure resolving")));
}

TEST_F(FetchOfASuite, UpdatesMayBeMissing) {
    program("apt-get", R"(#!/bin/sh
for word; do case $word in Dir::Etc::SourceList=*) sources=${word#*=};; update) update=1;; esac; done
[ -z "$update" ] && exit
grep -q 'Suites: trixie-updates' "$sources" || exit 0
echo "E: The repository 'http://mirror/debian trixie-updates Release' does not have a Release file." >&2
exit 100
)");
    EXPECT_THAT(fetching("5.5.0-1-amd64", suite("trixie")),
                ThrowsMessage<Error>(HasSubstr("no package linux-image-5.5.0-1-amd64 in the package lists")));
}

TEST_F(FetchOfASuite, WithoutKeysIsRefused) {
    program("apt-get", "#!/bin/sh\nexit 0\n");
    EXPECT_THAT(fetching("newest", Archive{"trixie", "http://mirror/debian", folder_.path() / "none"}),
                ThrowsMessage<Error>(HasSubstr("the keys that sign package lists are not there")));
}

TEST_F(FetchOfASuite, FlavoursHaveTheirNewest) {
    program("apt-get", "#!/bin/sh\nexit 0\n");
    EXPECT_THAT(fetching("newest-cloud", suite("trixie")),
                ThrowsMessage<Error>(HasSubstr("no package linux-image-cloud-amd64 in the package lists")));
    EXPECT_THAT(fetching("newest-rt-amd64", suite("trixie")),
                ThrowsMessage<Error>(HasSubstr("no package linux-image-rt-amd64 in the package lists")));
}

constexpr std::string_view real_time_packages = R"(#!/bin/sh
for word; do name=$word; done
case $name in
linux-image-6.1.0-9-rt-amd64) printf 'Package: %s\nVersion: 1\nSize: 10\nBuilt-Using: linux (= 6.1.27-1)\n' $name;;
linux-headers-6.1.0-9-rt-amd64) printf 'Package: %s\nSource: linux\nVersion: 6.1.27-1\nDepends: linux-headers-6.1.0-9-common-rt (= 6.1.27-1)\n' $name;;
linux-source-6.1=6.1.27-1) printf 'Package: linux-source-6.1\nVersion: 6.1.27-1\nSize: 10\n';;
*) echo "E: No packages found" >&2; exit 100;;
esac
)";

// linux-source has not what such a flavour was built from.
TEST_F(FetchOfASuite, WithPatchesOfItsOwnNeedsTheSourcePackage) {
    program("apt-cache", real_time_packages);
    program("apt-get", R"(#!/bin/sh
for word; do case $word in Dir::Etc::SourceList=*) sources=${word#*=};; update) exit 0;; source) source=1;; esac; last=$word; done
[ -n "$source" ] || { echo nonsense >"${last%=*}_1_amd64.deb"; exit; }
echo "E: $last of $(grep -c '^Types: deb-src$' "$sources") repositories: 404 Not Found" >&2
exit 100
)");
    EXPECT_THAT(fetching("6.1.0-9-rt-amd64", suite("trixie")),
                ThrowsMessage<Error>(AllOf(HasSubstr("source package linux 6.1.27-1 cannot be downloaded"),
                                           HasSubstr("linux=6.1.27-1 of 3 repositories: 404 Not Found"))));
    EXPECT_FALSE(fs::exists(kernel::kernel_folder("6.1.0-9-rt-amd64")));
    // Of the machine's apt it is the machine's release.
    EXPECT_THAT(fetching("6.1.0-9-rt-amd64"), ThrowsMessage<Error>(HasSubstr("404 Not Found")));
}

// From 6.19 on, linux-image-RELEASE has no files.
TEST_F(FetchOfASuite, ImagesOfSeveralPackagesAreTakenTogether) {
    program("apt-cache", R"(#!/bin/sh
for word; do name=$word; done
case ${name%=1} in
linux-image-7.3.4-amd64) printf 'Package: %s\nVersion: 1\nDepends: linux-binary-7.3.4-amd64 (= 1), linux-modules-7.3.4-amd64 (= 1)\n' $name;;
linux-binary-7.3.4-amd64) printf 'Package: linux-binary-7.3.4-amd64\nVersion: 1\nSize: 10\nBuilt-Using: linux (= 7.3.4-1)\n';;
linux-modules-7.3.4-amd64) printf 'Package: linux-modules-7.3.4-amd64\nVersion: 1\nSize: 10\nSource: linux\n';;
linux-headers-7.3.4-amd64) printf 'Package: %s\nSource: linux\nVersion: 7.3.4-1\nSize: 10\nDepends: linux-kbuild-7.3.4\n' $name;;
linux-kbuild-7.3.4=7.3.4-1) printf 'Package: linux-kbuild-7.3.4\nVersion: 7.3.4-1\nSize: 10\n';;
linux-source-7.3=7.3.4-1) printf 'Package: linux-source-7.3\nVersion: 7.3.4-1\nSize: 10\n';;
*) echo "E: No packages found" >&2; exit 100;;
esac
)");
    program("apt-get",
            "#!/bin/sh\nfor name; do :; done\n[ $name = update ] || echo nonsense >${name%=*}_1_amd64.deb\n");
    EXPECT_THAT(fetching("7.3.4-amd64", suite("sid")),
                ThrowsMessage<Error>(HasSubstr("package linux-binary-7.3.4-amd64_1_amd64.deb cannot be unpacked")));
    for (const char* name :
         {"binary-7.3.4-amd64", "modules-7.3.4-amd64", "headers-7.3.4-amd64", "kbuild-7.3.4", "source-7.3"})
        EXPECT_THAT(progress_, Contains(HasSubstr(fmt::format("downloading linux-{}", name))));
}

class FetchOfAToolchain : public Fetch {
protected:
    auto fetching_compiler() {
        return [this] {
            const fs::path config = folder_.path() / "config";
            write_file(config, std::string_view("CONFIG_CC_IS_GCC=y\nCONFIG_CC_VERSION_TEXT=\"gcc-77 (Debian 77.1.0-5) "
                                                "77.1.0\"\n"));
            (void)provide_toolchain(Apt(), kernel::Config::read(config), arch::for_name("x86_64"), {},
                                    Progress([this](std::string_view line) { progress_.emplace_back(line); }));
        };
    }
};

TEST_F(FetchOfAToolchain, ThatTheArchiveHasNotAnyMoreTakesAnotherVersion) {
    program("apt-cache", R"(#!/bin/sh
for word; do name=$word; done
[ $name = gcc-77 ] && printf 'Package: gcc-77\nVersion: 77.1.0-9\n' && exit
echo "E: No packages found" >&2; exit 100
)");
    EXPECT_THAT(fetching_compiler(), ThrowsMessage<Error>(HasSubstr("Temporary failure resolving")));
    EXPECT_THAT(progress_, Contains("the archive has gcc-77 77.1.0-9, but not (Debian 77.1.0-5) 77.1.0 any more, which "
                                    "made the kernel: code that it makes differently will be refused, function by "
                                    "function"));
    EXPECT_THAT(progress_, Contains("downloading gcc-77 77.1.0-9 and what it depends on"));
}

TEST_F(FetchOfAToolchain, OfTheVeryVersionSaysNothingOfOthers) {
    program("apt-cache", R"(#!/bin/sh
for word; do name=$word; done
case $name in gcc-77 | gcc-77=77.1.0-5) ;; *) echo "E: No packages found" >&2; exit 100;; esac
[ $name = gcc-77 ] && version=77.1.0-9
printf 'Package: gcc-77\nVersion: %s\n' ${version:-77.1.0-5}
)");
    EXPECT_THAT(fetching_compiler(), ThrowsMessage<Error>(HasSubstr("Temporary failure resolving")));
    EXPECT_THAT(progress_, Contains("downloading gcc-77 77.1.0-5 and what it depends on"));
    EXPECT_THAT(progress_, Not(Contains(HasSubstr("any more"))));
}

TEST_F(FetchOfAToolchain, OfWhichNoVersionIsLeftIsRefused) {
    program("apt-cache", "#!/bin/sh\necho 'E: No packages found' >&2\nexit 100\n");
    EXPECT_THAT(fetching_compiler(),
                ThrowsMessage<Error>("the archive has no gcc-77 (any more), which made the kernel: without it nothing "
                                     "of the kernel can be proven"));
    EXPECT_TRUE(kernel::list_toolchains().empty());
}

}  // namespace
}  // namespace klp::packages
