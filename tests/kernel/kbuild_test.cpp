// SPDX-License-Identifier: GPL-2.0-or-later
// Kbuild against a source tree of a few lines that prints commands as the kernel's does.
#include "kernel/kbuild.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <set>

namespace klp::kernel {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr std::string_view top_makefile = R"(
export KBUILD_CFLAGS := -O2 -g $(if $(CROSS_COMPILE),-cross)
export DEBUG_CFLAGS := -g
export KBUILD_LDFLAGS := -m elf_x86_64 -z 'no exec'
export abs_objtree := $(CURDIR)
export srctree := .
export CC
# As in 5.10: objtool is not made where the compiler of the machine has no libelf.
has_libelf = 0
ifneq ($(has_libelf),1)
SKIP_STACK_VALIDATION := 1
export SKIP_STACK_VALIDATION
endif
)";

// The dry run prints what scripts/Makefile.build:rule_cc_o_c would: traps, the compiler with its dependency
// file, objtool, recordmcount behind a shell `if`, and genksyms with one more compiler command.
constexpr std::string_view makefile_build = R"(
# Newer kernels take the source folder to be in the tree unless they are told.
src := $(if $(filter /%,$(obj)),no-such-folder,$(obj))
kbuild-file := $(src)/Makefile
include $(kbuild-file)
KBUILD_SUBDIR_CCFLAGS := $(KBUILD_SUBDIR_CCFLAGS) $(subdir-ccflags-y)
export KBUILD_SUBDIR_CCFLAGS
real-obj-y := $(addprefix $(obj)/,$(obj-y))
real-obj-m := $(addprefix $(obj)/,$(obj-m))
flags = -Wp,-MMD,$(@D)/.x.d $(KBUILD_CFLAGS) $(KBUILD_SUBDIR_CCFLAGS) $(if $(filter $@,$(real-obj-m)),-DMODULE)
$(obj)/%.o: $(src)/%.c
	set -e; trap 'rm -f $@; kill -s HUP $$$$' HUP; $(CC) $(flags) -DKBUILD_MODFILE='"$(obj)/a-b $(obj)/c"' -c -o $@ $< ; $(if $(SKIP_STACK_VALIDATION),,./tools/objtool/objtool --orc $@;) fixdep '$(CC) -c -o $@ $<' > x.cmd
	if [ $@ != "x" ]; then ./scripts/recordmcount  "$@"; fi; if nm $@ | grep -q x; then $(CC) -E $(flags) $<; fi
$(obj)/%.o: $(src)/%.S
	$(CC) $(flags) -c -o $@ $<
)";

class KbuildTest : public testing::Test {
protected:
    KbuildTest() {
        setenv("KLPKIT_CACHE", (folder_.path() / "cache").c_str(), 1);
        file("Makefile", top_makefile);
        file("scripts/Makefile.build", makefile_build);
        file("include/config/auto.conf", "CONFIG_X=y\n");
        file("fs/Makefile", "subdir-ccflags-y := -DFROM_ABOVE='\"x y\"'\n");
        file("fs/proc/Makefile", "obj-y := meminfo.o libxfs/alloc.o\nobj-m := ext.o\n");
        for (const char* source : {"meminfo.c", "ext.c", "other.c", "entry.S", "libxfs/alloc.c"})
            file(std::string("fs/proc/") + source, "");
        file("config", "CONFIG_CC_IS_GCC=y\nCONFIG_CC_VERSION_TEXT=\"" + compiler_version() + "\"\n");
        Manifest manifest;
        manifest.name = manifest.release = "6.1.0-test";
        manifest.arch = "x86_64";
        manifest.source = tree();
        manifest.config = tree() / "config";
        manifest.vmlinux = tree() / "vmlinux";
        kernel_.emplace(manifest);
    }
    ~KbuildTest() override { unsetenv("KLPKIT_CACHE"); }

    static std::string compiler_version() {
        const std::string text =
            run_checked({{"gcc", "--version"}, {}, {{"LC_ALL", "C"}}, false, {}, {}, {}}, "gcc").output;
        return text.substr(0, text.find('\n'));
    }
    fs::path tree() const { return folder_.path() / "tree"; }
    void file(const fs::path& name, std::string_view text) const {
        fs::create_directories((tree() / name).parent_path());
        write_file(tree() / name, text);
    }
    std::vector<std::string> files_of_tree() const {
        std::vector<std::string> files;
        for (const auto& entry : fs::recursive_directory_iterator(tree())) files.push_back(entry.path());
        std::ranges::sort(files);
        return files;
    }

    TempDir folder_;
    std::optional<Kernel> kernel_;
};

TEST_F(KbuildTest, GivesTheCompilerCommandOfAnObject) {
    const CompileCommand command = Kbuild(*kernel_).look_up("fs/proc/meminfo.o", true).command.value();
    EXPECT_EQ(command.source, "fs/proc/meminfo.c");
    EXPECT_EQ(command.directory, tree());
    EXPECT_EQ(command.part, ObjectPart::builtin);
    EXPECT_THAT(command.compiler, Contains("-O2"));
    EXPECT_THAT(command.compiler, Contains("-fdata-sections"));
    for (const char* gone : {"-g", "-o", "fs/proc/meminfo.o", "fs/proc/meminfo.c", "-Wp,-MMD,fs/proc/.x.d"})
        EXPECT_THAT(command.compiler, Not(Contains(gone)));
    EXPECT_THAT(command.object_tools,
                ElementsAre(ElementsAre("./tools/objtool/objtool", "--orc"), ElementsAre("./scripts/recordmcount")));
}

// As Makefiles have it from 6.13 on: what __FILE__ says of headers in the image decides.
TEST_F(KbuildTest, HeadersHaveTheNamesThatTheImageSays) {
    file("Makefile", std::string(top_makefile) +
                         "ifdef building_out_of_srctree\nKBUILD_CFLAGS += -fmacro-prefix-map=$(srcroot)/=\nendif\n"
                         "KBUILD_CFLAGS += $(KCPPFLAGS)\n");
    const auto is_mapped = [&](std::string_view image) {
        file("vmlinux", image);
        fs::remove_all(folder_.path() / "cache");
        const auto compiler = Kbuild(*kernel_).look_up("fs/proc/meminfo.o", true).command.value().compiler;
        return std::ranges::find(compiler, "-fmacro-prefix-map=./=") != compiler.end();
    };
    using namespace std::string_view_literals;
    EXPECT_TRUE(is_mapped("x\0include/linux/a.h\0"sv));
    EXPECT_FALSE(is_mapped("x\0./include/linux/a.h\0"sv));
    EXPECT_FALSE(is_mapped("x\0./include/linux/a.h\0include/linux/b.h\0"sv));
    EXPECT_FALSE(is_mapped("x"));
}

TEST_F(KbuildTest, KnowsTheModulesOfAnObject) {
    const CompileCommand command = Kbuild(*kernel_).look_up("fs/proc/ext.o", false).command.value();
    EXPECT_EQ(command.part, ObjectPart::module);
    EXPECT_THAT(command.modules, ElementsAre("a_b", "c"));
    EXPECT_THAT(command.compiler, Not(Contains("-ffunction-sections")));
}

TEST_F(KbuildTest, TakesFlagsAndRulesFromFoldersAbove) {
    const Kbuild kbuild(*kernel_);
    EXPECT_THAT(kbuild.look_up("fs/proc/meminfo.o", true).command.value().compiler, Contains("-DFROM_ABOVE=\"x y\""));
    EXPECT_EQ(kbuild.look_up("fs/proc/libxfs/alloc.o", true).command.value().part, ObjectPart::builtin);
}

TEST_F(KbuildTest, SaysWhatTheConfigurationLeavesOut) {
    EXPECT_EQ(Kbuild(*kernel_).look_up("fs/proc/other.o", true).command.value().part, ObjectPart::none);
}

TEST_F(KbuildTest, RefusesWhatIsNotMadeFromC) {
    const Kbuild kbuild(*kernel_);
    EXPECT_FALSE(kbuild.look_up("fs/proc/entry.o", true).command.has_value());
    EXPECT_FALSE(kbuild.look_up("fs/proc/nothing.o", true).command.has_value());
}

TEST_F(KbuildTest, PrintsCommandsOfObjectsThatExist) {
    file("fs/proc/meminfo.o", "newer than its source");
    EXPECT_EQ(Kbuild(*kernel_).look_up("fs/proc/meminfo.o", true).command.value().source, "fs/proc/meminfo.c");
}

TEST_F(KbuildTest, CompilesModulesOutsideTheTree) {
    const TempDir outside;
    write_file(outside.path() / "Makefile", std::string_view("obj-m := extra.o\n"));
    write_file(outside.path() / "extra.c", std::string_view(""));
    const CompileCommand command = Kbuild(*kernel_).module_command(outside.path(), "extra");
    EXPECT_EQ(command.source, (outside.path() / "extra.c").string());
    EXPECT_THAT(command.compiler, Contains("-DMODULE"));
}

TEST_F(KbuildTest, WritesNothingIntoTheTreeAndAsksTheTopMakefileOnce) {
    file("Makefile", std::string(top_makefile) + "-include again.mk\n");
    const std::vector<std::string> before = files_of_tree();
    (void)Kbuild(*kernel_).look_up("fs/proc/meminfo.o", true).command.value();
    EXPECT_EQ(files_of_tree(), before);
    file("again.mk", "$(error asked again)\n");
    EXPECT_NO_THROW((void)Kbuild(*kernel_).look_up("fs/proc/meminfo.o", true).command.value());
}

TEST_F(KbuildTest, AsksAgainWhereTheAnswerIsDamagedOrOfAnotherTree) {
    const auto asks = [&] { return Kbuild(*kernel_).words("KBUILD_LDFLAGS"); };
    const std::vector<std::string> answer = asks();
    for (const auto& entry : fs::directory_iterator(kernel_->cache_folder()))
        write_file(entry.path(), read_text(entry.path()).substr(0, 600));
    EXPECT_EQ(asks(), answer);
    file("Makefile", std::string(top_makefile) + "$(error asked again)\n");
    EXPECT_THROW(asks(), Error);
}

// A compiler of the same version that makes other code: a wrapper with options of its own.
TEST_F(KbuildTest, KnowsACompilerByMoreThanItsVersion) {
    const auto identity = [&] { return Kernel(kernel_->manifest()).compiler().identity; };
    const std::string before = identity();
    EXPECT_EQ(identity(), before);
    const std::string path = std::getenv("PATH");
    const fs::path compiler = *find_program("gcc");
    file("bin/gcc", fmt::format("#!/bin/sh\nexec {} -fno-inline \"$@\"\n", compiler.string()));
    fs::permissions(tree() / "bin/gcc", fs::perms(0755));
    setenv("PATH", ((tree() / "bin").string() + ":" + path).c_str(), 1);
    const std::string wrapped = identity();
    // The same wrapper, whose options are elsewhere.
    file("bin/options", "-O1");
    file("bin/gcc",
         fmt::format("#!/bin/sh\nexec {} $(cat {}/bin/options) \"$@\"\n", compiler.string(), tree().string()));
    fs::permissions(tree() / "bin/gcc", fs::perms(0755));
    const std::string with_options = identity();
    file("bin/options", "-O3");
    const std::string with_others = identity();
    // Another assembler, which the compiler looks for in PATH.
    fs::remove(tree() / "bin/gcc");
    file("bin/as", "#!/bin/sh\nexec /usr/bin/as \"$@\"\n");
    fs::permissions(tree() / "bin/as", fs::perms(0755));
    const std::string assembled = identity();
    setenv("PATH", path.c_str(), 1);
    EXPECT_THAT((std::set{before, wrapped, with_options, with_others, assembled}), SizeIs(5));
    EXPECT_EQ(identity(), before);
}

TEST_F(KbuildTest, SplitsVariablesAsAShellWould) {
    EXPECT_THAT(Kbuild(*kernel_).words("KBUILD_LDFLAGS"), ElementsAre("-m", "elf_x86_64", "-z", "no exec"));
    EXPECT_THAT(Kbuild(*kernel_).words("NO_SUCH_VARIABLE"), IsEmpty());
}

TEST_F(KbuildTest, TellsThatATreeIsNotPrepared) {
    fs::remove(tree() / "include/config/auto.conf");
    try {
        (void)Kbuild(*kernel_);
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("not prepared"));
    }
}

TEST_F(KbuildTest, TellsAssemblyOfTheKernelFromOther) {
    const auto answer = [&] { return Kbuild(*kernel_).look_up("fs/proc/entry.o", true); };
    EXPECT_FALSE(answer().command);
    EXPECT_FALSE(answer().is_assembly);
    file("fs/proc/Makefile", "obj-y := entry.o\n");
    EXPECT_FALSE(answer().command);
    EXPECT_TRUE(answer().is_assembly);
    EXPECT_THAT(answer().why_not, HasSubstr("not a C file"));
}

// A make that stands before the real one in PATH from the second question on.
class DyingMake : public KbuildTest, public testing::WithParamInterface<const char*> {
protected:
    DyingMake() : kbuild_(*kernel_) {
        write_file(folder_.path() / "make", fmt::format("#!/bin/sh\n{}\n", GetParam()), fs::perms(0755));
        setenv("PATH", (folder_.path().string() + ":" + path_).c_str(), 1);
    }
    ~DyingMake() override { setenv("PATH", path_.c_str(), 1); }

    std::string path_ = getenv("PATH");
    Kbuild kbuild_;
};

TEST_P(DyingMake, IsNotAnAnswer) {
    for (const char* object : {"fs/proc/meminfo.o", "fs/proc/other.o", "fs/proc/nothing.o"})
        EXPECT_THROW((void)kbuild_.look_up(object, true), Error) << object;
}

INSTANTIATE_TEST_SUITE_P(
    Ways, DyingMake,
    testing::Values("kill -9 $$", "kill -TERM $$", "exit 1", "exit 2", "exit 127",
                    "echo 'make: *** virtual memory exhausted.  Stop.' >&2; exit 2",
                    "echo 'make: fork: Cannot allocate memory' >&2",
                    "echo 'fs/Makefile:3: pipe: Too many open files' >&2", "echo '/bin/sh: 1: Cannot fork' >&2; exit 2",
                    "echo 'fs/proc/Makefile: Permission denied' >&2;"
                    "echo \"make: *** No rule to make target 'fs/proc/Makefile'.  Stop.\" >&2; exit 2",
                    "echo 'make: *** [fs/proc/Makefile:3: fs/proc/x] Error 1' >&2; exit 2"));

TEST_F(KbuildTest, TakesMakefilesAtTheirWord) {
    fs::remove(tree() / "fs/Makefile");
    const Kbuild kbuild(*kernel_);
    EXPECT_THAT(kbuild.look_up("fs/proc/nothing.o", true).why_not, HasSubstr("No rule to make target"));
    // A part of another Makefile, which alone makes no sense.
    file("fs/proc/Makefile", "include $(src)/no-such-folder/Kbuild\n");
    EXPECT_THAT(kbuild.look_up("fs/proc/meminfo.o", true).why_not, HasSubstr("No such file or directory"));
    file("fs/proc/Makefile", "$(error CONFIG_X is not set)\n");
    EXPECT_THAT(kbuild.look_up("fs/proc/meminfo.o", true).why_not, HasSubstr("CONFIG_X is not set"));
}

TEST_F(KbuildTest, DoesNotLeaveOutWhatCannotBeMade) {
    fs::remove(tree() / "fs/Makefile");
    file("fs/proc/Makefile", "obj-y := meminfo.o\n$(obj)/meminfo.o: $(obj)/not-generated.h\n");
    EXPECT_THROW((void)Kbuild(*kernel_).look_up("fs/proc/meminfo.o", true), Error);
    file("fs/proc/Makefile", "obj-y := other.o\n$(obj)/meminfo.o: $(obj)/not-generated.h\n");
    EXPECT_FALSE(Kbuild(*kernel_).look_up("fs/proc/meminfo.o", true).command);
}

}  // namespace
}  // namespace klp::kernel
