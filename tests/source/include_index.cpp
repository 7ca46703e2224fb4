// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "scratch_tree.hpp"
#include "source/include_scan.hpp"
#include "source/includes.hpp"

namespace klp::source {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(Includes, AreFoundOnTheirOwnLinesOnly) {
    const FileIncludes found = find_includes(
        "#include <a.h>\n  # \tinclude\t\"b.h\" // x\nx #include <no.h>\n#include MACRO(1)\n"
        "#if include <no.h>\n#include \"cut\n#include_next <d.h>\n#included <no.h>\n#include <c.h>");
    EXPECT_THAT(found.names, ElementsAre("<a.h>", "\"b.h\"", "<d.h>", "<c.h>"));
    EXPECT_THAT(found.computed, ElementsAre("MACRO(1)"));
}

TEST(Includes, OfCompilerOptions) {
    const auto options = find_options(
        "F := -include $(srctree)/include/linux/k.h \\\n\t-include a.h -DX=\"y.h\" -DZ=1\n"
        "-include $(V)\n",
        {"X"});
    EXPECT_THAT(options.included, ElementsAre("include/linux/k.h", "a.h"));
    ASSERT_EQ(options.definitions.size(), 1U);
    EXPECT_EQ(options.definitions[0].name, "X");
    EXPECT_EQ(options.definitions[0].text, "=\"y.h\"");
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
    [[nodiscard]] std::set<std::string> reaching(const std::string& path, std::string_view arch = {}) const {
        return IncludeIndex::scan({tree.root()}, arch, 2).sources_reaching(path);
    }
    ScratchTree tree;
};

TEST_F(IncludeReach, LeadsToAssembly) {
    EXPECT_THAT(reaching("fs/flags.h"), ElementsAre("fs/entry.S"));
}

TEST_F(IncludeReach, FollowsHeaders) {
    EXPECT_THAT(reaching("include/linux/y.h"), ElementsAre("fs/a.c"));
}

TEST_F(IncludeReach, QuotedNameMeansTheOwnFolderFirst) {
    EXPECT_THAT(reaching("fs/internal.h"), ElementsAre("fs/a.c"));
    EXPECT_THAT(reaching("mm/internal.h"), ElementsAre("mm/b.c"));
}

TEST_F(IncludeReach, KnowsIncludedCFiles) {
    EXPECT_THAT(
        IncludeIndex::scan({tree.root()}, {}, 2).included_c_files(),
        ElementsAre(Pair("mm/part.c", ElementsAre("mm/all.c")), Pair("mm/wrapped.c", ElementsAre("mm/uses.c"))));
}

TEST_F(IncludeReach, FileOfAnyKindMayBeIncluded) {
    tree.add("mm/table.tmpl", "#include <linux/y.h>\n");
    tree.add("mm/other.tmpl", "#include <linux/y.h>\n");
    tree.add("mm/t.c", "#include \"table.tmpl\"\n");
    EXPECT_THAT(reaching("include/linux/y.h"), ElementsAre("fs/a.c", "mm/t.c"));
}

// The trace headers' way: the header that is patched says itself under which name define_trace.h includes it.
TEST_F(IncludeReach, ByWayOfMacros) {
    tree.add("include/trace/define.h", "#define INC(x) STR(DIR/x.h)\n#include INC(TRACE_FILE)\n");
    tree.add("include/linux/str.h", "#define STR(x...) #x\n");
    tree.add("net/net-trace.h",
             "#define TRACE_FILE net-trace\n#define DIR ../../net\n#include <trace/define.h>\n"
             "#include <net/fields.h>\n");
    tree.add("include/net/fields.h", "");
    tree.add("net/n.c", "#include \"net-trace.h\"\n");
    tree.add("fs/fs-trace.h", "#define TRACE_FILE fs-trace\n#include <trace/define.h>\n");
    tree.add("fs/f.c", "#include \"fs-trace.h\"\n");
    tree.add("mm/unnamed.h", "");
    EXPECT_THAT(reaching("net/net-trace.h"), ElementsAre("net/n.c"));
    EXPECT_THAT(reaching("include/net/fields.h"), ElementsAre("net/n.c"));
    EXPECT_THAT(reaching("mm/unnamed.h"), IsEmpty());
}

TEST(NamesItself, WhereNameAndFolderAreItsOwn) {
    const auto is_own = [](std::string_view path, std::string_view file, std::string_view folder) {
        std::string text = "#undef TRACE_SYSTEM\n#define TRACE_SYSTEM sys\n";
        if (!file.empty()) text += fmt::format("#define TRACE_INCLUDE_FILE {}\n", file);
        if (!folder.empty()) text += fmt::format("#define TRACE_INCLUDE_PATH {}\n", folder);
        return names_itself(path, text);
    };
    EXPECT_TRUE(is_own("include/trace/events/sys.h", "", ""));
    EXPECT_FALSE(is_own("include/trace/sys.h", "", ""));
    EXPECT_FALSE(is_own("include/trace/events/sched.h", "", ""));
    EXPECT_TRUE(is_own("net/trace.h", "trace", "."));
    EXPECT_FALSE(is_own("net/traces.h", "trace", "."));
    EXPECT_FALSE(is_own("net/trace.c", "trace", "."));
    EXPECT_TRUE(is_own("net/tipc/trace.h", "trace", "../../net/tipc"));
    EXPECT_FALSE(is_own("net/tipc/trace.h", "trace", "../../net/sctp"));
    EXPECT_TRUE(is_own("arch/x86/include/asm/trace/fpu.h", "fpu", "asm/trace/"));
    // Under one condition this, under another one that.
    EXPECT_FALSE(is_own("net/trace.h", "trace\n#define TRACE_INCLUDE_FILE other", "."));
    EXPECT_FALSE(is_own("net/trace.h", "trace", ".\n#define TRACE_INCLUDE_PATH ../fs"));
    EXPECT_FALSE(is_own("net/trace.h", "NAME", "."));
}

// Two headers of one name, and the folder of others: who says `trace` of a folder does not mean the file.
TEST_F(IncludeReach, FoldersNamesAreNotThoseOfFiles) {
    tree.add("include/trace/define.h", "#define INC(x) STR(DIR/x.h)\n#include INC(TRACE_FILE)\n");
    tree.add("net/trace.h", "#define TRACE_FILE trace\n#define DIR ../../net\n#include <trace/define.h>\n");
    tree.add("net/n.c", "#include \"trace.h\"\n");
    for (const char* name : {"one", "two"}) {
        tree.add(fmt::format("include/trace/{}.h", name),
                 fmt::format("#define TRACE_FILE {}\n#define DIR trace/ events\n#include <trace/define.h>\n", name));
        tree.add(fmt::format("fs/{}.c", name), fmt::format("#include <trace/{}.h>\n", name));
    }
    EXPECT_THAT(reaching("net/trace.h"), ElementsAre("net/n.c"));
    EXPECT_THAT(reaching("include/trace/one.h"), ElementsAre("fs/one.c"));
}

// The definition and the computed include meet in one unit only.
TEST_F(IncludeReach, ByWayOfAMacroDefinedElsewhere) {
    tree.add("include/linux/magic.h", "#include MAGIC_FILE\n");
    tree.add("include/linux/genl.h", "int genl;\n");
    tree.add("fs/api.h", "#define MAGIC_FILE <linux/genl.h>\n#include <linux/magic.h>\n");
    tree.add("fs/m.c", "#include \"api.h\"\n");
    tree.add("fs/other.c", "#define MAGIC_FILE <linux/y.h>\n#include <linux/magic.h>\n");
    EXPECT_THAT(reaching("include/linux/genl.h"), ElementsAre("fs/m.c"));
    EXPECT_THAT(reaching("include/linux/y.h"), ElementsAre("fs/a.c", "fs/other.c"));
}

TEST_F(IncludeReach, NameMayBePasted) {
    tree.add("fs/p.c", "#define NAME(x) STR(x##gs.h)\n#include NAME(fla)\n");
    EXPECT_THAT(reaching("fs/flags.h"), ElementsAre("fs/entry.S", "fs/p.c"));
    EXPECT_THAT(reaching("fs/internal.h"), ElementsAre("fs/a.c"));
}

TEST_F(IncludeReach, NameDefinedByAnOptionOfTheCompiler) {
    tree.add("fs/p.c", "#include CONFIGURED\n");
    tree.add("fs/Makefile", "ccflags-y += -DCONFIGURED=\\\"flags.h\\\"\n");
    EXPECT_THAT(reaching("fs/flags.h"), ElementsAre("fs/entry.S", "fs/p.c"));
    EXPECT_THAT(reaching("fs/internal.h"), ElementsAre("fs/a.c"));
}

TEST_F(IncludeReach, OptionsIncludeForAll) {
    tree.add("Makefile", "LINUXINCLUDE := -include $(srctree)/include/linux/forced.h\n");
    tree.add("include/linux/forced.h", "#include <linux/inner.h>\n");
    tree.add("include/linux/inner.h", "");
    EXPECT_THAT(reaching("include/linux/inner.h"), testing::Contains("mm/b.c"));
    EXPECT_THAT(reaching("include/linux/forced.h"), testing::Contains("fs/entry.S"));
}

TEST_F(IncludeReach, OtherArchitecturesCountWhereSomethingLeadsThere) {
    tree.add("arch/arm/a.c", "#include <linux/y.h>\n");
    tree.add("arch/arm64/b.c", "#include <linux/y.h>\n");
    tree.add("arch/x86/c.c", "#include <linux/y.h>\n");
    tree.add("arch/arm64/xen/Makefile", "obj-y += ../../arm/a.o\n");
    EXPECT_THAT(reaching("include/linux/y.h", "x86"), ElementsAre("arch/x86/c.c", "fs/a.c"));
    EXPECT_THAT(reaching("include/linux/y.h", "arm64"), ElementsAre("arch/arm/a.c", "arch/arm64/b.c", "fs/a.c"));
}

TEST_F(IncludeReach, PatchMayAddAnInclude) {
    const IncludeIndex index = IncludeIndex::scan({tree.root()}, {}, 2).with({{"mm/b.c", "#include <linux/y.h>\n"}});
    EXPECT_THAT(index.sources_reaching("include/linux/y.h"), ElementsAre("fs/a.c", "mm/b.c"));
    EXPECT_THAT(index.sources_reaching("mm/internal.h"), IsEmpty());
}

}  // namespace
}  // namespace klp::source
