// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/added_macros.hpp"

#include <gmock/gmock.h>

#include "scratch_tree.hpp"

namespace klp::source {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(AddedMacros, AreThoseWithoutParametersInAddedLines) {
    ScratchTree tree;
    tree.add("a.h", "#define OLD 1\nx\n");
    tree.add("b.h", "x\n");
    PatchedFiles files(tree.root());
    Diagnostics diagnostics;
    files.apply(
        parse_patch("--- a/a.h\n+++ b/a.h\n@@ -1,2 +1,9 @@\n #define OLD 1\n"
                    "+#define IDLE\t(1 << 2) /* idle */ // so\n+ # define BUSY 8\n+#define F(x) x\n+#define LONG 1 \\\n"
                    "+\t+ 2\n+#define EMPTY\n+#define TWICE 1\n x\n"
                    "--- a/b.h\n+++ b/b.h\n@@ -1,1 +1,3 @@\n+#define TWICE 2\n+#defined NOT 1\n x\n",
                    "x.patch"),
        diagnostics);
    ASSERT_TRUE(diagnostics.findings().empty());
    EXPECT_THAT(added_macros(files), ElementsAre(Pair("BUSY", "8"), Pair("EMPTY", ""), Pair("IDLE", "(1 << 2)"),
                                                 Pair("LONG", ""), Pair("TWICE", "")));
}

}  // namespace
}  // namespace klp::source
