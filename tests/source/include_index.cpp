// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include "scratch_tree.hpp"
#include "source/includes.hpp"

namespace klp::source {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Includes, AreFoundOnTheirOwnLinesOnly) {
    EXPECT_THAT(find_includes("#include <a.h>\n  # \tinclude\t\"b.h\" // x\nx #include <no.h>\n#include MACRO\n"
                              "#if include <no.h>\n#include \"cut\n#include <c.h>"),
                ElementsAre("<a.h>", "\"b.h\"", "<c.h>"));
}

class IncludeReach : public testing::Test {
protected:
    IncludeReach() {
        tree.add("include/linux/x.h", "#include <linux/y.h>\n");
        tree.add("include/linux/y.h", "int y;\n");
        tree.add("fs/a.c", "#include <linux/x.h>\n#include \"internal.h\"\n");
        tree.add("fs/internal.h", "");
        tree.add("mm/internal.h", "");
        tree.add("mm/b.c", "#include \"internal.h\"\n");
        tree.add("mm/all.c", "#include \"part.c\"\n");
        tree.add("mm/part.c", "");
        tree.add("mm/wrapper.h", "#include \"wrapped.c\"\n");
        tree.add("mm/wrapped.c", "");
        tree.add("mm/uses.c", "#include \"../mm/wrapper.h\"\n");
        tree.add("fs/entry.S", "#include \"flags.h\"\n");
        tree.add("fs/flags.h", "");
        tree.add("tools/t.c", "#include <linux/y.h>\n");
        tree.add("Documentation/d.c", "#include <linux/y.h>\n");
    }
    ScratchTree tree;
};

TEST_F(IncludeReach, LeadsToAssembly) {
    EXPECT_THAT(IncludeIndex::scan({tree.root()}, 2).sources_reaching("fs/flags.h"), ElementsAre("fs/entry.S"));
}

TEST_F(IncludeReach, FollowsHeaders) {
    const IncludeIndex index = IncludeIndex::scan({tree.root()}, 2);
    EXPECT_THAT(index.sources_reaching("include/linux/y.h"), ElementsAre("fs/a.c"));
}

TEST_F(IncludeReach, QuotedNameMeansTheOwnFolderFirst) {
    const IncludeIndex index = IncludeIndex::scan({tree.root()}, 2);
    EXPECT_THAT(index.sources_reaching("fs/internal.h"), ElementsAre("fs/a.c"));
    EXPECT_THAT(index.sources_reaching("mm/internal.h"), ElementsAre("mm/b.c"));
}

TEST_F(IncludeReach, KnowsIncludedCFiles) {
    const IncludeIndex index = IncludeIndex::scan({tree.root()}, 2).of_c_files();
    EXPECT_THAT(index.sources_reaching("mm/part.c"), ElementsAre("mm/all.c"));
    EXPECT_THAT(index.sources_reaching("mm/wrapped.c"), ElementsAre("mm/uses.c"));
    EXPECT_THAT(index.sources_reaching("fs/a.c"), IsEmpty());
}

TEST_F(IncludeReach, AllAndPartAgree) {
    const IncludeIndex all = IncludeIndex::scan({tree.root()}, 2);
    const IncludeIndex part = all.of_c_files();
    for (const auto& [path, includes] : all.files()) {
        if (path.ends_with(".c")) {
            EXPECT_EQ(all.sources_reaching(path), part.sources_reaching(path)) << path;
        }
    }
}

TEST_F(IncludeReach, PatchMayAddAnInclude) {
    IncludeIndex index = IncludeIndex::scan({tree.root()}, 2);
    index.replace("mm/b.c", "#include <linux/y.h>\n");
    EXPECT_THAT(index.sources_reaching("include/linux/y.h"), ElementsAre("fs/a.c", "mm/b.c"));
    EXPECT_THAT(index.sources_reaching("mm/internal.h"), IsEmpty());
}

}  // namespace
}  // namespace klp::source
