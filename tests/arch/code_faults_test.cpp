// SPDX-License-Identifier: GPL-2.0-or-later
// Entries of special sections that x86-64 kernels stumble over.
#include "arch/code_faults.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/x86_64/features.hpp"
#include "test_module.hpp"

namespace klp::arch::code_faults_test {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t text = 0xffffffffc0001000;
constexpr std::uint64_t table = 0xffffffffc0003000;
constexpr std::uint64_t more = 0xffffffffc0005000;
constexpr std::uint64_t fentry = text + 0x100000;

std::string hex(std::uint64_t value, unsigned size) {
    std::byte bytes[8];
    store<std::uint64_t>(MutableBytes(bytes), value, ByteOrder::little);
    return test::to_hex(Bytes(bytes).first(size));
}
std::string call(std::uint64_t from, std::uint64_t to) {
    return "e8" + hex(to - (from + 5), 4);
}

class Faults : public testing::Test {
protected:
    Faults() : module(EM_X86_64, ByteOrder::little) {
        module.features.cpu_features = 22 * 32;
        module.add_symbol("__fentry__", fentry);
    }

    // "TABLE+0xOFFSET: what", or "none".
    std::string fault() {
        const auto found = code_fault(module.architecture(), module.image, module.features, facts);
        if (!found) return "none";
        return fmt::format("{}+{:#x}: {}", module.image.sections[found->section].name, found->offset, found->what);
    }
    void add_table(const std::string& name, const std::string& content, std::uint64_t flags = SHF_ALLOC,
                   std::uint64_t address = table) {
        const auto index = module.add_code(name, address, content);
        module.image.sections[index].flags = flags;
    }
    // struct alt_instr of 12 bytes, which the relocations of its table tell.
    void add_alternative(std::uint64_t code, std::uint64_t replacement, unsigned feature, unsigned length,
                         unsigned new_length) {
        const std::string entry = hex(code - table, 4) + hex(replacement - (table + 4), 4) + hex(feature, 2) +
                                  hex(length, 1) + hex(new_length, 1);
        const auto index = module.add_code(".altinstructions", table, entry);
        module.add_relocations(index, {{0, R_X86_64_PC32, 1, 0}, {4, R_X86_64_PC32, 1, 0}});
    }

    test::TestModule<x86_64::Features> module;
    RunningFacts facts;
};

TEST_F(Faults, FtraceSitesHaveToBeCallsOfFentry) {
    module.add_code(".text", text, call(text, fentry) + "c3" + call(text + 6, fentry) + "c3" + call(text + 12, text));
    add_table("__mcount_loc", hex(text, 8) + hex(0, 8) + hex(text + 6, 8));
    EXPECT_EQ(fault(), "none");
    module.image.sections.back().name = "other";
    add_table("__mcount_loc", hex(text, 8) + hex(text + 12, 8));
    EXPECT_THAT(fault(), HasSubstr("__mcount_loc+0x8: kernel/trace/ftrace.c:ftrace_bug() for the site"));
    EXPECT_THAT(fault(), HasSubstr("where no call of __fentry__ is"));
    module.features.dynamic_ftrace = false;
    EXPECT_EQ(fault(), "none");
}

TEST_F(Faults, AlternativesAreForCode) {
    module.add_code(".text", text, "909090");
    add_table(".data", hex(0, 8), SHF_ALLOC | SHF_WRITE, more);
    add_alternative(text, text, 1, 3, 3);
    EXPECT_EQ(fault(), "none");
    module.image.sections.back().name = "other";
    add_alternative(more, text, 1, 3, 3);
    EXPECT_THAT(fault(), HasSubstr("would write code over .data"));
}

// module_finalize() takes the last section of a name, and comes before ftrace.
TEST_F(Faults, FtraceSitesAreNotReplaced) {
    module.add_code(".text", text, call(text, fentry) + "c3" + "9090909090");
    add_table("__mcount_loc", hex(text, 8));
    add_alternative(text + 6, text + 6, 1, 3, 3);
    EXPECT_EQ(fault(), "none");
    add_alternative(text + 4, text + 6, 1, 3, 3);
    EXPECT_THAT(fault(), HasSubstr("that an alternative is put over"));
}

TEST_F(Faults, OnlyKernelsWithTheMitigationReadItsSites) {
    module.add_code(".text", text, "c3");
    add_table(".retpoline_sites", hex(more - table, 4));
    EXPECT_THAT(fault(), HasSubstr("apply_retpolines()"));
    module.features.applies_retpolines = false;
    EXPECT_EQ(fault(), "none");
    module.image.sections.back().name = ".return_sites";
    EXPECT_THAT(fault(), HasSubstr("apply_returns()"));
    module.features.applies_returns = false;
    EXPECT_EQ(fault(), "none");
    module.image.sections.back().name = ".ibt_endbr_seal";
    EXPECT_THAT(fault(), HasSubstr("apply_seal_endbr()"));
    module.features.seals_endbr = false;
    EXPECT_EQ(fault(), "none");
}

TEST_F(Faults, FentryIsTheKernels) {
    module.add_code(".text", text, call(text, fentry) + "c3");
    add_table("__mcount_loc", hex(text, 8));
    EXPECT_EQ(fault(), "none");
    for (auto& symbol : module.image.symbols) symbol.section_index = SHN_ABS;
    EXPECT_THAT(fault(), HasSubstr("where no call of __fentry__ is"));
}

TEST_F(Faults, FtraceSitesAreListedOnce) {
    module.add_code(".text", text, call(text, fentry) + "c3");
    add_table("__mcount_loc", hex(text, 8) + hex(text, 8));
    EXPECT_THAT(fault(), HasSubstr("__mcount_loc+0x8: "));
    EXPECT_THAT(fault(), HasSubstr("that is listed twice"));
}

TEST_F(Faults, FtraceSitesAreInTheModule) {
    module.add_code(".text", text, call(text, fentry));
    add_table("__mcount_loc", hex(text + 1, 8));
    EXPECT_THAT(fault(), HasSubstr("that is in no section of the module"));
}

TEST_F(Faults, AlternativesFitInPlace) {
    module.add_code(".text", text, "9090909090c3");
    module.add_code(".altinstr_replacement", more, "b801000000");
    add_alternative(text, more, 3, 5, 5);
    EXPECT_EQ(fault(), "none");
}

TEST_F(Faults, AlternativesAreNotLongerThanWhatTheyReplace) {
    module.add_code(".text", text, "9090909090c3");
    module.add_code(".altinstr_replacement", more, "b80100000090");
    add_alternative(text, more, 3, 5, 6);
    EXPECT_THAT(fault(), HasSubstr(".altinstructions+0x0: "));
    EXPECT_THAT(fault(), HasSubstr("would put 6 bytes in place of 5"));
}

TEST_F(Faults, AlternativesAreOfFeaturesThatThereAre) {
    module.add_code(".text", text, "9090909090c3");
    add_alternative(text, text, 0x8000 | 22 * 32, 5, 0);
    EXPECT_THAT(fault(), HasSubstr("BUG() in arch/x86/kernel/alternative.c:apply_alternatives(): feature 704"));
    module.features.cpu_features = std::nullopt;
    EXPECT_EQ(fault(), "none");
}

TEST_F(Faults, AlternativesHaveShortCode) {
    module.add_code(".text", text, "9090909090c3");
    add_alternative(text, text, 3, 255, 0);
    EXPECT_THAT(fault(), HasSubstr("255 bytes are too long"));
}

TEST_F(Faults, AlternativesAreOfTheModulesCode) {
    module.add_code(".text", text, "9090909090c3");
    add_alternative(text + 2, text, 3, 5, 0);
    EXPECT_THAT(fault(), HasSubstr("would access 5 bytes at"));
}

TEST_F(Faults, AlternativesHaveTheirReplacement) {
    module.add_code(".text", text, "9090909090c3");
    add_alternative(text, more, 3, 5, 5);
    EXPECT_THAT(fault(), HasSubstr("would access 5 bytes at 0xffffffffc0005000"));
}

TEST_F(Faults, HalfAnAlternativeIsReadFromBehindTheTable) {
    module.add_code(".text", text, "9090909090c3");
    const auto index = module.add_code(".altinstructions", table,
                                       hex(text - table, 4) + hex(0, 4) + hex(3, 2) + "0500" + hex(text, 4));
    module.add_relocations(index, {{0, R_X86_64_PC32, 1, 0}, {12, R_X86_64_PC32, 1, 0}});
    EXPECT_THAT(fault(), HasSubstr(".altinstructions+0xc: "));
}

TEST_F(Faults, DirectCallsAreInPlaceOfIndirectOnes) {
    module.add_code(".text", text, "ff1500000000c3");
    module.add_code(".altinstr_replacement", more, call(more, text));
    const std::string entry = hex(text - table, 4) + hex(more - (table + 4), 4) + hex(3, 2) + hex(2, 2) + "0605";
    const auto index = module.add_code(".altinstructions", table, entry);
    module.add_relocations(index, {{0, R_X86_64_PC32, 1, 0}, {4, R_X86_64_PC32, 1, 0}});
    EXPECT_EQ(fault(), "none");
    module.image.sections[3].memory[0] = std::byte{0xb8};
    EXPECT_THAT(fault(), HasSubstr("alt_replace_call()"));
}

TEST_F(Faults, StaticCallSitesAreCalls) {
    module.add_code(".text", text, "e800000000c30f1f440000e900000000");
    add_table(".data", hex(text, 8) + hex(1, 8), SHF_ALLOC | SHF_WRITE, more);
    const auto site = [&](std::uint64_t at, std::uint64_t code, std::uint64_t flags) {
        return hex(code - (table + at), 4) + hex((more | flags) - (table + at + 4), 4);
    };
    module.add_symbol("__SCK__call", more, 3);
    add_table(".static_call_sites", site(0, text, 0) + site(8, text + 6, 0) + site(16, text + 11, 1),
              SHF_ALLOC | SHF_WRITE);
    EXPECT_EQ(fault(), "none");
    module.image.sections.back().memory[0] ^= std::byte{5};
    EXPECT_THAT(fault(), HasSubstr(".static_call_sites+0x0: BUG() in arch/x86/kernel/static_call.c"));
    module.image.sections.back().memory[0] ^= std::byte{5};
    module.image.sections.back().memory[20] ^= std::byte{1};  // no tail call any more
    EXPECT_THAT(fault(), HasSubstr("opcode 0xe9"));
    module.image.sections.back().flags = SHF_ALLOC;
    EXPECT_THAT(fault(), HasSubstr("would write into the section, which is read-only by then"));
    module.features.static_call_inline = false;
    EXPECT_EQ(fault(), "none");
}

TEST_F(Faults, KeysOfStaticCallsAreKeys) {
    module.add_code(".text", text, "e800000000c3");
    add_table(".data", hex(text, 8) + hex(2, 8), SHF_ALLOC | SHF_WRITE, more);
    add_table(".static_call_sites", hex(text - table, 4) + hex(more - (table + 4), 4), SHF_ALLOC | SHF_WRITE);
    EXPECT_THAT(fault(), HasSubstr("for a key, which it is not"));
    module.image.sections[3].memory[8] = std::byte{1};
    EXPECT_THAT(fault(), HasSubstr("for a key, which it is not"));
    module.add_symbol("__SCK__call", more, 3);
    EXPECT_EQ(fault(), "none");
    module.image.sections[3].flags = SHF_ALLOC;
    EXPECT_THAT(fault(), HasSubstr("which is read-only"));
    module.image.sections[3].flags = SHF_ALLOC | SHF_EXECINSTR;
    module.image.symbolize = [](std::uint64_t address) { return fmt::format("at_{:x}+0x1/0x2 [m]", address); };
    const auto refusal = code_fault(module.architecture(), module.image, module.features, facts);
    ASSERT_TRUE(refusal.has_value());
    EXPECT_EQ(refusal->error, EINVAL);
    EXPECT_THAT(refusal->messages,
                testing::ElementsAre(fmt::format("Failed to fixup __raw_static_call() usage at: at_{:x} [m]", text),
                                     "Failed to allocate memory for static calls"));
    module.image.sections[3].memory = {};
    facts.is_mapped = [](std::uint64_t address) { return address == more; };
    EXPECT_EQ(fault(), "none");
    facts.is_mapped = [](std::uint64_t) { return false; };
    EXPECT_THAT(fault(), HasSubstr("where nothing is"));
}

TEST_F(Faults, JumpTablesAreWrittenTo) {
    module.add_code(".text", text, "0f1f440000c3");
    const std::string entry = hex(text - table, 4) + hex(text - (table + 4), 4) + hex(more - (table + 8), 8);
    add_table("__jump_table", entry);
    EXPECT_THAT(fault(), HasSubstr("__jump_table+0x0: kernel/jump_label.c:jump_label_add_module() would write"));
    module.image.sections.back().flags |= SHF_WRITE;
    EXPECT_EQ(fault(), "none");
    facts.is_mapped = [](std::uint64_t) { return false; };
    EXPECT_THAT(fault(), HasSubstr("where nothing is"));
    module.features.jump_label = false;
    EXPECT_EQ(fault(), "none");
}

TEST_F(Faults, JumpTablesOfOlderKernelsHaveAddresses) {
    module.features.jump_label_relative = false;
    module.add_code(".text", text, "0f1f440000c3");
    const std::string entry = hex(text, 8) + hex(text, 8);
    add_table("__jump_table", entry + hex(more, 8) + entry + hex(more + 0x1001, 8));
    EXPECT_THAT(fault(), HasSubstr("__jump_table+0x0: kernel/jump_label.c:jump_label_add_module() would write"));
    module.image.sections.back().flags |= SHF_WRITE;
    EXPECT_EQ(fault(), "none");
    facts.is_mapped = [](std::uint64_t address) { return address == more; };
    EXPECT_THAT(fault(), HasSubstr("__jump_table+0x18: kernel/jump_label.c:jump_label_add_module() would read at"));
}

TEST_F(Faults, UnwindTablesHaveAsManyEntries) {
    add_table(".orc_unwind_ip", "0000000000000000");
    add_table(".orc_unwind", "000000000000000000000000", SHF_ALLOC, more);
    EXPECT_EQ(fault(), "none");
    module.image.sections.back().memory = module.image.sections.back().memory.first(6);
    EXPECT_THAT(fault(), HasSubstr("WARN() in arch/x86/kernel/unwind_orc.c"));
}

// Whether or not it is loaded.
TEST_F(Faults, TheLastSectionOfANameCounts) {
    add_table(".orc_unwind_ip", "00000000");
    add_table(".orc_unwind", "000000000000", SHF_ALLOC, more);
    EXPECT_EQ(fault(), "none");
    module.add_section({.name = ".orc_unwind", .type = SHT_PROGBITS});
    EXPECT_THAT(fault(), HasSubstr("4 bytes of places and 0 of entries"));
}

TEST_F(Faults, SealsAreOfBranchTargets) {
    module.add_code(".text", text, "f30f1efac3909090");
    add_table(".ibt_endbr_seal", hex(text - table, 4));
    EXPECT_EQ(fault(), "none");
    module.image.sections.back().memory[0] ^= std::byte{4};
    EXPECT_THAT(fault(), HasSubstr("no endbr64 at"));
}

TEST_F(Faults, ParavirtSitesAreInTheModule) {
    module.add_code(".text", text, "e800000000c3");
    add_table(".parainstructions", hex(text, 8) + "0005" + hex(0, 6));
    EXPECT_EQ(fault(), "none");
    module.image.sections.back().memory[9] = std::byte{7};
    EXPECT_THAT(fault(), HasSubstr("apply_paravirt() would access 7 bytes"));
    module.image.sections.back().memory[9] = std::byte{255};
    EXPECT_THAT(fault(), HasSubstr("BUG() in arch/x86/kernel/alternative.c:apply_paravirt()"));
}

TEST_F(Faults, ReturnSitesAreInTheModule) {
    module.add_code(".text", text, "e900000000");
    add_table(".return_sites", hex(text - table, 4) + hex(text + 1 - (table + 4), 4));
    EXPECT_THAT(fault(), HasSubstr(".return_sites+0x4: arch/x86/kernel/alternative.c:apply_returns()"));
}

TEST_F(Faults, TablesThatAreNotLoadedAreReadAllTheSame) {
    module.add_section({.name = ".orc_unwind", .type = SHT_PROGBITS, .size = 12});
    EXPECT_THAT(fault(), HasSubstr(".orc_unwind+0x0: arch/x86/kernel/module.c:module_finalize()"));
}

}  // namespace
}  // namespace klp::arch::code_faults_test
