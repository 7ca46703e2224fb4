// SPDX-License-Identifier: GPL-2.0-or-later
// What a name means in code that was copied from one object or another, and what none of them can mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/tiny_source.hpp"

namespace klp::convert::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string from_vmlinux = "vmlinux .text.new_show .klp.sym.vmlinux.from_vmlinux,0";
const std::string from_late = "late .text.late_show .klp.sym.late.from_late,0";

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
    return klp::test::replaced(text, from, to);
}

TEST(ConvertMeaning, CodeOfAModuleThatTakesASymbolOfVmlinuxIsWarnedOf) {
    const Converted converted = convert_text(with("call from_late", "call from_vmlinux_too"));
    EXPECT_EQ(converted.only().id, "convert.foreign-symbol");
    EXPECT_EQ(converted.only().severity, Severity::warning);
    EXPECT_THAT(converted.only().message, HasSubstr("code for late alone takes 'from_vmlinux_too'"));
    EXPECT_THAT(converted.only().hints, ElementsAre(HasSubstr("KLP_RELOC_SYMBOL(vmlinux, vmlinux, from_vmlinux_too)")));
    EXPECT_THAT(converted.relocations(), Contains("vmlinux .text.late_show .klp.sym.vmlinux.from_vmlinux_too,0"));
    EXPECT_THAT(convert_text(with("call from_vmlinux", "call from_vmlinux_too")).ids(), IsEmpty());
}

TEST(ConvertMeaning, SoIsCodeThatTakesItOfADependency) {
    TinySource kernel;
    kernel.depends["late"] = {"base"};
    const Converted converted =
        convert_text(with("call from_late", "call from_base"), kernel, {{"vmlinux", "late", "base"}});
    EXPECT_THAT(converted.ids(), ElementsAre("convert.foreign-symbol"));
}

TEST(ConvertMeaning, WhatIsAnnotatedIsNotWarnedOf) {
    const std::string text = with("call from_late", "call \".klp.sym.rela.vmlinux.vmlinux.from_vmlinux_too,0\"");
    EXPECT_THAT(convert_text(text).ids(), IsEmpty());
}

TEST(ConvertMeaning, ACallThatMeetsDataIsRefused) {
    const Converted converted = convert_text(with("call from_vmlinux", "call from_vmlinux\n jmp counter"));
    EXPECT_FALSE(converted.conversion.has_value());
    EXPECT_EQ(converted.only().id, "convert.reference");
    EXPECT_EQ(converted.only().where.text(), "test.ko:(.text.new_show+0x6)");
    EXPECT_EQ(converted.only().message, "the code goes to 'counter', which is data");
    EXPECT_THAT(convert_text(with("call from_vmlinux", "call \".klp.sym.rela.vmlinux.vmlinux.counter,0\"")).ids(),
                ElementsAre("convert.reference"));
}

TEST(ConvertMeaning, AnAccessThatMeetsCodeIsRefused) {
    const Converted read = convert_text(with("call from_vmlinux", "movl from_vmlinux(%rip), %eax"));
    EXPECT_EQ(read.only().message, "the code reads 'from_vmlinux', which is code");
    const Converted written = convert_text(with("call from_late", "incl from_late(%rip)"));
    EXPECT_EQ(written.only().message, "the code writes 'from_late', which is code");
}

TEST(ConvertMeaning, AnAddressMayBeOfBoth) {
    EXPECT_THAT(convert_text(with("call from_vmlinux", "leaq from_vmlinux(%rip), %rax")).ids(), IsEmpty());
    EXPECT_THAT(convert_text(with("call from_vmlinux", "movq $counter, %rax")).ids(), IsEmpty());
}

TEST(ConvertMeaning, ExportsAreLookedAtToo) {
    TinySource kernel;
    kernel.exports = kernel::Exports::parse(
        "0x11111111\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n0x22222222\tcounter\tvmlinux\tEXPORT_SYMBOL\t\n",
        "Module.symvers");
    EXPECT_THAT(convert_text(with("call from_vmlinux", "call counter"), kernel).ids(),
                ElementsAre("convert.reference"));
    EXPECT_THAT(convert_text(with("call from_vmlinux", "incl counter(%rip)"), kernel).ids(), IsEmpty());
}

TinySource with_exporter() {
    TinySource kernel;
    kernel.exports = kernel::Exports::parse(
        "0x11111111\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n0x22222222\tanywhere\tlib/"
        "exporter\tEXPORT_SYMBOL\t\n",
        "Module.symvers");
    return kernel;
}

TEST(ConvertMeaning, TheStaticOfTheObjectGoesBeforeTheExportOfAnother) {
    const std::string text = replaced(with("call from_late", "call anywhere"), "\"depends=\"", "\"depends=exporter\"");
    EXPECT_THAT(convert_text(text, with_exporter()).relocations(),
                Contains("late .text.late_show .klp.sym.late.anywhere,0"));
    const Converted both = convert_text(replaced(text, "call from_vmlinux", "call anywhere"), with_exporter());
    EXPECT_THAT(both.relocations(), ElementsAre("late .text.late_show .klp.sym.late.anywhere,0",
                                                "vmlinux .text.new_show .klp.sym.vmlinux.anywhere,0"));
    EXPECT_EQ(elf::Object::read(both.conversion->module, "out.ko").find_symbol("anywhere"), nullptr);
}

// Nothing tells which of them code means that nobody patched comes to.
TEST(ConvertMeaning, CodeOfNobodyTakesTheExport) {
    const std::string text = replaced(with("call from_late", "call anywhere"), "\"depends=\"", "\"depends=exporter\"");
    const Converted converted = convert_text(text + R"(
        .text
        .type orphan, @function
        orphan: call anywhere
        ret
        .size orphan, . - orphan
    )",
                                             with_exporter());
    EXPECT_THAT(converted.ids(), ElementsAre("convert.export-taken"));
    const elf::Object module = elf::Object::read(converted.conversion->module, "out.ko");
    ASSERT_NE(module.find_symbol("anywhere"), nullptr);
    EXPECT_EQ(module.find_symbol("anywhere")->placement, elf::Placement::undefined);
}

// A callback of vmlinux, and what it needs.
std::string with_callback(std::string_view code) {
    return replaced(klp::test::sound_text, "objs: .quad 0, funcs\n    .zero 80",
                    "objs: .quad 0, funcs, pre_patch\n    .zero 72") +
           ".text\n .type pre_patch, @function\n pre_patch: " + std::string(code) +
           "\n ret\n .size pre_patch, . - pre_patch\n";
}

TEST(ConvertOwnership, TheTablesOfTheLivepatchLeadNowhere) {
    for (const std::string_view table : {"patch", "objs", "late_funcs"}) {
        const Converted converted = convert_text(with_callback("leaq " + std::string(table) + "(%rip), %rdi"));
        EXPECT_THAT(converted.ids(), IsEmpty()) << table;
        EXPECT_THAT(converted.relocations(), ElementsAre(from_late, from_vmlinux)) << table;
    }
}

TEST(ConvertOwnership, ATableInACallbackIsNoCall) {
    const std::string table = R"(
        .section .rodata.table,"a"
        .type table, @object
        table: .quad late_show, new_show
        .size table, 16
    )";
    const Converted converted = convert_text(with_callback("leaq table(%rip), %rdi") + table);
    EXPECT_EQ(converted.only().id, "convert.module-symbol");
    EXPECT_EQ(converted.only().severity, Severity::warning);
    EXPECT_THAT(converted.relocations(), ElementsAre(from_late, from_vmlinux));
    // Called, it is one.
    EXPECT_EQ(convert_text(with_callback("call late_show")).only().severity, Severity::error);
}

// What is behind the table could be vmlinux's or the module's: nothing is chosen because of the callback.
TEST(ConvertOwnership, ATableInACallbackChoosesNoCandidate) {
    const std::string text = with_callback("leaq table(%rip), %rdi") + R"(
        .type helper, @function
        helper: call anywhere
        ret
        .size helper, . - helper
        .section .rodata.table,"a"
        .type table, @object
        table: .quad helper
        .size table, 8
    )";
    EXPECT_THAT(convert_text(text).ids(), Contains("convert.ambiguous"));
}

TEST(ConvertTables, AnObjectNamedVmlinuxNeverComes) {
    const std::string text = replaced(with("objs: .quad 0, funcs", "objs: .quad .Lvm, funcs"), ".Lshow: .string",
                                      ".Lvm: .string \"vmlinux\"\n.Lshow: .string");
    EXPECT_THAT(convert_text(text).ids(), ElementsAre("convert.object-name"));
}

TEST(ConvertTables, WhatCannotBeReadIsTold) {
    const Converted converted =
        convert_text(with("funcs: .quad .Lshow, new_show, 0", "funcs: .quad .Lshow, .Lshow, 0"));
    EXPECT_THAT(converted.ids(), Contains("convert.no-tables"));
    EXPECT_THAT(converted.findings.findings().front().notes,
                ElementsAre("(.data+0x60): new_func of a klp_func is no code"));
}

TEST(ConvertSymbols, AnAddressOfZeroIsNone) {
    TinySource kernel;
    kernel.set("vmlinux", {{0, 'D', "at_zero"}, {0x1000, 'T', "klp_enable_patch"}});
    const std::string text = replaced(with("call from_vmlinux", "incl at_zero(%rip)"), "call from_late", "nop");
    EXPECT_EQ(convert_text(text, kernel).only().id, "convert.symbol");
}

TEST(ConvertEarlyData, AParameterMustNotBeLate) {
    const auto parameter = [](std::string_view name) {
        return ".section __param,\"a\"\n.quad 0, 0, 0, 0, " + std::string(name) + "\n";
    };
    EXPECT_EQ(convert_text(with_more(parameter("from_late"))).only().id, "convert.early-data");
    EXPECT_THAT(convert_text(with_more(parameter("from_vmlinux"))).ids(), IsEmpty());
    const std::string array = R"(
        .section .rodata.array,"a"
        .type array, @object
        array: .quad 0, from_late
        .size array, 16
    )";
    EXPECT_EQ(convert_text(with_more(array + parameter("array"))).only().where.text(), "test.ko:(.rodata.array+0x8)");
    EXPECT_THAT(convert_text(with_more(array)).ids(), IsEmpty());
}

TEST(ConvertEarlyData, CodeOfAParameterIsWarnedOf) {
    const std::string text = R"(
        .section .text.get,"ax"
        .type get, @function
        get: call from_late
        ret
        .size get, . - get
        .section .rodata.ops,"a"
        .type ops, @object
        ops: .quad 0, 0, get
        .size ops, 24
    )";
    EXPECT_THAT(convert_text(with_more(text)).ids(), IsEmpty());
    const Converted converted = convert_text(with_more(text + ".section __param,\"a\"\n.quad 0, 0, ops, 0, 0\n"));
    EXPECT_EQ(converted.only().id, "convert.early-code");
    EXPECT_EQ(converted.only().severity, Severity::warning);
    EXPECT_EQ(converted.only().where.text(), "test.ko:(.text.get+0x1)");
}

TEST(ConvertPerCpuData, ThatIsNotRelocatedIsRefused) {
    const auto pointer = [](std::string_view name) {
        return with_more(".section .data..percpu,\"aw\"\n.quad " + std::string(name) + "\n");
    };
    EXPECT_EQ(convert_text(pointer("new_show")).only().id, "convert.per-cpu");
    EXPECT_EQ(convert_text(pointer("from_vmlinux")).only().id, "convert.per-cpu");
    TinySource later;
    later.set("vmlinux",
              {{0x1000, 'T', "klp_enable_patch"}, {0x2000, 't', "from_vmlinux"}, {0x3000, 'D', "__start___kflagstab"}});
    EXPECT_THAT(convert_text(pointer("new_show"), later).ids(), IsEmpty());
    EXPECT_THAT(convert_text(pointer("from_vmlinux"), later).ids(), IsEmpty());
    EXPECT_EQ(convert_text(pointer("from_late"), later).only().id, "convert.per-cpu");
}

class Ppc64leKernel : public TinySource {
public:
    const arch::Arch& arch() const override { return arch::for_name("ppc64le"); }
};

// A load of an address from .toc in the code of each object, with the names that are there.
Converted convert_toc(std::string_view of_vmlinux, std::string_view of_late) {
    std::string text(klp::test::sound_text);
    const auto code = [](std::string_view entry) {
        return "addis 3,2," + std::string(entry) + "@toc@ha\n ld 3," + std::string(entry) + "@toc@l(3)\n blr";
    };
    text = replaced(text, "leaq patch(%rip), %rdi\n    jmp klp_enable_patch", "b klp_enable_patch\n nop");
    text = replaced(text, "call from_vmlinux\n    ret", code(".LC0"));
    text = replaced(text, "call from_late\n    ret", code(".LC1"));
    text +=
        ".section .toc,\"aw\"\n.LC0: .quad " + std::string(of_vmlinux) + "\n.LC1: .quad " + std::string(of_late) + "\n";
    return convert_bytes(klp::test::assemble_with({"powerpc64le-linux-gnu-as"}, text).write(), Ppc64leKernel());
}

TEST(ConvertToc, AddressesBelongToTheCodeThatReadsThem) {
    const Converted fine = convert_toc("from_vmlinux", "from_late");
    EXPECT_THAT(fine.ids(), IsEmpty());
    EXPECT_THAT(fine.relocations(),
                ElementsAre("late .toc .klp.sym.late.from_late,0", "vmlinux .toc .klp.sym.vmlinux.from_vmlinux,0"));
    const Converted refused = convert_toc("late_alone", "from_late");
    EXPECT_EQ(refused.only().id, "convert.module-symbol");
    EXPECT_EQ(refused.only().severity, Severity::error);
    EXPECT_EQ(convert_toc("from_vmlinux", "from_vmlinux_too").only().id, "convert.foreign-symbol");
}

// As on machines whose init code has the address itself.
TEST(ConvertToc, InitCodeComesTooEarly) {
    const auto with_init = [](std::string_view name) {
        return replaced(klp::test::sound_text, "leaq patch(%rip), %rdi\n    jmp klp_enable_patch",
                        "addis 3,2,.LC2@toc@ha\n ld 3,.LC2@toc@l(3)\n b klp_enable_patch\n nop") +
               ".section .toc,\"aw\"\n.LC2: .quad " + std::string(name) + "\n";
    };
    const auto converted = [&](std::string_view name) {
        std::string text = replaced(with_init(name), "call from_vmlinux\n    ret", "blr");
        text = replaced(text, "call from_late\n    ret", "blr");
        return convert_bytes(klp::test::assemble_with({"powerpc64le-linux-gnu-as"}, text).write(), Ppc64leKernel());
    };
    EXPECT_THAT(converted("from_late").ids(), Contains("convert.init-section"));
    EXPECT_THAT(converted("from_vmlinux").ids(), IsEmpty());
}

// Code leads through an entry of .toc to what is behind that one, and not to all the others.
TEST(ConvertToc, LeadsNoFurtherThanItsEntry) {
    EXPECT_THAT(convert_toc("new_show", "late_show").ids(), IsEmpty());
    EXPECT_THAT(convert_toc("late_show", "from_late").ids(), ElementsAre("convert.module-symbol"));
}

}  // namespace
}  // namespace klp::convert::test
