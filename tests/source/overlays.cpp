// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include "base/error.hpp"
#include "scratch_tree.hpp"
#include "source/overlay.hpp"

namespace klp::source {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Overlays : public testing::Test {
protected:
    Overlays() {
        tree.add("fs/proc/x.c", "original\n");
        tree.add("fs/proc/other.c", "other\n");
        tree.add("fs/inode.c", "inode\n");
        tree.add("include/linux/x.h", "header\n");
        tree.add("arch/kvm/Makefile", "");
    }
    ScratchTree tree;
};

TEST_F(Overlays, ReplacesOneFileAndLinksTheRest) {
    Overlay overlay(tree.root());
    overlay.write("fs/proc/x.c", "patched\n");
    EXPECT_EQ(read_text(overlay.root() / "fs/proc/x.c"), "patched\n");
    EXPECT_EQ(read_text(overlay.root() / "fs/proc/other.c"), "other\n");
    EXPECT_EQ(read_text(overlay.root() / "fs/inode.c"), "inode\n");
    EXPECT_TRUE(fs::is_symlink(overlay.root() / "include"));
    EXPECT_EQ(read_text(tree.root() / "fs/proc/x.c"), "original\n");
}

TEST_F(Overlays, TextTellsThemApart) {
    const auto text = [&](const std::string& path, const char* written) {
        Overlay overlay(tree.root());
        if (written != nullptr)
            overlay.write(path, written);
        else
            overlay.hide(path);
        return overlay.patched_text();
    };
    EXPECT_EQ(text("fs/inode.c", "a\n"), text("fs/inode.c", "a\n"));
    EXPECT_NE(text("fs/inode.c", "a\n"), text("fs/inode.c", "b\n"));
    EXPECT_NE(text("fs/inode.c", "a\n"), text("fs/proc/x.c", "a\n"));
    EXPECT_NE(text("fs/inode.c", ""), text("fs/inode.c", nullptr));
}

TEST_F(Overlays, NewFilesAndFolders) {
    Overlay overlay(tree.root());
    overlay.write("include/linux/sub/new.h", "new\n");
    EXPECT_EQ(read_text(overlay.root() / "include/linux/sub/new.h"), "new\n");
    EXPECT_FALSE(fs::exists(tree.root() / "include/linux/sub"));
    overlay.hide("include/linux/x.h");
    EXPECT_FALSE(fs::exists(overlay.root() / "include/linux/x.h"));
    EXPECT_TRUE(fs::exists(tree.root() / "include/linux/x.h"));
}

TEST_F(Overlays, GoesWithItsLinksButNotWithTheTree) {
    fs::path root;
    {
        Overlay overlay(tree.root());
        overlay.write("fs/proc/x.c", "patched\n");
        root = overlay.root();
    }
    EXPECT_FALSE(fs::exists(root));
    EXPECT_TRUE(fs::exists(tree.root() / "fs/proc/other.c"));
    EXPECT_TRUE(fs::exists(tree.root() / "include/linux/x.h"));
}

TEST_F(Overlays, DependenciesOnPatchedFilesAreFine) {
    Overlay overlay(tree.root());
    overlay.write("fs/proc/x.c", "patched\n");
    EXPECT_NO_THROW(overlay.check_dependencies({"fs/proc/x.c", "include/linux/x.h"}, overlay.root(), "fs/proc/x.c"));
}

// `..` behind a link leads out of the overlay.
TEST_F(Overlays, DependencyOnTheOriginalOfAPatchedFileIsAnError) {
    Overlay overlay(tree.root());
    overlay.write("fs/proc/x.c", "patched\n");
    const std::string way = "arch/kvm/../../fs/proc/x.c";
    try {
        overlay.check_dependencies({way}, overlay.root(), "fs/inode.c");
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("fs/inode.c: includes the unpatched fs/proc/x.c by way of '" + way + "'"));
    }
    overlay.make_folders_real(way);
    EXPECT_NO_THROW(overlay.check_dependencies({way}, overlay.root(), "fs/inode.c"));
    EXPECT_EQ(read_text(overlay.root() / way), "patched\n");
}

// Where the object tree is another folder, names are relative to that.
TEST_F(Overlays, DependenciesAreRelativeToTheFolderOfTheCompiler) {
    Overlay overlay(tree.root());
    overlay.write("fs/proc/x.c", "patched\n");
    const std::string original = (tree.root() / "fs/proc/x.c").lexically_relative(tree.root() / "include").string();
    EXPECT_THROW(overlay.check_dependencies({original}, tree.root() / "include", "fs/inode.c"), Error);
    EXPECT_NO_THROW(overlay.check_dependencies({"fs/proc/x.c"}, overlay.root(), "fs/inode.c"));
}

TEST_F(Overlays, DependencyThatCannotBeLookedAtIsAnError) {
    Overlay overlay(tree.root());
    overlay.write("fs/proc/x.c", "patched\n");
    EXPECT_THROW(overlay.check_dependencies({"gone/x.c"}, overlay.root(), "fs/inode.c"), Error);
}

TEST(DependencyFiles, AreReadLikeMakeDoes) {
    const ScratchTree tree;
    tree.add("x.d", "x.o: fs/x.c \\\n include/a\\ b.h include/c$$d.h\n");
    EXPECT_THAT(read_dependency_file(tree.root() / "x.d"), ElementsAre("fs/x.c", "include/a b.h", "include/c$d.h"));
}

}  // namespace
}  // namespace klp::source
