// SPDX-License-Identifier: GPL-2.0-or-later
// What a guest says of patched functions and of ftrace, compared.
#include "guest/hooks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.hpp"
#include "base/process.hpp"
#include "support/assemble.hpp"

namespace klp::guest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Two functions `twin`, `show` with another name, and `overlooked`: its record is behind endbr64, and the kernel meets
// that of the body behind it.
constexpr std::string_view kernel_text = R"(
    .text
    .globl _stext, _end, __start_mcount_loc, __stop_mcount_loc
    _stext:
    .p2align 4
    .globl show_alias
    .type show_alias, @function
    .type show, @function
    show_alias: show: .nops 5
    ret
    .p2align 4
    .type overlooked, @function
    overlooked: .byte 0xf3, 0x0f, 0x1e, 0xfa
    1: .nops 5
    ret
    .size overlooked, . - overlooked
    2: .nops 5
    3: .nops 5
    .p2align 4
    .type other, @function
    other: .nops 5
    .data
    .p2align 3
    __start_mcount_loc: .quad show, 1b, 2b, other
    __stop_mcount_loc: .quad 0
    _end:
)";

class Hooks : public testing::Test {
protected:
    Hooks() {
        ::setenv("KLPKIT_CACHE", (folder_.path() / "cache").c_str(), 1);
        test::assemble(kernel_text).write_to(folder_.path() / "vmlinux.o");
        Command linker;
        linker.argv = {"ld",
                       "-Ttext=0xffffffff81000000",
                       "-e",
                       "0",
                       "-o",
                       (folder_.path() / "vmlinux").string(),
                       (folder_.path() / "vmlinux.o").string()};
        run_checked(linker, "linking a kernel");
        write_file(folder_.path() / "config", "CONFIG_LIVEPATCH=y\nCONFIG_DYNAMIC_FTRACE=y\n");
    }
    ~Hooks() override { ::unsetenv("KLPKIT_CACHE"); }

    [[nodiscard]] std::vector<std::string> problems(std::string_view report) const {
        kernel::Manifest manifest;
        manifest.name = manifest.release = "1.0-tiny";
        manifest.arch = "x86_64";
        manifest.vmlinux = manifest.image = folder_.path() / "vmlinux";
        manifest.config = folder_.path() / "config";
        return not_replaced(kernel::Kernel(manifest), report);
    }

private:
    TempDir folder_{"klp-test"};
};

TEST_F(Hooks, AreThereWhereTheFunctionIsRedirected) {
    EXPECT_THAT(problems("patched vmlinux show,1\nshow (1) R I     \ttramp: 0xffffffffc0000000 (f+0x0/0x10)\n"),
                IsEmpty());
    // By another of its names.
    EXPECT_THAT(problems("patched vmlinux show,1\nshow_alias (1) R I\n"), IsEmpty());
    EXPECT_THAT(problems("patched late f,1\nf [late] (1) R I\n"), IsEmpty());
    EXPECT_THAT(problems(""), IsEmpty());
}

TEST_F(Hooks, AreNotThereOtherwise) {
    const std::string sentence = "'show' of vmlinux is not replaced, though the kernel says that it is patched";
    EXPECT_THAT(problems("patched vmlinux show,1\n"), ElementsAre(HasSubstr(sentence)));
    EXPECT_THAT(problems("patched vmlinux show,1\nother (1) R I\n"), ElementsAre(HasSubstr(sentence)));
    // Traced, and no more.
    EXPECT_THAT(problems("patched vmlinux show,1\nshow (1)           \ttramp: 0x1 (I)\n"),
                ElementsAre(HasSubstr(sentence)));
    EXPECT_THAT(problems("patched vmlinux show,1\nshow [late] (1) R I\n"), ElementsAre(HasSubstr(sentence)));
    EXPECT_THAT(problems("patched late f,1\nf (1) R I\n"), ElementsAre(HasSubstr("'f' of late")));
}

TEST_F(Hooks, OfFunctionsOfOneNameAreCounted) {
    EXPECT_THAT(problems("patched late f,1\npatched late f,2\nf [late] (1) R I\n"),
                ElementsAre(HasSubstr("'f' of late")));
    EXPECT_THAT(problems("patched late f,1\npatched late f,2\nf [late] (1) R I\nf [late] (1) R I\n"), IsEmpty());
    // Two livepatches of one function have one hook.
    EXPECT_THAT(problems("patched late f,1\npatched late f,1\nf [late] (2) R I\n"), IsEmpty());
}

// ftrace prints the name of the symbol, wherever in its range the record is.
TEST_F(Hooks, ElsewhereAreNone) {
    EXPECT_THAT(problems("patched vmlinux overlooked,1\noverlooked (1) R I\n"),
                ElementsAre(HasSubstr("meets the one at 0xa behind its start")));
}

}  // namespace
}  // namespace klp::guest
