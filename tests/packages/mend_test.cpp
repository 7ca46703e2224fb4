// SPDX-License-Identifier: GPL-2.0-or-later
// Source trees in which somebody ran make. The tree is a stand-in: a Makefile with the goals that klp asks kbuild for.
#include "packages/mend.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/process.hpp"
#include "kernel/manifest.hpp"
#include "kernel/prepared_tree.hpp"

namespace klp::packages {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;
using ::testing::UnorderedElementsAre;

constexpr std::string_view makefile = R"(
olddefconfig:
mrproper:
	rm -rf include scripts .config
modules_prepare:
	mkdir -p include/generated include/config scripts/mod
	echo '#define CONFIG_LIVEPATCH 1' >include/generated/autoconf.h
	echo '#define UTS_RELEASE "6.1.0"' >include/generated/utsrelease.h
	date >include/generated/compile.h
	echo 6.1.0 >include/config/kernel.release
	cp .config include/config/auto.conf
	touch scripts/mod/modpost
	echo prepared >>made
	case "$$TMPDIR" in $(CURDIR)*) touch "$$TMPDIR/left";; esac
)";

class Mend : public ::testing::Test {
protected:
    Mend() {
        ::setenv("KLPKIT_CACHE", folder_.path().c_str(), 1);
        kernel::NewKernelFolder folder("k");
        const fs::path root = folder.path();
        fs::create_directories(root / "source");
        write_file(root / "source/Makefile", makefile);
        const std::string version = run_checked({.argv = {"gcc", "--version"}}, "no gcc").output;
        write_file(root / "config",
                   fmt::format("CONFIG_LIVEPATCH=y\nCONFIG_CC_IS_GCC=y\nCONFIG_CC_VERSION_TEXT=\"{}\"\n",
                               version.substr(0, version.find('\n'))));
        write_file(root / "symvers", std::string_view());
        fs::copy_file(root / "config", root / "source/.config");
        manifest_ = {.name = "k",
                     .release = "6.1.0",
                     .arch = "x86_64",
                     .source = root / "source",
                     .config = root / "config",
                     .symvers = root / "symvers",
                     .fetched = true};
        make("modules_prepare");
        folder.commit(manifest_);
    }
    ~Mend() override { ::unsetenv("KLPKIT_CACHE"); }

    void make(const char* goal) const {
        run_checked({.argv = {"make", "-s", goal}, .directory = manifest_.source}, "make fails");
    }
    void write(std::string_view file, std::string_view text) const { write_file(manifest_.source / file, text); }
    [[nodiscard]] std::string text_of(std::string_view file) const { return read_text(manifest_.source / file); }
    [[nodiscard]] int times_prepared() const {
        const std::string lines = text_of("made");
        return static_cast<int>(std::ranges::count(lines, '\n'));
    }
    // What klp says.
    std::vector<std::string> keep() {
        std::vector<std::string> said;
        keep_prepared(manifest_, Progress([&](std::string_view line) { said.emplace_back(line); }));
        return said;
    }

    TempDir folder_{"klp-test"};
    kernel::Manifest manifest_;
};

TEST_F(Mend, ATreeThatIsAsItWasIsLeftAlone) {
    EXPECT_THAT(keep(), IsEmpty());  // this notes how it is
    EXPECT_THAT(keep(), IsEmpty());
    write("include/generated/autoconf.h", text_of("include/generated/autoconf.h"));
    write("include/generated/compile.h", "another time\n");
    EXPECT_THAT(keep(), IsEmpty());
    EXPECT_EQ(times_prepared(), 1);
}

TEST_F(Mend, ATreeThatWasFetchedIsPreparedAgain) {
    (void)keep();
    int times = 1;
    for (const char* file : {".config", "include/generated/autoconf.h", "include/config/auto.conf"}) {
        const std::string before = text_of(file);
        write(file, "CONFIG_CC_VERSION_TEXT=\"another compiler\"\n");
        EXPECT_THAT(
            keep(),
            Contains(HasSubstr(fmt::format(
                "the source tree of kernel k was changed ({} is not what it was): it is prepared again", file))));
        EXPECT_EQ(text_of(file), before);
        EXPECT_EQ(times_prepared(), ++times);
        EXPECT_THAT(keep(), IsEmpty());
    }
    make("mrproper");
    EXPECT_THAT(keep(), Contains(HasSubstr(".config is gone")));
    EXPECT_THAT(keep(), IsEmpty());
}

TEST_F(Mend, PreparingThatWasCutShortIsDoneAgain) {
    kernel::note_unfinished_tree(manifest_);
    EXPECT_THAT(keep(), Contains(HasSubstr("preparing it did not come to an end")));
    EXPECT_THAT(keep(), IsEmpty());
    EXPECT_EQ(times_prepared(), 2);
}

// A compiler or script that is killed leaves its temporary file.
TEST_F(Mend, WhatProgramsLeftIsGone) {
    fs::create_directory(manifest_.source / "tmp.klpkit-abcdef");  // of a klp that was killed
    write("tmp.klpkit-abcdef/left", "");
    kernel::note_unfinished_tree(manifest_);
    EXPECT_THAT(keep(), Contains(HasSubstr("it is prepared again")));
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(manifest_.source)) names.push_back(entry.path().filename());
    EXPECT_THAT(names, UnorderedElementsAre(".config", "Makefile", "Module.symvers", "include", "made", "scripts"));
}

// Before there were notes: what make wrote later is newer than the entry in the catalogue.
TEST_F(Mend, ATreeWithoutNotesIsJudgedByItsTimes) {
    write("include/generated/autoconf.h", "#define CONFIG_OTHER 1\n");
    fs::last_write_time(manifest_.source / "include/generated/autoconf.h",
                        fs::last_write_time(kernel::kernel_folder("k") / "kernel.json") + std::chrono::seconds(2));
    EXPECT_THAT(keep(), Contains(HasSubstr("autoconf.h is newer than the kernel's entry")));
    EXPECT_EQ(text_of("include/generated/autoconf.h"), "#define CONFIG_LIVEPATCH 1\n");
}

TEST_F(Mend, ATreeOfSomebodyElseIsNotTouched) {
    manifest_.fetched = false;
    EXPECT_THAT(keep(), IsEmpty());
    write("include/generated/autoconf.h", "#define CONFIG_OTHER 1\n");
    EXPECT_THAT([&] { (void)keep(); },
                ThrowsMessage<Error>(HasSubstr("the source tree was changed since kernel 'k' was added: "
                                               "include/generated/autoconf.h is not what it was")));
    EXPECT_EQ(text_of("include/generated/autoconf.h"), "#define CONFIG_OTHER 1\n");
    EXPECT_EQ(times_prepared(), 1);
}

TEST_F(Mend, ATreeThatIsGoneCannotBeMended) {
    (void)keep();
    fs::remove_all(manifest_.source);
    EXPECT_THAT([&] { (void)keep(); }, ThrowsMessage<Error>(HasSubstr("the source tree is gone")));
}

}  // namespace
}  // namespace klp::packages
