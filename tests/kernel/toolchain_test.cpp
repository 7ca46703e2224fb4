// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/toolchain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "kernel/compiler.hpp"

namespace klp::kernel {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(CompilerText, IsTakenApart) {
    const CompilerText debian = parse_compiler_text("x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0");
    EXPECT_EQ(debian.name, "x86_64-linux-gnu-gcc-14");
    EXPECT_EQ(debian.version, "(Debian 14.2.0-19) 14.2.0");
    EXPECT_EQ(debian.major, "14");
    EXPECT_EQ(debian.package_version, "14.2.0-19");
    const CompilerText dated = parse_compiler_text("gcc-10 (Debian 10.2.1-6) 10.2.1 20210110");
    EXPECT_EQ(dated.major, "10");
    EXPECT_EQ(dated.package_version, "10.2.1-6");
    const CompilerText plain = parse_compiler_text("gcc (GCC) 11.4.1 20231218 (Red Hat 11.4.1-3)");
    EXPECT_EQ(plain.major, "11");
    EXPECT_EQ(plain.package_version, "");
    EXPECT_EQ(parse_compiler_text("gcc").major, "");
    EXPECT_EQ(parse_compiler_text("").version, "");
}

class Root : public ::testing::Test {
protected:
    Root() {
        ::setenv("KLPKIT_CACHE", (folder_.path() / "cache").c_str(), 1);
        fs::create_directories(root() / "usr/bin");
        fs::create_directories(root() / "etc/alternatives");
        fs::create_symlink("usr/bin", root() / "bin");
        write_file(root() / "usr/bin/real", "x", fs::perms(0755));
        fs::create_symlink("/etc/alternatives/tool", root() / "usr/bin/tool");
        fs::create_symlink("../../usr/bin/real", root() / "etc/alternatives/tool");
        fs::create_symlink("loop", root() / "usr/bin/loop");
        fs::create_symlink("../../../../../../etc/passwd", root() / "usr/bin/outside");
    }
    ~Root() override { ::unsetenv("KLPKIT_CACHE"); }
    [[nodiscard]] fs::path root() const { return folder_.path() / "root"; }

    TempDir folder_{"klp-test"};
};

TEST_F(Root, LinksAreFollowedInside) {
    EXPECT_EQ(program_in(root(), "tool"), root() / "usr/bin/real");
    EXPECT_EQ(file_in(root(), "/bin/tool"), root() / "usr/bin/real");
    EXPECT_EQ(file_in(root(), "/usr/bin/loop"), std::nullopt);
    EXPECT_EQ(file_in(root(), "/usr/bin/outside"), std::nullopt);
    EXPECT_EQ(program_in(root(), "nothing"), std::nullopt);
}

TEST_F(Root, ToolchainsAreKept) {
    const Toolchain made{
        .name = "mine", .root = root(), .fetched = false, .compilers = {{"gcc-9", "(X 9-1) 9.1", "x86_64-x"}}};
    EXPECT_TRUE(list_toolchains().empty());
    store_toolchain(made);
    ASSERT_EQ(list_toolchains().size(), 1);
    const auto read = load_toolchain("mine");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->root, root());
    EXPECT_EQ(read->compilers.at(0).version, "(X 9-1) 9.1");
    remove_toolchain("mine");
    EXPECT_FALSE(load_toolchain("mine"));
    EXPECT_TRUE(fs::exists(root() / "usr/bin/real"));  // it is somebody else's
    EXPECT_THAT([] { remove_toolchain("mine"); }, ThrowsMessage<Error>(HasSubstr("no toolchain 'mine'")));
}

TEST_F(Root, DamagedAndImpossibleNamesAreRefused) {
    fs::create_directories(toolchain_folder("mine"));
    write_file(toolchain_folder("mine") / "toolchain.json", std::string_view("{}"));
    EXPECT_THAT([] { (void)load_toolchain("mine"); }, ThrowsMessage<Error>(HasSubstr("damaged")));
    for (const char* name : {"", ".", "..", "a/b", "-x", "a b"})
        EXPECT_THROW((void)toolchain_folder(name), Error) << name;
}

}  // namespace
}  // namespace klp::kernel
