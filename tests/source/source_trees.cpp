// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/source_tree.hpp"

#include <gtest/gtest.h>

#include "scratch_tree.hpp"

namespace klp::source {
namespace {

kernel::Kernel kernel_in(const fs::path& prepared) {
    kernel::Manifest manifest;
    manifest.name = "test";
    manifest.source = prepared;
    return kernel::Kernel(std::move(manifest));
}

class SplitTree : public testing::Test {
protected:
    SplitTree() {
        tree.add("src/Makefile", "");
        tree.add("src/out/x", "");
        tree.add("objects/x", "");
    }
    [[nodiscard]] std::string src() const { return fs::canonical(tree.root() / "src").string(); }
    ScratchTree tree;
};

TEST_F(SplitTree, KernelBuiltInItsSourceTree) {
    const SourceTree source(kernel_in(tree.root() / "src"));
    EXPECT_FALSE(source.is_split());
    EXPECT_EQ(source.root(), src());
    EXPECT_EQ(source.path_in_tree("fs/x.c"), "fs/x.c");
    EXPECT_EQ(source.moved("-I./include", "/o"), "-I./include");
}

TEST_F(SplitTree, ObjectsBesideTheSources) {
    fs::create_directory_symlink(tree.root() / "src", tree.root() / "objects/source");
    const SourceTree source(kernel_in(tree.root() / "objects"));
    EXPECT_TRUE(source.is_split());
    EXPECT_EQ(source.root(), src());
    EXPECT_EQ(source.path_in_tree(src() + "/arch/kvm/../x.c"), "arch/kvm/../x.c");
    EXPECT_EQ(source.moved("-I" + src() + "/include", "/o"), "-I/o/include");
    EXPECT_EQ(source.moved("-I" + src(), "/o"), "-I/o");
    EXPECT_EQ(source.moved("-fmacro-prefix-map=" + src() + "/=", "/o"), "-fmacro-prefix-map=/o/=");
    EXPECT_EQ(source.moved(src() + "/include/linux/kconfig.h", "/o"), "/o/include/linux/kconfig.h");
    EXPECT_EQ(source.moved("-I./include/generated", "/o"), "-I./include/generated");
    EXPECT_EQ(source.moved(src() + "-other/x.h", "/o"), src() + "-other/x.h");
    EXPECT_EQ(source.moved("-Wall", "/o"), "-Wall");
}

TEST_F(SplitTree, ObjectsInAFolderOfTheSources) {
    fs::create_directory_symlink("..", tree.root() / "src/out/source");
    const SourceTree source(kernel_in(tree.root() / "src/out"));
    EXPECT_EQ(source.root(), src());
    EXPECT_EQ(source.path_in_tree("../fs/x.c"), "fs/x.c");
    EXPECT_EQ(source.moved("-I../include", "/o"), "-I/o/include");
    EXPECT_EQ(source.moved("-fmacro-prefix-map=../=", "/o"), "-fmacro-prefix-map=/o/=");
    EXPECT_EQ(source.moved("-D__KERNEL__", "/o"), "-D__KERNEL__");
}

}  // namespace
}  // namespace klp::source
