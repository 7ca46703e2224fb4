// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages/featureset.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/process.hpp"

namespace klp::packages {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(Featureset, IsThatOfTheCommonHeaders) {
    EXPECT_EQ(featureset_of("linux-headers-6.1.0-56-common-rt (= 6.1.192-2), linux-kbuild-6.1"), "rt");
    EXPECT_EQ(featureset_of("linux-kbuild-6.1 (>= 6.1), linux-headers-6.12.117+deb13-common-rt"), "rt");
    EXPECT_EQ(featureset_of("linux-headers-6.1.0-56-common (= 6.1.192-2)"), "");
    EXPECT_EQ(featureset_of("linux-image-6.1.0-56-common-rt, linux-kbuild-6.1"), "");
    EXPECT_EQ(featureset_of(""), "");
}

class Patches : public ::testing::Test {
protected:
    Patches() {
        fs::create_directories(at("source"));
        fs::create_directories(at("scratch"));
        write_file(at("source/file.c"), std::string_view("one\ntwo\nthree\n"));
    }

    [[nodiscard]] fs::path at(std::string_view name) const { return folder_.path() / name; }
    void file(const std::string& name, std::string_view text) const {
        fs::create_directories(at("tree/" + name).parent_path());
        write_file(at("tree/" + name), text);
    }
    [[nodiscard]] fs::path packaging() const {
        const fs::path tarball = at("linux_1.debian.tar.xz");
        run_checked({.argv = {"tar", "-cJf", tarball.string(), "-C", at("tree").string(), "debian"}}, "tar");
        return tarball;
    }
    [[nodiscard]] auto applying() const {
        return [this] { apply_featureset(packaging(), "rt", at("source"), at("scratch")); };
    }
    [[nodiscard]] std::string source() const { return read_text(at("source/file.c")); }

    TempDir folder_{"klp-test"};
};

constexpr std::string_view first = "--- a/file.c\n+++ b/file.c\n@@ -1,3 +1,3 @@\n one\n-two\n+second\n three\n";
constexpr std::string_view then = "--- a/file.c\n+++ b/file.c\n@@ -1,3 +1,3 @@\n one\n-second\n+deux\n three\n";

TEST_F(Patches, AreAppliedInTheOrderOfTheirSeries) {
    file("debian/patches-rt/series", "# the order\nb.patch\n\na.patch # last\n");
    file("debian/patches-rt/b.patch", first);
    file("debian/patches-rt/a.patch", then);
    file("debian/patches/series", "other.patch\n");
    applying()();
    EXPECT_EQ(source(), "one\ndeux\nthree\n");
}

TEST_F(Patches, ThatDoNotApplyAreNamed) {
    file("debian/patches-rt/series", "a.patch\n");
    file("debian/patches-rt/a.patch", then);
    EXPECT_THAT(applying(), ThrowsMessage<Error>(HasSubstr("patches-rt/a.patch does not apply to the source: ")));
}

// patch(1) would take a line of context that is another one.
TEST_F(Patches, NeedAllOfTheirContext) {
    file("debian/patches-rt/series", "a.patch\n");
    file("debian/patches-rt/a.patch", "--- a/file.c\n+++ b/file.c\n@@ -1,3 +1,3 @@\n uno\n-two\n+second\n three\n");
    EXPECT_THAT(applying(), ThrowsMessage<Error>(HasSubstr("a.patch does not apply")));
}

TEST_F(Patches, ThatAreMissingAreNotNone) {
    file("debian/rules", "all:\n");
    EXPECT_THAT(applying(), ThrowsMessage<Error>(HasSubstr("it has no debian/patches-rt/series: no patches of 'rt'")));
    file("debian/patches-rt/series", "gone.patch\n");
    EXPECT_THAT(applying(), ThrowsMessage<Error>(HasSubstr("gone.patch")));
    file("debian/patches-rt/series", "a.patch -p0\n");
    EXPECT_THAT(applying(), ThrowsMessage<Error>(HasSubstr("'a.patch -p0': expected the name of a patch alone")));
    EXPECT_EQ(source(), "one\ntwo\nthree\n");
}

TEST_F(Patches, OfADamagedArchiveAreRefused) {
    file("debian/patches-rt/series", "a.patch\n");
    file("debian/patches-rt/a.patch", first);
    const fs::path tarball = packaging();
    fs::resize_file(tarball, fs::file_size(tarball) - 40);
    EXPECT_THROW(apply_featureset(tarball, "rt", at("source"), at("scratch")), Error);
}

}  // namespace
}  // namespace klp::packages
