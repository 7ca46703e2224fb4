// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/inspect.hpp"
#include "support/livepatch_module.hpp"

namespace klp::report {
namespace {

using testing::HasSubstr;

check::InspectedModule empty_module() {
    check::InspectedModule module;
    module.module.name = "empty";
    return module;
}

TEST(InspectJson, HasTheDocumentedShape) {
    const Json json = inspect_json(check::inspect_module(test::livepatch_module()));
    EXPECT_EQ(json["name"], "livepatch_test");
    EXPECT_EQ(json["modinfo"], Json::parse(R"({"license": "GPL", "livepatch": "Y", "alias": ["one", "two"],
                                               "name": "livepatch_test"})"));
    EXPECT_EQ(json["objects"][0], Json::parse(R"({"name": "vmlinux", "functions": [{"name": "meminfo_proc_show",
        "sympos": 0, "replacement": "livepatch_show", "section": ".text.new_show"}],
        "callbacks": [{"event": "pre_patch", "function": "", "section": ".text"}]})"));
    EXPECT_EQ(json["objects"][1]["name"], "ext4");
    EXPECT_EQ(json["symbols"][0]["object"], "vmlinux");
    EXPECT_EQ(json["symbols"][0]["symbol"], "si_swapinfo");
    EXPECT_EQ(json["symbols"][0]["sympos"], 0);
    EXPECT_GT(json["symbols"][0]["index"], 0);
    EXPECT_EQ(json["relocations"], Json::parse(R"([{"object": "vmlinux", "section": ".text.new_show", "offset": 1,
        "type": "R_X86_64_PLT32", "symbol": ".klp.sym.vmlinux.si_swapinfo,0", "addend": -4}])"));
}

TEST(InspectJson, HasArraysAlsoWhereThereIsNothing) {
    const Json json = inspect_json(empty_module());
    EXPECT_EQ(
        to_text(json),
        "{\n  \"name\": \"empty\",\n  \"modinfo\": {},\n  \"objects\": [],\n  \"forced\": [],\n  \"symbols\": [],\n"
        "  \"relocations\": [],\n  \"arch_sections\": [],\n  \"other_forms\": []\n}\n");
}

TEST(InspectText, ShowsWhatThereIs) {
    const std::string text = inspect_text(check::inspect_module(test::livepatch_module()));
    EXPECT_THAT(text, HasSubstr("livepatch module livepatch_test\n"));
    EXPECT_THAT(text, HasSubstr("  vmlinux  meminfo_proc_show  0       livepatch_show  .text.new_show\n"));
    EXPECT_THAT(text, HasSubstr("  ext4     start              2       new_start       .text\n"));
    EXPECT_THAT(
        text, HasSubstr("  vmlinux  .text.new_show  0x1     R_X86_64_PLT32  -4      .klp.sym.vmlinux.si_swapinfo,0\n"));
}

TEST(InspectText, HasWhatTheAuthorForced) {
    check::InspectedModule module = empty_module();
    EXPECT_THAT(inspect_text(module), testing::Not(HasSubstr("author")));
    module.module.modinfo = {{"klpkit_forced", "ext4:ignored-section:.data..a:b"},
                             {"klpkit_forced", "not of the form"}};
    EXPECT_THAT(inspect_text(module), HasSubstr("  ext4    ignored-section  .data..a:b\n"));
    EXPECT_EQ(inspect_json(module)["forced"],
              Json::parse(R"([{"object": "ext4", "kind": "ignored-section", "name": ".data..a:b"}])"));
}

TEST(InspectText, NamesAnObjectWithoutFunctions) {
    check::InspectedModule module = empty_module();
    EXPECT_THAT(inspect_text(module), HasSubstr("patched functions\n  none found in the module's data\n"));
    module.module.objects.push_back({"ext4", {}, true});
    EXPECT_THAT(inspect_text(module), HasSubstr("  ext4    (callbacks alone)\n"));
}

TEST(Json, ReplacesWhatIsNotUtf8) {
    EXPECT_EQ(to_text(Json("a\xff")), "\"a\xef\xbf\xbd\"\n");
}

TEST(Printable, KeepsTheTerminalInPeace) {
    EXPECT_EQ(printable("a\x1b[31mb\n\x7f"), "a\\x1b[31mb\\x0a\\x7f");
    EXPECT_EQ(printable("größe"), "größe");
}

TEST(Table, IsAsWideAsItsCells) {
    Table table({"a", "long heading", "c"});
    EXPECT_EQ(table.text(), "");
    table.add({"wide cell", "x", ""});
    table.add({"1", "2", "3"});
    EXPECT_EQ(table.text(1), " a          long heading  c\n wide cell  x\n 1          2             3\n");
}

}  // namespace
}  // namespace klp::report
