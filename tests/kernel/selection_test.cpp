// SPDX-License-Identifier: GPL-2.0-or-later
// What a name and a position select, whether it is still there, and what it is.
#include "kernel/selection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/registry.hpp"
#include "kernel/similar_names.hpp"
#include "support/assemble.hpp"

namespace klp::kernel {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Problem = Selection::Problem;

SymbolTable vmlinux_table() {
    return {"vmlinux",
            {{0x0, 'A', "first_per_cpu"},
             {0x0, 'A', "__per_cpu_start"},
             {0x8, 'A', "second_per_cpu"},
             {0x10, 'A', "__per_cpu_end"},
             {0x1000, 't', "show"},
             {0x1010, 't', "twice"},
             {0x1020, 't', "twice"},
             {0x1030, 't', "grow.isra.0"},
             {0x2000, 'T', "__init_begin"},
             {0x2010, 't', "setup"},
             {0x3000, 'D', "__init_end"},
             {0x3010, 'd', "count"},
             {0x3020, 'W', "weak"}}};
}

TEST(Selection, IsWhatTheKernelFinds) {
    const SymbolTable table = vmlinux_table();
    EXPECT_EQ(select(table, "show", 0).problem, Problem::none);
    EXPECT_EQ(select(table, "show", 0).index, 4U);
    EXPECT_EQ(select(table, "twice", 2).index, 6U);
    EXPECT_EQ(select(table, "twice", 2).problem, Problem::none);
    EXPECT_EQ(select(table, "twice", 0).problem, Problem::ambiguous);
    EXPECT_EQ(select(table, "twice", 3).problem, Problem::no_such_position);
    EXPECT_EQ(select(table, "thrice", 0).problem, Problem::missing);
    EXPECT_EQ(select(table, "first_per_cpu", 0).problem, Problem::missing);
    EXPECT_EQ(select(table, "first_per_cpu", 0).count, 1U);
    EXPECT_EQ(select(table, "second_per_cpu", 0).problem, Problem::none);
}

TEST(Selection, DependsOnTheStateOfAModule) {
    const elf::Section text;
    const SymbolTable table("late", {{0x10, 't', "mixed", &text, true},
                                     {0x20, 't', "mixed", &text},
                                     {0x0, 't', "at_zero", &text},
                                     {0x30, 't', "early", &text, true}});
    EXPECT_EQ(select(table, "mixed", 1).problem, Problem::unstable);
    EXPECT_EQ(select(table, "early", 0).problem, Problem::none);
    EXPECT_EQ(select(table, "at_zero", 0).problem, Problem::none);
}

TEST(SymbolFacts, TellWhatIsGoneAndWhatItIs) {
    const SymbolTable table = vmlinux_table();
    const SymbolFacts facts(table);
    const auto symbol = [&](std::string_view name) { return *table.look_up(name).first; };
    EXPECT_TRUE(facts.knows_init_memory());
    EXPECT_TRUE(facts.is_gone(symbol("setup")));
    EXPECT_FALSE(facts.is_gone(symbol("show")));
    EXPECT_FALSE(facts.is_gone(symbol("count")));
    EXPECT_EQ(facts.content(symbol("show")), Content::code);
    EXPECT_EQ(facts.content(symbol("count")), Content::data);
    EXPECT_EQ(facts.content(symbol("second_per_cpu")), Content::data);
    EXPECT_EQ(facts.content(symbol("weak")), Content::unknown);
    EXPECT_EQ(facts.exported_content(table, "count"), Content::data);
    EXPECT_EQ(facts.exported_content(table, "nothing"), Content::unknown);
    EXPECT_FALSE(facts.relocates_per_cpu_data());
    EXPECT_TRUE(SymbolFacts(SymbolTable("vmlinux", {{0x10, 'R', "__start___kflagstab"}})).relocates_per_cpu_data());
    EXPECT_FALSE(SymbolFacts(SymbolTable("vmlinux", {})).knows_init_memory());
}

// Linker scripts of arm64, ppc64le and s390x have PERCPU_SECTION between __init_begin and __init_end.
TEST(SymbolFacts, KnowThatPerCpuVariablesStay) {
    const SymbolTable table("vmlinux", {{0x1000, 'T', "__init_begin"},
                                        {0x1010, 'D', "__per_cpu_start"},
                                        {0x1020, 'd', "counter"},
                                        {0x1030, 'D', "__per_cpu_end"},
                                        {0x2000, 'D', "__init_end"}});
    EXPECT_FALSE(SymbolFacts(table).is_gone(*table.look_up("counter").first));
}

TEST(SymbolUses, TellsCallsFromAccesses) {
    const elf::Object module = klp::test::assemble(R"(
        .text
        .type f, @function
        f: call there
        movl there(%rip), %eax
        movl %eax, there(%rip)
        leaq there(%rip), %rax
        .size f, . - f
        jmp there
        .data
        .quad there
    )");
    const SymbolUses uses(module, arch::for_name("x86_64"));
    std::vector<std::string> as_code, as_data;
    for (const char* name : {".text", ".data"}) {
        const elf::Section& section = *module.find_section(name);
        for (const elf::Relocation& each : section.rela()) {
            EXPECT_EQ(uses.problem(section, each, "there", Content::unknown), std::nullopt);
            if (const auto problem = uses.problem(section, each, "there", Content::code)) as_code.push_back(*problem);
            if (const auto problem = uses.problem(section, each, "there", Content::data)) as_data.push_back(*problem);
        }
    }
    EXPECT_THAT(as_code, ElementsAre("reads 'there', which is code", "writes 'there', which is code"));
    // That calls are calls their relocations tell, wherever they are.
    EXPECT_THAT(as_data, ElementsAre("goes to 'there', which is data", "goes to 'there', which is data"));
}

TEST(SimilarNames, AreVariantsAndSlipsOfThePen) {
    const SymbolTable table = vmlinux_table();
    const auto near = [&](std::string_view name) {
        SimilarNames names(name);
        names.add(table);
        return names.texts();
    };
    EXPECT_THAT(near("grow"), ElementsAre("'grow.isra.0' of vmlinux"));
    EXPECT_THAT(near("shw"), ElementsAre("'show' of vmlinux"));
    EXPECT_THAT(near("nothing_like_it"), IsEmpty());
}

}  // namespace
}  // namespace klp::kernel
