// SPDX-License-Identifier: GPL-2.0-or-later
// What the author's word does, and wrong words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "convert/annotations.hpp"
#include "convert/tiny_source.hpp"

namespace klp::convert::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// KLP_MODULE_RELOC(object) array[] = { KLP_SYMPOS(symbol, position) };
std::string array(std::string_view object, std::string_view symbol, int position) {
    return ".section .klp.module_relocs." + std::string(object) + ",\"aw\"\n .quad " + std::string(symbol) +
           "\n .long " + std::to_string(position) + "\n";
}

// A declaration with KLP_RELOC_SYMBOL_POS.
std::string annotated(std::string_view name) {
    return "call \".klp.sym.rela." + std::string(name) + "\"";
}

TEST(ConvertAnnotations, APositionChoosesAmongSymbolsOfOneName) {
    const Converted converted = convert_text(with("call from_vmlinux", "call twice") + array("vmlinux", "twice", 2));
    EXPECT_THAT(converted.ids(), IsEmpty());
    EXPECT_THAT(converted.relocations(), Contains("vmlinux .text.new_show .klp.sym.vmlinux.twice,2"));
    const elf::Object module = elf::Object::read(converted.conversion->module, "out.ko");
    EXPECT_EQ(module.find_section(".klp.module_relocs.vmlinux"), nullptr);
    EXPECT_EQ(module.find_section(".rela.klp.module_relocs.vmlinux"), nullptr);
    EXPECT_EQ(module.find_symbol("twice"), nullptr);
}

TEST(ConvertAnnotations, TheObjectChoosesAmongObjects) {
    const Converted converted = convert_text(with("call from_late", "call anywhere") + array("late", "anywhere", 0));
    EXPECT_THAT(converted.relocations(), Contains("late .text.late_show .klp.sym.late.anywhere,0"));
}

TEST(ConvertAnnotations, PositionOneOfAUniqueSymbolIsZero) {
    const Converted converted = convert_text(with_more(array("vmlinux", "from_vmlinux", 1)));
    EXPECT_THAT(converted.relocations(), Contains("vmlinux .text.new_show .klp.sym.vmlinux.from_vmlinux,0"));
}

TEST(ConvertAnnotations, AnArrayMayBeInSeveralPieces) {
    const std::string text = with("call from_vmlinux", "call twice\n call from_vmlinux");
    const Converted converted = convert_text(text + array("vmlinux", "twice", 2) + array("vmlinux", "from_vmlinux", 0) +
                                             array("vmlinux", "twice", 2));
    EXPECT_THAT(converted.relocations(), Contains("vmlinux .text.new_show .klp.sym.vmlinux.twice,2"));
}

TEST(ConvertAnnotations, ADeclarationNamesItsSymbolByItself) {
    const Converted converted = convert_text(
        with("call from_vmlinux", annotated("vmlinux.vmlinux.twice,1") + "\n " + annotated("vmlinux.vmlinux.twice,2")));
    EXPECT_THAT(converted.relocations(), Contains("vmlinux .text.new_show .klp.sym.vmlinux.twice,1"));
    EXPECT_THAT(converted.relocations(), Contains("vmlinux .text.new_show .klp.sym.vmlinux.twice,2"));
}

TEST(ConvertAnnotations, BothFormsMayBeMixed) {
    const std::string text = klp::test::replaced(with("call from_vmlinux", "call twice"), "call from_late",
                                                 annotated("late.late.late_twice,2"));
    const Converted converted = convert_text(text + array("vmlinux", "twice", 1));
    EXPECT_THAT(converted.relocations(), ElementsAre("late .text.late_show .klp.sym.late.late_twice,2",
                                                     "vmlinux .text.new_show .klp.sym.vmlinux.twice,1"));
}

// kernel/livepatch/core.c:klp_resolve_symbols refuses it in a section of the module.
TEST(ConvertAnnotations, ASymbolOfVmlinuxIsAppliedWithVmlinux) {
    const Converted converted = convert_text(with("call from_late", annotated("late.vmlinux.from_vmlinux_too,0")));
    EXPECT_THAT(converted.relocations(), Contains("vmlinux .text.late_show .klp.sym.vmlinux.from_vmlinux_too,0"));
}

TEST(ConvertAnnotations, ASymbolOfADependencyIsAppliedWithThePatchedModule) {
    const std::string by_name = with("call from_late", annotated("late.base.from_base,0"));
    EXPECT_THAT(convert_text(by_name).relocations(), Contains("late .text.late_show .klp.sym.base.from_base,0"));
    const std::string by_array = with("call from_late", "call from_base") + array("base", "from_base", 0);
    EXPECT_THAT(convert_text(by_array).relocations(), Contains("late .text.late_show .klp.sym.base.from_base,0"));
}

TEST(ConvertAnnotations, ASymbolOfAnotherModuleIsRefused) {
    TinySource source;
    source.depends.clear();
    EXPECT_EQ(convert_text(with("call from_late", annotated("late.base.from_base,0")), source).only().id,
              "convert.module-symbol");
}

TEST(ConvertAnnotations, ASymbolOfAModuleInCodeOfNoObjectIsRefused) {
    const Converted converted = convert_text(with_more(R"(
        .section .text.orphan,"ax"
        .type orphan, @function
        orphan: call from_base
        ret
        .size orphan, . - orphan
    )") + array("base", "from_base", 0));
    EXPECT_THAT(converted.ids(), Contains("convert.object-unpatched"));
    EXPECT_FALSE(converted.conversion.has_value());
}

TEST(ConvertAnnotations, AnExportedSymbolMayBeLate) {
    const Converted converted = convert_text(klp::test::replaced(
        with("call from_late", annotated("late.late.from_late,0")), "\"depends=\"", "\"depends=late\""));
    EXPECT_THAT(converted.relocations(), Contains("late .text.late_show .klp.sym.late.from_late,0"));
}

TEST(ConvertAnnotations, CodeOfVmlinuxWithAnAnnotatedModuleSymbolIsWarnedOf) {
    const Converted converted = convert_text(with("call from_vmlinux", annotated("late.late.from_late,0")));
    EXPECT_EQ(converted.only().id, "convert.module-symbol");
    EXPECT_EQ(converted.only().severity, Severity::warning);
    EXPECT_THAT(converted.relocations(), Contains("late .text.new_show .klp.sym.late.from_late,0"));
}

TEST(ConvertAnnotations, AModuleSymbolIsNotAppliedWithVmlinux) {
    EXPECT_EQ(convert_text(with("call from_vmlinux", annotated("vmlinux.late.from_late,0"))).only().id,
              "convert.module-symbol");
}

struct Wrong {
    std::string what;
    std::string text;
    std::string id;
    std::string message;
    friend void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.what; }
};

class WrongAnnotations : public testing::TestWithParam<Wrong> {};

TEST_P(WrongAnnotations, AreRefused) {
    const Converted converted = convert_text(GetParam().text);
    EXPECT_FALSE(converted.conversion.has_value());
    ASSERT_THAT(converted.ids(), ElementsAre(GetParam().id));
    EXPECT_THAT(converted.only().message, HasSubstr(GetParam().message));
}

std::string call_twice() {
    return with("call from_vmlinux", "call twice");
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongAnnotations,
    testing::Values(
        Wrong{"unknown_object", call_twice() + array("nowhere", "twice", 1), "convert.object",
              "no module of that name"},
        Wrong{"unknown_patched", with("call from_late", annotated("nowhere.late.from_late,0")), "convert.object",
              "no module of that name"},
        Wrong{"not_patched", with("call from_late", annotated("base.late.from_late,0")), "convert.object",
              "as patched"},
        Wrong{"unknown_symbol", with_more(array("late", "from_vmlinux", 0)), "convert.symbol",
              "which late does not have"},
        Wrong{"unknown_position", call_twice() + array("vmlinux", "twice", 3), "convert.position",
              "number 3 of vmlinux, which has 2"},
        Wrong{"not_unique", call_twice() + array("vmlinux", "twice", 0), "convert.ambiguous",
              "unique in vmlinux, which has 2"},
        Wrong{"disagree", call_twice() + array("vmlinux", "twice", 1) + array("vmlinux", "twice", 2),
              "convert.annotations-disagree", "position 1, and symbol 'twice' of 'vmlinux', position 2"},
        Wrong{"unused", with_more(array("vmlinux", "twice", 1)), "convert.annotation-unused",
              "nothing refers to 'twice'"},
        Wrong{"defined", with_more(array("vmlinux", "new_show", 0)), "convert.annotation",
              "what is defined in the module itself"},
        Wrong{"odd_size", call_twice() + array("vmlinux", "twice", 1) + ".byte 0\n", "convert.annotation", "13 bytes"},
        Wrong{"no_symbol", with_more(".section .klp.module_relocs.vmlinux,\"aw\"\n .zero 12\n"), "convert.annotation",
              "0 relocations"},
        Wrong{"with_addend",
              with_more(".section .klp.module_relocs.vmlinux,\"aw\"\n .quad from_vmlinux + 4\n .long 0\n"),
              "convert.annotation", "names no symbol"},
        Wrong{"no_position", with("call from_vmlinux", annotated("vmlinux.vmlinux.twice")), "convert.annotation",
              "is not .klp.sym.rela."},
        Wrong{"one_object", with("call from_vmlinux", annotated("vmlinux.twice,1")), "convert.annotation",
              "is not .klp.sym.rela."},
        Wrong{"init", with("call from_vmlinux", annotated("vmlinux.vmlinux.init_helper,0")), "convert.init", "gone"}),
    [](const auto& each) { return each.param.what; });

TEST(ConvertAnnotations, OfOneWrongAnnotationOneFinding) {
    const std::string text = with("call from_vmlinux", "call twice\n call twice\n call twice");
    EXPECT_THAT(convert_text(text + array("vmlinux", "twice", 7)).ids(), ElementsAre("convert.position"));
}

TEST(AnnotatedNames, AreReadBack) {
    const auto found = parse_annotated_name(".klp.sym.rela.ext4.jbd2.do_it.isra.0,12");
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->patched_object, "ext4");
    EXPECT_EQ(found->meaning.object, "jbd2");
    EXPECT_EQ(found->meaning.symbol, "do_it.isra.0");
    EXPECT_EQ(found->meaning.sympos, 12);
    for (const char* name : {".klp.sym.ext4.do_it,0", ".klp.sym.rela.", ".klp.sym.rela..a.b,0", ".klp.sym.rela.a..b,0",
                             ".klp.sym.rela.a.b.c,", ".klp.sym.rela.a.b.c,-1", ".klp.sym.rela.a.b.,1"})
        EXPECT_FALSE(parse_annotated_name(name).has_value()) << name;
}

}  // namespace
}  // namespace klp::convert::test
