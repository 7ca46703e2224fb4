// SPDX-License-Identifier: GPL-2.0-or-later
// What the tables of a livepatch name, looked for among the kernel's symbols.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/tiny_source.hpp"

namespace klp::convert::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> findings_of(std::string_view of_vmlinux) {
    TinySource kernel;
    kernel.set("late", {{0x10, 't', "from_late"}});
    std::string text =
        klp::test::replaced(klp::test::sound_text, "late_funcs: .quad .Lshow", "late_funcs: .quad .Lown");
    text = klp::test::replaced(text, ".Lshow: .string \"show\"",
                               ".Lown: .string \"from_late\"\n.Lshow: .string \"" + std::string(of_vmlinux) + "\"");
    Diagnostics findings;
    check_functions(elf::Object::read(module_bytes(text), "test.ko"), kernel, findings);
    std::vector<std::string> lines;
    for (const Finding& each : findings.findings()) {
        EXPECT_EQ(each.id, "convert.function");
        lines.push_back(each.message);
        lines.insert(lines.end(), each.notes.begin(), each.notes.end());
    }
    return lines;
}

TEST(ConvertFunctions, AreLookedFor) {
    EXPECT_THAT(findings_of("from_vmlinux"), IsEmpty());
    EXPECT_THAT(findings_of("from_vmlinx"),
                ElementsAre("vmlinux has no symbol 'from_vmlinx'", "there is 'from_vmlinux' of vmlinux"));
    EXPECT_THAT(findings_of("twice"), ElementsAre(HasSubstr("'twice' is there 2 times in vmlinux")));
    EXPECT_THAT(findings_of("init_helper"), ElementsAre(HasSubstr("is in init memory, which is gone")));
    EXPECT_THAT(findings_of("counter"), ElementsAre("'counter' of vmlinux is no code"));
}

}  // namespace
}  // namespace klp::convert::test
