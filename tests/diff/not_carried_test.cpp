// SPDX-License-Identifier: GPL-2.0-or-later
// What a patch says and no module does: notes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "diff/pair.hpp"

namespace klp::diff {
namespace {

using test::compare_asm;
using test::compare_c;
using test::Compared;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The notes; empty, too, where something was refused.
std::vector<std::string> notes(const Compared& compared) {
    std::vector<std::string> lines;
    if (!compared.result) return lines;
    for (const Finding& each : compared.diagnostics.findings()) {
        EXPECT_EQ(each.severity, Severity::note) << each.message;
        EXPECT_EQ(each.id, "diff.not-carried");
        lines.push_back(each.message);
    }
    return lines;
}

// include/linux/export.h as of 6.1
std::string old_export(const std::string& terms, const std::string& name_space) {
    return ".globl f\n.type f,@function\n.section .text.f,\"ax\"\nf: ret\n.size f,1\n"
           ".section __ksymtab_strings,\"aMS\",%progbits,1\n__kstrtab_f: .asciz \"f\"\n__kstrtabns_f: .asciz \"" +
           name_space + "\"\n.section ___ksymtab" + terms +
           "+f,\"a\"\n.balign 4\n__ksymtab_f: .long f - .\n.long __kstrtab_f - .\n.long __kstrtabns_f - .\n";
}

// include/linux/export.h since 6.5
std::string new_export(const std::string& license, const std::string& name_space) {
    return ".globl f\n.type f,@function\n.section .text.f,\"ax\"\nf: ret\n.size f,1\n"
           ".section .export_symbol,\"a\"\n__export_symbol_f: .asciz \"" +
           license + "\"\n.asciz \"" + name_space + "\"\n.balign 8\n.quad f\n";
}

TEST(NotCarried, TermsOfExports) {
    for (const bool is_new : {false, true}) {
        const auto source = [&](const char* license, const char* name_space) {
            return is_new ? new_export(license, name_space) : old_export(*license == '\0' ? "" : "_gpl", name_space);
        };
        EXPECT_THAT(notes(compare_asm(source("GPL", ""), source("", ""))),
                    ElementsAre(HasSubstr(
                        "'f' is exported for all modules by the patch, but it stays exported for GPL modules")));
        EXPECT_THAT(notes(compare_asm(source("", ""), source("GPL", ""))),
                    ElementsAre(HasSubstr("'f' is exported for GPL modules by the patch")));
        EXPECT_THAT(notes(compare_asm(source("GPL", "OLD"), source("GPL", "NEW"))),
                    ElementsAre(HasSubstr("that import the namespace NEW by the patch, but it stays exported for GPL "
                                          "modules that import the namespace OLD")));
        EXPECT_THAT(notes(compare_asm(source("GPL", ""), source("GPL", "NEW"))),
                    ElementsAre(HasSubstr("namespace NEW")));
        EXPECT_THAT(notes(compare_asm(source("GPL", "NS"), source("GPL", "NS"))), IsEmpty());
        const std::string none = ".globl f\n.type f,@function\n.section .text.f,\"ax\"\nf: ret\n.size f,1\n";
        EXPECT_THAT(notes(compare_asm(none, source("GPL", ""))),
                    ElementsAre(HasSubstr("'f' is not exported: code of")));
        const auto dropped = compare_asm(source("GPL", ""), none);
        ASSERT_EQ(dropped.diagnostics.findings().size(), 1);
        EXPECT_EQ(dropped.diagnostics.findings()[0].id, "diff.entry-stays");
    }
}

std::string information(const std::string& name, const std::string& text) {
    return "__attribute__((used, section(\".modinfo\"))) static const char __UNIQUE_ID_" + name + "[] = \"" + text +
           "\"; int f(int x) { return x; }";
}

TEST(NotCarried, InformationOfModules) {
    constexpr auto none = "int f(int x) { return x; }";
    EXPECT_THAT(
        notes(compare_c(information("description1", "description=a"), information("description2", "description=b"))),
        ElementsAre("the patched object does not get the module information \"description=b\", it keeps "
                    "\"description=a\""));
    EXPECT_THAT(notes(compare_c(none, information("parm1", "parm=x:what x is"))),
                ElementsAre(HasSubstr("does not get the module information \"parm=x:what x is\"")));
    EXPECT_THAT(notes(compare_c(information("alias1", "m.alias=a"), none)),
                ElementsAre(HasSubstr("keeps the module information \"m.alias=a\"")));
    EXPECT_THAT(notes(compare_c(information("license1", "license=GPL"), information("license2", "license=GPL"))),
                IsEmpty());
}

// include/linux/moduleparam.h: struct kernel_param
std::string parameter(const std::string& mode, const std::string& level = "-1", const std::string& variable = "size") {
    return ".globl f\n.type f,@function\n.section .text.f,\"ax\"\nf: ret\n.size f,1\n.bss\n.globl size, other\n"
           ".type size,@object\nsize: .zero 4\n.size size,4\n.type other,@object\nother: .zero 4\n.size other,4\n"
           ".section __param,\"a\"\n.type __param_size,@object\n__param_size: .quad name, __this_module, "
           "param_ops\n.short " +
           mode + "\n.byte " + level + ", 0\n.long 0\n.quad " + variable + "\n.size __param_size,40\n";
}

TEST(NotCarried, PermissionsOfParameters) {
    EXPECT_THAT(notes(compare_asm(parameter("0444"), parameter("0644"))),
                ElementsAre(HasSubstr("'__param_size' change (mode 0644, was 0444)")));
    EXPECT_THAT(notes(compare_asm(parameter("0444"), parameter("0444", "1"))),
                ElementsAre(HasSubstr("'__param_size'")));
    EXPECT_THAT(compare_asm(parameter("0444"), parameter("0644", "-1", "other")).verdict(),
                ElementsAre("refused diff.table"));
}

std::string section_of_code(const std::string& section, const std::string& name, const std::string& body = "") {
    return ".section " + section + ",\"ax\"\n.type " + name + ",@function\n" + name + ":\n" + body + "\nret\n.size " +
           name + ",.-" + name + "\n";
}

TEST(NotCarried, WhatRunsOnceOnly) {
    const std::string f = ".globl f\n" + section_of_code(".text.f", "f");
    const std::string start = section_of_code(".init.text", "start");
    EXPECT_THAT(notes(compare_asm(f, f + start)), ElementsAre("new function 'start' in .init.text is never called: the "
                                                              "kernel or module has started"));
    const std::string call = ".section .initcall6.init,\"a\"\n__initcall__kmod_x__1_2_start6: .long start - .\n";
    EXPECT_THAT(notes(compare_asm(f + start + call, f + start)),
                ElementsAre(HasSubstr("removes '__initcall__kmod_x__1_2_start6' of .initcall6.init")));
    const std::string late = ".section .initcall7.init,\"a\"\n__initcall__kmod_x__1_2_start7: .long start - .\n";
    EXPECT_THAT(compare_asm(f + start + call, f + start + late).verdict(), ElementsAre("refused diff.init-data"));
    const std::string entry = ".globl init_module\n.type init_module,@function\ninit_module = start\n";
    EXPECT_THAT(notes(compare_asm(f + start, f + start + entry)), ElementsAre(HasSubstr("'init_module'")));
    EXPECT_THAT(notes(compare_asm(f + start + entry, f + start)), ElementsAre(HasSubstr("'init_module'")));
    EXPECT_THAT(notes(compare_asm(f + start + entry, f + start + entry)), IsEmpty());
}

// include/linux/module.h: MODULE_DEVICE_TABLE
std::string devices(const std::string& content, const std::string& more = "", bool has_alias = true) {
    return ".globl f\n" + section_of_code(".text.f", "f", more) +
           ".section .rodata.ids,\"a\"\n.type ids,@object\nids: .long " + content + "\n.size ids,.-ids\n" +
           (has_alias ? ".globl __mod_pci__ids_device_table\n.type __mod_pci__ids_device_table,@object\n"
                        "__mod_pci__ids_device_table = ids\n.size __mod_pci__ids_device_table,4\n"
                      : "");
}

TEST(NotCarried, TablesForModpost) {
    EXPECT_THAT(
        notes(compare_asm(devices("1"), devices("2"))),
        ElementsAre("device table '__mod_pci__ids_device_table' changed, but the module's aliases are made when it is "
                    "built"));
    EXPECT_THAT(notes(compare_asm(devices("1"), devices("1", "", false))), ElementsAre(HasSubstr("goes, but")));
    EXPECT_THAT(notes(compare_asm(devices("1", "", false), devices("1"))), ElementsAre(HasSubstr("is new, but")));
    EXPECT_THAT(notes(compare_asm(devices("1"), devices("1"))), IsEmpty());
    const std::string use = "movq $ids, (%rdi)";
    EXPECT_THAT(compare_asm(devices("1", use), devices("2", use)).verdict(),
                ElementsAre("refused diff.constant-identity"));
    // nothing of a new table goes into the module
    const std::string none = ".globl f\n" + section_of_code(".text.f", "f");
    const auto added = compare_asm(none, devices("1"));
    EXPECT_THAT(notes(added), ElementsAre(HasSubstr("is new, but")));
    EXPECT_THAT(added.data(), IsEmpty());
}

TEST(NotCarried, WhereThingsLie) {
    const auto variable = [](const char* section) {
        return std::string("__attribute__((section(\"") + section +
               "\"))) int count = 1; int f(int x) { return x + count; }";
    };
    EXPECT_THAT(notes(compare_c(variable(".data.count"), variable(".data..ro_after_init"))),
                ElementsAre("'count' is in .data..ro_after_init now, was in .data: a livepatch does not move it"));
    EXPECT_THAT(notes(compare_c(variable(".data.count"), variable(".data.x"))), IsEmpty());
    const std::string f = ".globl f\n" + section_of_code(".text.f", "f");
    EXPECT_THAT(notes(compare_asm(f, ".globl f\n" + section_of_code(".sched.text", "f"))),
                ElementsAre("'f' is in .sched.text now, was in .text: a livepatch does not move it"));
    EXPECT_THAT(notes(compare_asm(f, ".globl f\n" + section_of_code(".text.unlikely.f", "f"))), IsEmpty());
    EXPECT_THAT(notes(compare_asm(f, ".weak f\n" + section_of_code(".text.f", "f"))),
                ElementsAre("'f' is now weak: the kernel is linked already"));
}

TEST(NotCarried, SectionsThatNobodyKnows) {
    const std::string f = ".globl f\n" + section_of_code(".text.f", "f");
    EXPECT_THAT(notes(compare_asm(f, f + ".section .discard.x,\"a\"\n.byte 1\n")),
                ElementsAre("section .discard.x is new: no part of it is carried"));
    EXPECT_THAT(notes(compare_asm(f + ".section .discard.x,\"a\"\n.byte 1\n", f)),
                ElementsAre(HasSubstr("section .discard.x goes")));
    EXPECT_THAT(notes(compare_asm(f + ".section .note.x,\"a\",@note\n.byte 1\n",
                                  f + ".section .note.x,\"a\",@note\n.byte 2\n")),
                ElementsAre("section .note.x differs: no part of it is carried"));
    EXPECT_THAT(notes(compare_asm(f, f + ".section .discard.addressable,\"aw\"\n.quad f\n")), IsEmpty());
}

}  // namespace
}  // namespace klp::diff
