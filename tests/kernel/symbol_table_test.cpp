// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/kallsyms.hpp"
#include "kernel/module.hpp"
#include "kernel/soft_dependencies.hpp"
#include "support/assemble.hpp"

namespace klp::kernel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

SymbolTable example() {
    return {"vmlinux",
            {{0x10, 't', "show"}, {0x20, 'T', "only"}, {0x30, 't', "show"}, {0x30, 't', "alias"}, {0x40, 't', "show"}}};
}

TEST(SymbolTable, FindsAllOfANameInOrder) {
    EXPECT_THAT(example().find("show"), ElementsAre(0, 2, 4));
    EXPECT_THAT(example().find("nothing"), IsEmpty());
    EXPECT_THAT(SymbolTable("vmlinux", {}).find("show"), IsEmpty());
}

// A name has no symbol, one, or several: what several mean depends on who asks.
TEST(SymbolTable, TellsNoneOneAndSeveralApart) {
    const SymbolTable table("vmlinux", {{0x10, 't', "statics"},
                                        {0x20, 't', "statics"},
                                        {0x30, 't', "both"},
                                        {0x40, 'T', "both"},
                                        {0x50, 'b', "alone"}});
    const Lookup none = table.look_up("nothing");
    EXPECT_FALSE(none.exists());
    EXPECT_EQ(none.only(), nullptr);
    EXPECT_EQ(none.linked(), nullptr);
    const Lookup one = table.look_up("alone");
    EXPECT_EQ(one.count, 1U);
    EXPECT_EQ(one.only(), &table.symbols()[4]);
    const Lookup several = table.look_up("statics");
    EXPECT_EQ(several.count, 2U);
    EXPECT_EQ(several.first, &table.symbols()[0]);
    EXPECT_EQ(several.only(), nullptr);
    EXPECT_EQ(several.linked(), nullptr);
    EXPECT_EQ(table.look_up("both").only(), nullptr);
    EXPECT_EQ(table.look_up("both").linked(), &table.symbols()[3]);
}

TEST(SymbolTable, OtherFilesMeanTheGlobalOne) {
    const SymbolTable table("vmlinux", {{0x10, 't', "_end"},
                                        {0x20, 'B', "_end"},
                                        {0x30, 't', "statics"},
                                        {0x40, 't', "statics"},
                                        {0x50, 'w', "weak"},
                                        {0x60, 't', "weak"},
                                        {0x70, 'd', "alone"}});
    EXPECT_EQ(table.linked_address("_end"), 0x20U);
    EXPECT_EQ(table.linked_address("weak"), 0x50U);
    EXPECT_EQ(table.linked_address("alone"), 0x70U);
    EXPECT_EQ(table.linked_address("statics"), std::nullopt);
    EXPECT_EQ(table.linked_address("nothing"), std::nullopt);
}

TEST(SymbolTable, PositionIsZeroForAUniqueName) {
    const SymbolTable table = example();
    EXPECT_EQ(table.sympos(1), 0U);
    EXPECT_EQ(table.sympos(0), 1U);
    EXPECT_EQ(table.sympos(2), 2U);
    EXPECT_EQ(table.sympos(4), 3U);
}

TEST(SymbolTable, FindsByAddress) {
    const SymbolTable table = example();
    EXPECT_THAT(table.at(0x30), ElementsAre(2, 3));
    EXPECT_THAT(table.at(0x31), IsEmpty());
    EXPECT_EQ(table.next_address(0x2f), 0x30U);
    EXPECT_EQ(table.next_address(0x30), 0x40U);
    EXPECT_EQ(table.next_address(0x40), UINT64_MAX);
}

// While a module loads, the livepatch core counts symbols of its init sections; once it is live, it does not.
TEST(SymbolTable, PositionThatInitSymbolsChangeIsRefused) {
    const SymbolTable before("m", {{0, 't', "show", nullptr, true}, {0, 't', "show"}});
    EXPECT_THAT([&] { (void)before.sympos(1); },
                ThrowsMessage<Error>(HasSubstr("number 2 of its name while the module loads, but number 1 later")));
    const SymbolTable after("m", {{0, 't', "show"}, {0, 't', "show", nullptr, true}});
    EXPECT_EQ(after.sympos(0), 1U);
}

constexpr std::string_view module_text = R"(
    .text
local_function: nop
    .globl exported
exported: nop
    .weak weak_function
weak_function: nop
    .section .init.text,"ax",@progbits
init_module: nop
    .section .rodata,"a",@progbits
constant: .quad 0
    .data
variable: .quad undefined_one
    .bss
zeroed: .zero 8
    .section .data..percpu,"aw",@progbits
percpu: .quad 0
    .section .modinfo,"a",@progbits
license: .asciz "license=GPL"
    .asciz "depends=crc16,foo-bar"
    .asciz "softdep=post: after pre: crc32c aes-x"
    .asciz "softdep=pre: md5"
    .section __ksymtab,"a",@progbits
__ksymtab_exported: .quad 0
    .set absolute_one, 0x10
)";

TEST(ModuleSymbols, AreInTheOrderAndWithTheTypesOfTheKernel) {
    const auto object = test::assemble(module_text);
    const SymbolTable table = read_symtab(object, "m");
    std::string text;
    for (const KernelSymbol& symbol : table.symbols())
        text += fmt::format("{} {}{}\n", symbol.type, symbol.name, symbol.init_only ? " init" : "");
    EXPECT_EQ(text,
              "t local_function\nt init_module init\nr constant\nd variable\nb zeroed\na percpu\nr license init\n"
              "r __ksymtab_exported\na absolute_one init\nT exported\nw weak_function\n");
}

TEST(ModuleSymbols, WithoutKallsymsAllOnlyCodeIsKept) {
    const auto object = test::assemble(module_text);
    const SymbolTable table = read_symtab(object, "m", false);
    EXPECT_FALSE(table.symbols().at(table.find("exported").at(0)).init_only);
    EXPECT_TRUE(table.symbols().at(table.find("variable").at(0)).init_only);
    EXPECT_TRUE(table.symbols().at(table.find("percpu").at(0)).init_only);
}

TEST(ModuleSymbols, DependsAreKernelNames) {
    elf::Object object = test::assemble(module_text);
    SymbolTable symbols = read_symtab(object, "m");
    EXPECT_THAT(depends_of({"m", "m.ko", std::move(object), std::move(symbols)}), ElementsAre("crc16", "foo_bar"));
}

TEST(ModuleSymbols, SoftDependenciesAreThoseBefore) {
    EXPECT_THAT(soft_dependencies_of(test::assemble(module_text)), ElementsAre("crc32c", "aes_x", "md5"));
}

TEST(ModuleDependencies, ComeInLoadOrder) {
    const std::map<std::string, std::vector<std::string>, std::less<>> needs{{"ext4", {"jbd2", "mbcache"}},
                                                                             {"jbd2", {"crc"}},
                                                                             {"mbcache", {"crc"}},
                                                                             {"crc", {}},
                                                                             {"a", {"b"}},
                                                                             {"b", {"a"}}};
    const auto depends = [&](std::string_view name) { return needs.find(name)->second; };
    EXPECT_THAT(dependencies_in_load_order("ext4", depends), ElementsAre("crc", "jbd2", "mbcache"));
    EXPECT_THAT(dependencies_in_load_order("crc", depends), IsEmpty());
    EXPECT_THAT([&] { (void)dependencies_in_load_order("a", depends); },
                ThrowsMessage<Error>(HasSubstr("depends on itself")));
}

SymbolTable system_map(std::string_view text) {
    const TempDir folder("klp-test");
    write_file(folder.path() / "System.map", text);
    return read_system_map(folder.path() / "System.map");
}

TEST(SystemMap, IsRead) {
    const SymbolTable table =
        system_map("ffffffff81000000 T _stext\nffffffff81000010 t show\nffffffff81000020 t show\n");
    EXPECT_EQ(table.symbols().at(1).address, 0xffffffff81000010U);
    EXPECT_EQ(table.sympos(2), 2U);
}

TEST(SystemMap, StubAndNonsenseAreRefused) {
    const auto reading = [](std::string_view text) { return [text] { (void)system_map(text); }; };
    EXPECT_THAT(reading("ffffffffffffffff B The real System.map is in the linux-image-6.1.0-dbg package\n"),
                ThrowsMessage<Error>(HasSubstr("a stub")));
    EXPECT_THAT(reading("ffffffff81000000 T _stext\nnonsense\n"),
                ThrowsMessage<Error>(HasSubstr("+0x1a: not a line of System.map")));
    EXPECT_THAT(reading("ffffffff81000010 T b\nffffffff81000000 T a\n"),
                ThrowsMessage<Error>(HasSubstr("do not ascend")));
    EXPECT_THAT(reading(""), ThrowsMessage<Error>(HasSubstr("no symbols")));
}

}  // namespace
}  // namespace klp::kernel
