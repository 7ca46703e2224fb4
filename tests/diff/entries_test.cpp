// SPDX-License-Identifier: GPL-2.0-or-later
// The entries of each table in each form that kernels have had, with the last one's padding and without.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "diff/decomposition.hpp"
#include "diff/pair.hpp"

namespace klp::diff {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::ThrowsMessage;

// `fields`: a letter for 4 bytes; `c` leads to code, `d` to data, with a relocation of 4 bytes; `C_` and `D_` the same
// with 8; `x` of 4 to a symbol of another object; `.` is a number.
struct Form {
    std::string_view table;
    std::uint32_t bytes;
    std::string_view fields;
    std::uint32_t owner = 0;
    std::uint32_t padding = 0;  // that the last entry may lack
};

struct Machine {
    std::string_view assembler;
    std::vector<Form> forms;
};

std::vector<Machine> machines() {
    const std::vector<Form> common = {
        {"__jump_table", 16, "ccD_"},      {"__jump_table", 24, "C_C_D_"},      {"__bug_table", 8, "c.", 0, 2},
        {"__bug_table", 12, "cd."},        {"__bug_table", 16, "cdd."},         {"__bug_table", 16, "c.d."},
        {"__bug_table", 16, "C_..", 0, 6}, {"__bug_table", 24, "C_D_..", 0, 4},
    };
    const auto with = [&](std::vector<Form> more) {
        more.insert(more.end(), common.begin(), common.end());
        return more;
    };
    return {
        {"as", with({{".altinstructions", 12, "cd."},
                     {".altinstructions", 13, "cd.."},
                     {".altinstructions", 14, "cd.."},
                     {"__ex_table", 12, "cc."},
                     {"__ex_table", 12, "ccx"},
                     {".parainstructions", 16, "C_..", 0, 4},
                     {".parainstructions", 16, "C_..", 0, 6},
                     {".static_call_sites", 8, "cd"},
                     {".smp_locks", 4, "c"},
                     {"__mcount_loc", 8, "C_"}})},
        {"aarch64-linux-gnu-as",
         with({{".altinstructions", 12, "cd."}, {"__ex_table", 8, "cc"}, {"__ex_table", 12, "cc."}})},
        {"powerpc64le-linux-gnu-as", with({{"__ftr_fixup", 48, "....C_C_D_D_", 16},
                                           {"__ex_table", 8, "cc"},
                                           {"__ex_table", 16, "C_C_"},
                                           {"__soft_mask_table", 16, "C_C_"},
                                           {"__restart_table", 24, "C_C_C_"},
                                           {"__lwsync_fixup", 8, "C_"}})},
        {"s390x-linux-gnu-as", with({{".altinstructions", 11, "cd."},
                                     {".altinstructions", 12, "cd."},
                                     {".altinstructions", 13, "cd.."},
                                     {"__ex_table", 8, "cc"},
                                     {"__ex_table", 12, "cc."},
                                     {"__ex_table", 16, "cc.."},
                                     {"__ex_table", 16, "ccD_"},
                                     {".s390_indirect_call", 4, "c"}})},
    };
}

std::string owner_of(std::size_t index) {
    return index % 3 == 1 ? "g" : "f";
}

std::string entry_text(const Form& form, std::size_t index, std::uint32_t bytes) {
    const std::string code = fmt::format("{}+{}", owner_of(index), 4 * index);
    std::string text = "7:\n";
    for (std::uint32_t at = 0; at < bytes; at += 4) {
        const char field = form.fields[at / 4];
        const std::string_view base = form.table == "__ftr_fixup" ? "7b" : ".";
        if (field == 'c') text += fmt::format(".4byte {} - .\n", code);
        if (field == 'd') text += ".4byte somewhere - .\n";
        if (field == 'x') text += ".4byte outside - .\n";
        if (field == 'C') text += fmt::format(".8byte {} - {}\n", code, base);
        if (field == 'D') text += fmt::format(".8byte somewhere - {}\n", base);
        // The first bytes count: what the last entry may lack is zero in all.
        if (field != '.') continue;
        const std::uint32_t room = std::min(4U, bytes - at);
        const std::uint32_t meant = std::min(room, form.bytes - form.padding > at ? form.bytes - form.padding - at : 0);
        for (std::uint32_t i = 0; i < room; ++i) text += i < meant ? ".byte 1\n" : ".byte 0\n";
    }
    return text;
}

std::string table_text(const Form& form, std::size_t count, bool lacks_padding) {
    std::string text =
        ".section .text.f,\"ax\"\n.type f,%function\nf: .zero 64\n.size f,64\n"
        ".section .text.g,\"ax\"\n.type g,%function\ng: .zero 64\n.size g,64\n"
        ".section .rodata,\"a\"\nsomewhere: .8byte 1\n.section ";
    text += fmt::format("{},\"a\"\n", form.table);
    for (std::size_t i = 0; i < count; ++i)
        text += entry_text(form, i, form.bytes - (lacks_padding && i + 1 == count ? form.padding : 0));
    return text;
}

elf::Object assembled(const Machine& machine, std::string text) {
    if (machine.assembler == "as")
        for (auto at = text.find('%'); at != std::string::npos; at = text.find('%')) text[at] = '@';
    return test::assemble_with({std::string(machine.assembler)}, text);
}

void expect_entries(const elf::Object& object, const Form& form, std::size_t count) {
    const Decomposition decomposition(object);
    EXPECT_THAT(decomposition.orphans(), IsEmpty());
    std::size_t found = 0;
    for (const Piece& piece : decomposition.pieces()) {
        for (const SpecialEntry& each : piece.entries) {
            ++found;
            EXPECT_EQ(each.range.begin, each.index * form.bytes);
            EXPECT_EQ(piece.name(), owner_of(each.index));
            EXPECT_EQ(each.owner_offset, 4 * each.index);
        }
    }
    EXPECT_EQ(found, count);
}

TEST(TableForms, AreTakenFromTheRelocations) {
    for (const Machine& machine : machines()) {
        if (!find_program(std::string(machine.assembler))) continue;
        for (const Form& form : machine.forms) {
            for (const std::size_t count : {1, 2, 3, 4, 6, 12}) {
                for (const bool lacks_padding : {false, true}) {
                    if (lacks_padding && form.padding == 0) continue;
                    SCOPED_TRACE(fmt::format("{}: {} entries of {} bytes ({}) in {}{}", machine.assembler, count,
                                             form.bytes, form.fields, form.table,
                                             lacks_padding ? ", the last one without padding" : ""));
                    const elf::Object object = assembled(machine, table_text(form, count, lacks_padding));
                    EXPECT_NO_THROW(expect_entries(object, form, count));
                }
            }
        }
    }
}

// On x86 the third field of an exception entry was an address until 5.15; without it, there were entries of 8 bytes.
TEST(TableForms, AreRefusedWhereTheyCannotBeToldApart) {
    const Form form{"__ex_table", 8, "cc"};
    const elf::Object object = assembled({"as", {}}, table_text(form, 3, false));
    EXPECT_THAT([&] { Decomposition{object}; },
                ThrowsMessage<Error>(HasSubstr("24 bytes may be entries of 8 or 12 bytes")));
    const Decomposition probed(object, {{"__ex_table", 8}});
    EXPECT_TRUE(std::ranges::any_of(probed.pieces(), [](const Piece& each) { return each.entries.size() == 2; }));
}

TEST(TableForms, OfNoKernelAreRefused) {
    const auto decompose = [](const Form& form, std::size_t count, const EntrySizes& probed = {}) {
        const elf::Object object = assembled({"as", {}}, table_text(form, count, false));
        return [=] { Decomposition(assembled({"as", {}}, table_text(form, count, false)), probed); };
    };
    EXPECT_THAT(
        decompose({"__jump_table", 20, "ccD_."}, 4),
        ThrowsMessage<Error>(HasSubstr("80 bytes with these relocations are no array of entries of 16 or 24 bytes")));
    EXPECT_THAT(decompose({".smp_locks", 8, "C_"}, 2),
                ThrowsMessage<Error>(HasSubstr("16 bytes with these relocations are no array of entries of 4 bytes")));
    // what the kernel's headers say is contradicted
    EXPECT_THAT(decompose({"__jump_table", 24, "C_C_D_"}, 2, {{"__jump_table", 16}}),
                ThrowsMessage<Error>(HasSubstr("no array of entries of 16 bytes")));
    // and a form that is not known is taken from them
    EXPECT_NO_THROW(decompose({".altinstructions", 16, "cd.."}, 3, {{".altinstructions", 16}})());
}

// Zeros are padding only if they are in all entries.
TEST(TableForms, PaddingIsNoContent) {
    const Form form{".parainstructions", 16, "C_..", 0, 2};
    EXPECT_THAT(
        [&] {
            Decomposition(assembled({"as", {}}, table_text(form, 3, true) + ".space 0\n"));
        },
        testing::Not(testing::Throws<Error>()));
    const std::string odd = table_text({".parainstructions", 16, "C_.."}, 2, false) + ".8byte f\n.4byte 1\n";
    EXPECT_THAT(
        [&] {
            Decomposition(assembled({"as", {}}, odd));
        },
        ThrowsMessage<Error>(HasSubstr("(.parainstructions+0x20): 44 bytes with these relocations are no array")));
}

std::string hooked_function(const std::string& name, const std::string& body) {
    return ".section .text." + name + ",\"ax\"\n.globl " + name + "\n.type " + name + ",@function\n" + name +
           ":\n1: call __fentry__\n.pushsection __mcount_loc,\"a\"\n.quad 1b\n.popsection\n" + body + "\nret\n.size " +
           name + ",.-" + name + "\n";
}

// Padding belongs to the entry, whatever comes behind it in the livepatch.
TEST(TableForms, OutputHasThePadding) {
    const auto call = [](std::string_view code) {
        return fmt::format(
            "2: {}\n.pushsection .parainstructions,\"a\"\n.balign 8\n.quad 2b\n.byte 1, 2\n.popsection\n", code);
    };
    const auto compared = test::compare_asm(hooked_function("f", call("nop")) + hooked_function("g", call("nop")),
                                            hooked_function("f", call("int3")) + hooked_function("g", call("int3")));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f", "changed g"));
    EXPECT_EQ(compared.result.value().extracted.find_section(".parainstructions")->size(), 32);
    EXPECT_THAT(compared.relocations(".parainstructions"), ElementsAre("f+5", "g+5"));
}

TEST(TableForms, KeysAreWhereTheFormHasThem) {
    const auto branch = [](std::string_view key) {
        return fmt::format(
            "2: .byte 0x0f,0x1f,0x44,0,0\n.pushsection __jump_table,\"aw\"\n.quad 2b, 3f, {}\n"
            ".popsection\n3: nop\n",
            key);
    };
    const Options options{.for_module = true, .resolved_at_load = [](std::string_view) { return false; }};
    const auto compared = test::compare_asm(hooked_function("f", branch("key")),
                                            hooked_function("f", "nop\n" + branch("__tracepoint_one")), options);
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_EQ(compared.result.value().extracted.find_section("__jump_table"), nullptr);
}

// Newer kernels' entries have a format as well, so that the line lies elsewhere.
TEST(TableForms, LinesAreIgnoredWhereTheFormHasThem) {
    const auto bug = [](std::string_view fields) {
        return fmt::format(
            "2: ud2\n.pushsection __bug_table,\"aw\"\n{}\n.popsection\n"
            ".pushsection .rodata.str1.1,\"aMS\",@progbits,1\n4: .string \"x\"\n.popsection\n",
            fields);
    };
    const auto verdict = [&](std::string_view before, std::string_view after) {
        return test::compare_asm(hooked_function("f", bug(before)), hooked_function("f", bug(after))).verdict();
    };
    EXPECT_THAT(verdict(".long 2b - ., 4f - ., 4f - .\n.word 10, 0", ".long 2b - ., 4f - ., 4f - .\n.word 11, 0"),
                IsEmpty());
    EXPECT_THAT(verdict(".long 2b - ., 4f - ., 4f - .\n.word 10, 0", ".long 2b - ., 4f - ., 4f - .\n.word 10, 1"),
                ElementsAre("changed f"));
    EXPECT_THAT(verdict(".quad 2b, 4f\n.word 10, 0, 0, 0", ".quad 2b, 4f\n.word 11, 0, 0, 0"), IsEmpty());
    EXPECT_THAT(verdict(".long 2b - .\n.word 10, 0", ".long 2b - .\n.word 11, 0"), ElementsAre("changed f"));
}

// An alternative that only takes code away: its address is that of the next entry's code.
TEST(Replacements, OfLengthZeroAreNobodysCode) {
    const auto alternative = [](std::string_view code) {
        return fmt::format(
            "2: nop\n.pushsection .altinstructions,\"a\"\n.long 2b - ., 4f - .\n.word 7\n"
            ".byte 1, 5f-4f\n.popsection\n.pushsection .altinstr_replacement,\"ax\"\n4: {}\n5:\n"
            ".popsection\n",
            code);
    };
    const auto before = hooked_function("f", alternative("")) + hooked_function("g", alternative("mfence"));
    const auto changed_g =
        test::compare_asm(before, hooked_function("f", alternative("")) + hooked_function("g", alternative("lfence")));
    EXPECT_THAT(changed_g.verdict(), ElementsAre("changed g"));
    const auto changed_f = test::compare_asm(
        before, hooked_function("f", "int3\n" + alternative("")) + hooked_function("g", alternative("mfence")));
    EXPECT_THAT(changed_f.verdict(), ElementsAre("changed f"));
    const elf::Section* pool = changed_f.result.value().extracted.find_section(".altinstr_replacement");
    ASSERT_NE(pool, nullptr);
    EXPECT_EQ(pool->size(), 0);
    // also at the end of the pool
    const auto last = hooked_function("g", alternative("mfence")) + hooked_function("f", alternative(""));
    EXPECT_THAT(test::compare_asm(before, last).verdict(), IsEmpty());
    // and where there is none any more, that is a change
    EXPECT_THAT(test::compare_asm(
                    before, hooked_function("f", alternative("lfence")) + hooked_function("g", alternative("mfence")))
                    .verdict(),
                ElementsAre("changed f"));
}

// On ppc64le an entry names the end of its code, where the code of the next one begins.
TEST(Replacements, EndWhereTheyEnd) {
    if (!find_program("powerpc64le-linux-gnu-as")) GTEST_SKIP() << "no assembler for ppc64le";
    const auto function = [](std::string_view name, std::string_view more, std::string_view code) {
        return fmt::format(R"(
        .section .text.{0},"ax"
        .type {0},@function
        {0}:  mflr 0
        2:  bl _mcount
            {1}
        1:  nop
            blr
            .size {0},.-{0}
        .section __mcount_loc,"a"
            .8byte 2b
        .section __ftr_alt_97,"a"
        3:  {2}
        4:
        .section __ftr_fixup,"a"
        5:  .8byte 1, 1, 1b - 5b, 1b + 4 - 5b, 3b - 5b, 4b - 5b
        )",
                           name, more, code);
    };
    const auto verdict = [&](const std::string& before, const std::string& after) {
        return test::Compared(test::assemble_with({"powerpc64le-linux-gnu-as"}, before),
                              test::assemble_with({"powerpc64le-linux-gnu-as"}, after))
            .verdict();
    };
    const std::string ori = "ori 3,3,1", xori = "xori 3,3,1";
    const auto f = [&](const std::string& code) { return function("f", "", code); };
    const auto g = [&](const std::string& code) { return function("g", "", code); };
    EXPECT_THAT(verdict(f("") + g(ori), f("") + g(xori)), ElementsAre("changed g"));
    EXPECT_THAT(verdict(f(ori) + g(ori), f(ori) + g(xori)), ElementsAre("changed g"));
    EXPECT_THAT(verdict(f(ori) + g(xori), g(xori) + f(ori)), IsEmpty());
    const test::Compared compared(
        test::assemble_with({"powerpc64le-linux-gnu-as"}, f(ori) + g(ori)),
        test::assemble_with({"powerpc64le-linux-gnu-as"}, function("f", "nop", ori) + g(ori)));
    EXPECT_THAT(compared.verdict(), ElementsAre("changed f"));
    EXPECT_EQ(compared.result.value().extracted.find_section("__ftr_alt_97")->size(), 4);
}

}  // namespace
}  // namespace klp::diff
