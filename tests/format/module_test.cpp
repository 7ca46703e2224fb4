// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "format/livepatch.hpp"
#include "format/tables.hpp"
#include "support/livepatch_module.hpp"

namespace klp::format {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

std::string text_of(std::string_view text) {
    return std::string(text);
}

std::string failure_of(const elf::Object& object) {
    try {
        static_cast<void>(read_module(object));
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

TEST(Module, HasModinfoInFileOrder) {
    const LivepatchModule module = read_module(test::livepatch_module());
    EXPECT_EQ(module.name, "livepatch_test");
    EXPECT_THAT(module.modinfo, ElementsAre(Pair("license", "GPL"), Pair("livepatch", "Y"), Pair("alias", "one"),
                                            Pair("alias", "two"), Pair("name", "livepatch_test")));
}

TEST(Module, HasPatchedObjectsAndFunctions) {
    const LivepatchModule module = read_module(test::livepatch_module());
    ASSERT_EQ(module.objects.size(), 2U);
    EXPECT_EQ(module.objects[0].name, "vmlinux");
    ASSERT_EQ(module.objects[0].functions.size(), 1U);
    EXPECT_EQ(module.objects[0].functions[0].old_name, "meminfo_proc_show");
    EXPECT_EQ(module.objects[0].functions[0].sympos, 0U);
    EXPECT_EQ(module.objects[0].functions[0].new_name, "livepatch_show");
    EXPECT_EQ(module.objects[0].functions[0].new_section, ".text.new_show");
    EXPECT_EQ(module.objects[1].name, "ext4");
    ASSERT_EQ(module.objects[1].functions.size(), 2U);
    EXPECT_EQ(module.objects[1].functions[0].old_name, "start");
    EXPECT_EQ(module.objects[1].functions[0].sympos, 2U);
    EXPECT_EQ(module.objects[1].functions[1].old_name, "stop.isra.0");
    EXPECT_EQ(module.objects[1].functions[1].new_name, "new_stop");
}

// As after `strip`: the end of a table is where the next one begins.
TEST(Module, NeedsNoSymbolsOfItsTables) {
    elf::Object object = test::livepatch_module();
    std::vector<elf::Symbol*> variables;
    for (const auto& relocation : object.find_section(".data")->relocations_section->relocations) {
        const elf::Symbol& symbol = *relocation.symbol;
        EXPECT_TRUE(symbol.is_section_symbol() || symbol.name == "__this_module") << symbol.name;
    }
    for (const auto& symbol : object.symbols()) {
        if (symbol->is_data_object()) variables.push_back(symbol.get());
    }
    ASSERT_EQ(variables.size(), 4U);
    object.remove_symbols(variables);
    const LivepatchModule module = read_module(test::written_and_read(object));
    ASSERT_EQ(module.objects.size(), 2U);
    EXPECT_EQ(module.objects[1].functions.size(), 2U);
}

TEST(Module, HasLivepatchSymbolsAndRelocations) {
    const elf::Object object = test::livepatch_module();
    const LivepatchModule module = read_module(object);
    ASSERT_EQ(module.symbols.size(), 1U);
    EXPECT_EQ(module.symbols[0].name.symbol, "si_swapinfo");
    EXPECT_EQ(object.symbols()[module.symbols[0].index - 1]->name, ".klp.sym.vmlinux.si_swapinfo,0");
    ASSERT_EQ(module.relocations.size(), 1U);
    EXPECT_EQ(module.relocations[0].object, "vmlinux");
    EXPECT_EQ(module.relocations[0].section, ".text.new_show");
    EXPECT_EQ(module.relocations[0].offset, 1U);
    EXPECT_EQ(module.relocations[0].type, "R_X86_64_PLT32");
    EXPECT_EQ(module.relocations[0].symbol, ".klp.sym.vmlinux.si_swapinfo,0");
    EXPECT_EQ(module.relocations[0].addend, -4);
}

TEST(Module, WithTablesMadeAtRunTimeHasNoObjects) {
    EXPECT_THAT(read_module(test::livepatch_module(".data\n.quad 0\n")).objects, IsEmpty());
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
    std::string result(text);
    const std::size_t at = result.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return result.replace(at, from.size(), to);
}

class OddTables : public testing::TestWithParam<std::pair<std::string_view, std::string_view>> {};

TEST_P(OddTables, AreNotGuessedAt) {
    const auto& [from, to] = GetParam();
    EXPECT_THAT(read_module(test::livepatch_module(replaced(test::module_tables, from, to))).objects, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Format, OddTables,
    testing::Values(
        std::pair("new_stop, 0", "0, 0"),       // an entry without a new function
        std::pair("new_stop, 0", ".Lshow, 0"),  // one whose new function is data
        std::pair(".quad .Lstop, new_stop, 0", ".quad .Lstop\n .long new_stop, 0\n .quad 0"),  // half a pointer
        std::pair(".quad .Lstop, new_stop, 0", ".quad 0, .Lstop, new_stop"),                   // an entry out of step
        std::pair(".quad .Lshow, livepatch_show", ".quad livepatch_show, .Lshow"),
        std::pair("new_start, 2\n    .zero 40", "new_start, 2, 1\n    .zero 32"),  // data where zeros must be
        std::pair("funcs, pre_patch", "funcs, .Lshow"),                            // a callback that is no code
        std::pair("patch: .quad __this_module, objs", "patch: .quad __this_module, .Lshow"),
        std::pair("patch: .quad __this_module, objs", "patch: .quad objs, __this_module"),
        std::pair("objs: .quad 0, funcs", "objs: .quad 0, objs"),
        std::pair("    .zero 64\n    .size patch", "    .quad __this_module, objs\n    .zero 48\n    .size patch")));

TEST(Table, OfCallbacksAloneHasAnObjectWithoutFunctions) {
    constexpr std::string_view tables = R"(
        .bss
        .type funcs, @object
        funcs: .zero 64
        .size funcs, 64
        .data
        patch: .quad __this_module, objs
        .type objs, @object
        objs: .quad 0, funcs, pre_patch, 0
        .zero 160
        .size objs, . - objs
    )";
    const auto objects = read_module(test::livepatch_module(tables)).objects;
    ASSERT_EQ(objects.size(), 1U);
    EXPECT_THAT(objects[0].functions, IsEmpty());
}

// The kernel stops at the first entry of zeros (klp_for_each_func_static(), klp_for_each_object_static()).
TEST(Table, EndsWithItsFirstEntryOfZeros) {
    const auto objects_of = [](std::string_view from, std::string_view to) {
        return read_module(test::livepatch_module(replaced(test::module_tables, from, to))).objects;
    };
    const auto behind = objects_of(".size ext4_funcs", ".quad .Lstart, new_start, 1\n .zero 40\n .size ext4_funcs");
    ASSERT_EQ(behind.size(), 2U);
    EXPECT_EQ(behind[1].functions.size(), 2U);
    const auto one = objects_of("    .zero 40\n    .zero 64\n    .size funcs",
                                "    .zero 40\n    .zero 64\n .quad .Lstart, new_start, 1\n .zero 40\n .size funcs");
    ASSERT_EQ(one.size(), 2U);
    EXPECT_EQ(one[0].functions.size(), 1U);
    EXPECT_EQ(one[0].function_size, 64U);
    const auto zeros = objects_of("    .zero 64\n    .size funcs", "    .zero 128\n    .size funcs");
    ASSERT_EQ(zeros.size(), 2U);
    EXPECT_EQ(zeros[0].functions.size(), 1U);
    EXPECT_EQ(zeros[0].function_table, 192U);
    const auto object = objects_of("    .size objs", "    .quad .Lext4, ext4_funcs\n .zero 80\n .size objs");
    EXPECT_EQ(object.size(), 2U);
    const auto first = objects_of("    .quad .Lext4, ext4_funcs", "    .zero 96\n .quad .Lext4, ext4_funcs");
    EXPECT_EQ(first.size(), 1U);
}

// Whatever the distance between two entries is, where it shows.
TEST(Table, MayHaveEntriesOfAnySize) {
    std::string text(test::module_tables);
    text = replaced(text, "funcs, pre_patch\n    .zero 72", "funcs, pre_patch\n    .zero 24");
    text = replaced(text, "ext4_funcs\n    .zero 80\n    .zero 96", "ext4_funcs\n    .zero 32\n    .zero 48");
    const auto objects = read_module(test::livepatch_module(text)).objects;
    ASSERT_EQ(objects.size(), 2U);
    EXPECT_EQ(objects[1].object_size, 48U);
    EXPECT_EQ(objects[1].functions.size(), 2U);
}

TEST(Table, MayHaveNamesInWritableData) {
    const auto objects = read_module(test::livepatch_module(replaced(
                                         test::module_tables, ".section .rodata.str1.1,\"aMS\",@progbits,1", ".data")))
                             .objects;
    ASSERT_EQ(objects.size(), 2U);
    EXPECT_EQ(objects[1].name, "ext4");
    EXPECT_EQ(objects[1].functions[1].old_name, "stop.isra.0");
}

TEST(Table, MayHaveAnEntryThatLeavesTheOriginal) {
    const auto objects =
        read_module(test::livepatch_module(replaced(test::module_tables, ".quad .Lstop, new_stop, 0\n    .zero 40",
                                                    ".quad .Lstop, 0, 0\n    .zero 32\n    .quad 1")))
            .objects;
    ASSERT_EQ(objects.size(), 2U);
    ASSERT_EQ(objects[1].functions.size(), 2U);
    EXPECT_TRUE(objects[1].functions[1].nop);
    EXPECT_FALSE(objects[1].functions[0].nop);
}

TEST(Table, OfAnObjectNamedVmlinuxIsOfNoObject) {
    const auto objects =
        read_module(test::livepatch_module(replaced(test::module_tables, "\"ext4\"", "\"vmlinux\""))).objects;
    ASSERT_EQ(objects.size(), 2U);
    EXPECT_FALSE(objects[0].never_comes);
    EXPECT_TRUE(objects[1].never_comes);
}

TEST(Tables, OfSeveralPatchesAreReadEach) {
    const std::string second = R"(
        .type patch_2, @object
        patch_2: .quad __this_module, objs_2, 0, 1
        .zero 64
        .size patch_2, . - patch_2
        .type objs_2, @object
        objs_2: .quad .Lext4, funcs
        .zero 176
        .size objs_2, . - objs_2
    )";
    const elf::Object module = test::livepatch_module(std::string(test::module_tables) + second);
    const Tables tables = read_all_tables(module);
    EXPECT_EQ(tables.patches, 2U);
    ASSERT_EQ(tables.objects.size(), 3U);
    EXPECT_EQ(tables.objects[1].patch, 0U);
    EXPECT_EQ(tables.objects[2].patch, 1U);
    EXPECT_EQ(tables.objects[2].name, "ext4");
    EXPECT_EQ(tables.places.size(), 7U);
    // One that cannot be read does not hide the other.
    const elf::Object half =
        test::livepatch_module(replaced(std::string(test::module_tables) + second, "new_stop, 0", "0, 0"));
    const Tables damaged = read_all_tables(half);
    EXPECT_EQ(damaged.patches, 1U);
    ASSERT_EQ(damaged.problems.size(), 1U);
    EXPECT_EQ(damaged.problems[0].reason, "new_func of a klp_func is null");
    EXPECT_EQ(damaged.problems[0].where.section->name, ".data");
}

TEST(Module, ThatIsNoLivepatchIsRefused) {
    const auto object = test::assemble(replaced(test::module_frame, "livepatch=Y", "intree=Y"));
    EXPECT_EQ(failure_of(object), "test.o:(.modinfo): module 'livepatch_test' is not a livepatch: no livepatch=Y");
}

TEST(Object, ThatIsNoModuleIsRefused) {
    EXPECT_EQ(failure_of(test::assemble("nop\n")), "test.o: not a kernel module: it has no section .modinfo");
    const auto nameless = test::assemble(replaced(test::module_frame, "name=livepatch_test", "nom=livepatch_test"));
    EXPECT_THAT(failure_of(nameless), HasSubstr("no name"));
    std::vector<std::byte> linked = test::livepatch_module().write();
    linked[16] = std::byte{ET_DYN};  // e_type
    EXPECT_THAT(failure_of(elf::Object::read(linked, "linked.ko")),
                HasSubstr("linked.ko: not a kernel module: ELF file type 3, expected 1 (relocatable"));
}

TEST(Module, HasSymbolsWithNamesOfNoForm) {
    elf::Object object = test::assemble(text_of(test::module_frame) + text_of(test::module_code));
    test::add_livepatch_relocation(object, ".klp.sym.vmlinux", ".klp.rela.vmlinux..text", 1);
    const LivepatchModule module = read_module(test::written_and_read(object));
    EXPECT_THAT(module.symbols, IsEmpty());
    EXPECT_THAT(module.other_symbols, ElementsAre(".klp.sym.vmlinux"));
}

TEST(Module, WithMalformedNamesIsRefused) {
    elf::Object other = test::assemble(text_of(test::module_frame) + text_of(test::module_code));
    test::add_livepatch_relocation(other, ".klp.sym.vmlinux.f,0", ".klp.rela.vmlinux", 1);
    EXPECT_THAT(failure_of(test::written_and_read(other)),
                HasSubstr("test.ko:(.klp.rela.vmlinux): expected a section name"));
}

TEST(Modinfo, MayLackTheLastTerminatorAndValues) {
    const auto object =
        test::assemble(".section .modinfo,\"a\"\n.string \"flag\"\n.string \"empty=\"\n.ascii \"last=a=b\"\n");
    EXPECT_THAT(read_modinfo(object), ElementsAre(Pair("flag", ""), Pair("empty", ""), Pair("last", "a=b")));
    EXPECT_THAT(read_modinfo(test::assemble("nop\n")), IsEmpty());
}

}  // namespace
}  // namespace klp::format
