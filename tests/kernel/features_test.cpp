// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/features.hpp"

#include <gmock/gmock.h>

#include "arch/arm64/features.hpp"
#include "arch/ppc64le/features.hpp"
#include "arch/registry.hpp"
#include "arch/s390x/features.hpp"
#include "arch/x86_64/features.hpp"
#include "kernel/feature_facts.hpp"

namespace klp::kernel {
namespace {

using testing::Contains;
using testing::IsEmpty;

Config config_from_file(std::string_view text) {
    const TempDir folder("klp-test");
    write_file(folder.path() / "config", text);
    return Config::read(folder.path() / "config");
}

Features features_of(const FeatureFacts& facts, std::string_view arch, std::string_view config = "CONFIG_MODULES=y\n") {
    return features_from(facts, config_from_file(config), arch::for_name(arch));
}

std::vector<std::string> unknown(const Features& features) {
    std::vector<std::string> names;
    for (const arch::UnknownFeature& each : features.unknown) names.push_back(each.name);
    return names;
}

template <typename F>
const F& own(const Features& features) {
    return arch::features_as<F>(*features.arch);
}

FeatureFacts with_layout() {
    FeatureFacts facts;
    for (std::uint64_t value = 100; const LayoutField& field : layout_fields())
        facts.headers[std::string(field.name)] = value++;
    return facts;
}

TEST(Features, WithoutAnyFactsNothingIsClaimed) {
    const Features features = features_of({}, "x86_64");
    EXPECT_EQ(features.loader.areas, std::nullopt);
    EXPECT_EQ(features.loader.vermagic, std::nullopt);
    EXPECT_EQ(features.loader.layout, std::nullopt);
    EXPECT_THAT(unknown(features), Contains("rewrites.orc_terminator_by_type"));
    EXPECT_THAT(unknown(features_of({}, "ppc64le")),
                testing::IsSupersetOf({"ppc64.stubs_zero_terminated", "ppc64.accepts_restored_r2", "ppc64.nop_message",
                                       "ppc64.kernel_toc", "ppc64.paca_kernel_toc_offset"}));
    EXPECT_THAT(unknown(features_of({}, "s390x")), Contains("rewrites.s390_alternative_size"));
    EXPECT_EQ(features_of({}, "arm64").loader.page_size, std::nullopt);
}

TEST(Features, WhatIsUnknownOfTheLoaderIsTold) {
    const auto names = [](const Features& features) {
        std::vector<std::string> told;
        for (const arch::UnknownFeature& each : features.loader.unknown) {
            EXPECT_FALSE(each.effect.empty()) << each.name;
            told.push_back(each.name);
        }
        return told;
    };
    EXPECT_THAT(names(features_of({}, "arm64")),
                testing::UnorderedElementsAre("loader.areas", "loader.page_size", "loader.module_area",
                                              "loader.vermagic", "loader.layout"));
    EXPECT_THAT(names(features_of(with_layout(), "x86_64")), testing::Not(Contains("loader.layout")));
}

TEST(Features, AreasComeFromTheHeadersOrTheSymbols) {
    FeatureFacts facts;
    facts.symbols["module_get_offset"] = {0x1000, 'T'};
    EXPECT_EQ(features_of(facts, "x86_64").loader.areas, ModuleAreas::core_and_init);
    facts.headers["module_memory"] = 32;
    EXPECT_EQ(features_of(facts, "x86_64").loader.areas, ModuleAreas::by_type);
    facts.headers["module_memory"] = std::nullopt;
    EXPECT_EQ(features_of(facts, "x86_64").loader.areas, ModuleAreas::core_and_init);
    facts = {};
    facts.symbols["module_get_offset_and_type"] = {0x1000, 'T'};
    EXPECT_EQ(features_of(facts, "x86_64").loader.areas, ModuleAreas::by_type);
}

TEST(Features, LayoutIsWholeOrNotThere) {
    FeatureFacts facts = with_layout();
    const auto layout = features_of(facts, "x86_64").loader.layout;
    ASSERT_TRUE(layout);
    EXPECT_EQ(layout->klp_func_size, 100u);
    EXPECT_EQ(layout->modversion_name_size, 100 + layout_fields().size() - 1);
    facts.headers.erase("klp_patch_objs");
    EXPECT_EQ(features_of(facts, "x86_64").loader.layout, std::nullopt);
}

TEST(Features, ClearingIsTheArchitecturesOwn) {
    FeatureFacts facts;
    EXPECT_FALSE(features_of(facts, "x86_64").loader.clears_livepatch_relocations);
    facts.symbols["clear_relocate_add"] = {0x1000, 'W'};  // the livepatch core's, which does nothing
    EXPECT_TRUE(features_of(facts, "x86_64").loader.clears_livepatch_relocations);
    EXPECT_FALSE(own<arch::x86_64::Features>(features_of(facts, "x86_64")).clear_relocate_add);
    facts.symbols["clear_relocate_add"].type = 'T';
    EXPECT_TRUE(own<arch::x86_64::Features>(features_of(facts, "x86_64")).clear_relocate_add);
}

TEST(Features, X86) {
    FeatureFacts facts;
    facts.headers["orc_type_undefined"] = 0;
    facts.texts["existing value is nonzero for sec %"] = true;
    facts.symbols["alternatives_smp_module_add"] = {0x1000, 'T'};
    facts.symbols["klp_apply_section_relocs"] = {0x2000, 'T'};
    Features features = features_of(facts, "x86_64", "CONFIG_JUMP_LABEL=y\n");
    EXPECT_THAT(unknown(features), IsEmpty());
    EXPECT_TRUE(own<arch::x86_64::Features>(features).orc_terminator_by_type);
    EXPECT_TRUE(own<arch::x86_64::Features>(features).smp_locks);
    EXPECT_FALSE(own<arch::x86_64::Features>(features).nops_by_cpu);
    EXPECT_TRUE(features.arch->jump_label);
    EXPECT_FALSE(features.arch->dynamic_ftrace);
    EXPECT_TRUE(own<arch::x86_64::Features>(features).messages_name_index);
    EXPECT_TRUE(features.loader.applies_vmlinux_relocations_at_load);
    EXPECT_EQ(features.loader.page_size, 4096u);
    facts.headers["orc_type_undefined"] = std::nullopt;
    facts.texts["existing value is nonzero for sec %"] = false;
    facts.symbols["ideal_nops"] = {0x3000, 'D'};
    features = features_of(facts, "x86_64");
    EXPECT_TRUE(own<arch::x86_64::Features>(features).nops_by_cpu);
    EXPECT_THAT(unknown(features), IsEmpty());
    EXPECT_FALSE(own<arch::x86_64::Features>(features).orc_terminator_by_type);
    EXPECT_FALSE(own<arch::x86_64::Features>(features).messages_name_index);
    EXPECT_FALSE(features.arch->jump_label);
}

TEST(Features, EntriesOfOlderKernels) {
    FeatureFacts facts;
    for (const char* name : {"x86_64", "arm64", "ppc64le", "s390x"}) {
        facts.headers = {{"__jump_table", 16}, {"__ex_table", 12}, {"exception_handler", std::nullopt}};
        EXPECT_TRUE(features_of(facts, name).arch->jump_label_relative);
        EXPECT_EQ(features_of(facts, name).arch->exception_entry_size, 12u);
        EXPECT_EQ(features_of(facts, name).arch->exception_handler, 0u);
        facts.headers = {{"__jump_table", 24}, {"__ex_table", 16}, {"exception_handler", 8}};
        EXPECT_FALSE(features_of(facts, name, "CONFIG_HAVE_ARCH_JUMP_LABEL_RELATIVE=y\n").arch->jump_label_relative);
        EXPECT_EQ(features_of(facts, name).arch->exception_entry_size, 16u);
        EXPECT_EQ(features_of(facts, name).arch->exception_handler, 8u);
        // Where the headers cannot be asked.
        facts.headers = {};
        EXPECT_TRUE(features_of(facts, name, "CONFIG_HAVE_ARCH_JUMP_LABEL_RELATIVE=y\n").arch->jump_label_relative);
        EXPECT_FALSE(features_of(facts, name, "CONFIG_JUMP_LABEL=y\n").arch->jump_label_relative);
    }
}

TEST(Features, Ppc64le) {
    FeatureFacts facts;
    facts.headers = {
        {"module_stub_count", 4}, {"paca_kernel_toc", 16}, {"paca_thread_info", 2312}, {"livepatch_sp", 24}};
    facts.sources = {{"accepts_restored_r2", true}, {"sort_takes_two", true}};
    facts.texts["Expect noop after relocate"] = true;
    facts.image_symbols[".TOC."] = 0xc000000000488000;
    facts.symbols["ftrace_caller"] = {0xc000000000046000, 'T'};
    facts.symbols["ftrace_regs_caller"] = {0xc000000000047000, 'T'};
    Features features = features_of(facts, "ppc64le", "CONFIG_MPROFILE_KERNEL=y\nCONFIG_PPC_64K_PAGES=y\n");
    EXPECT_THAT(unknown(features), IsEmpty());
    const auto& ppc64 = own<arch::ppc64le::Features>(features);
    EXPECT_FALSE(ppc64.stubs_zero_terminated);
    EXPECT_TRUE(ppc64.accepts_restored_r2);
    EXPECT_EQ(ppc64.nop_message, arch::ppc64le::NopMessage::expect_noop_after_relocate);
    EXPECT_FALSE(ppc64.dynamic_ftrace);
    EXPECT_TRUE(ppc64.ftrace_stubs_use_kernel_toc);
    EXPECT_EQ(ppc64.sort, arch::HeapSort::takes_two);
    EXPECT_EQ(ppc64.kernel_toc, 0xc000000000488000u);
    EXPECT_EQ(ppc64.paca_kernel_toc_offset, 16);
    EXPECT_EQ(ppc64.livepatch_sp_offset, 24);
    EXPECT_EQ(ppc64.ftrace_caller, 0xc000000000046000u);
    EXPECT_EQ(features.loader.page_size, 65536u);
    facts.headers["module_stub_count"] = std::nullopt;
    facts.texts = {{"Expect noop after relocate", false}, {"Expected nop after call", true}};
    features = features_of(facts, "ppc64le", "CONFIG_PPC_FTRACE_OUT_OF_LINE=y\n");
    EXPECT_TRUE(own<arch::ppc64le::Features>(features).stubs_zero_terminated);
    EXPECT_EQ(own<arch::ppc64le::Features>(features).nop_message, arch::ppc64le::NopMessage::expected_nop_after_call);
    EXPECT_THAT(unknown(features), testing::ElementsAre("ppc64.out_of_line_stub_size"));
}

TEST(Features, S390x) {
    FeatureFacts facts;
    facts.headers[".altinstructions"] = 13;
    const auto expoline = [&](std::string_view config) {
        return own<arch::s390x::Features>(features_of(facts, "s390x", config)).expoline;
    };
    EXPECT_FALSE(expoline("CONFIG_MODULES=y\n"));
    EXPECT_TRUE(expoline("CONFIG_EXPOLINE=y\nCONFIG_EXPOLINE_FULL=y\n"));
    EXPECT_FALSE(expoline("CONFIG_EXPOLINE=y\nCONFIG_EXPOLINE_OFF=y\n"));
    const Features features = features_of(facts, "s390x", "CONFIG_EXPOLINE=y\nCONFIG_EXPOLINE_AUTO=y\n");
    EXPECT_THAT(unknown(features), testing::ElementsAre("s390.expoline"));
    EXPECT_EQ(own<arch::s390x::Features>(features).alternative_size, 13u);
    EXPECT_FALSE(own<arch::s390x::Features>(features).zeroed_stack);
    EXPECT_TRUE(own<arch::s390x::Features>(features_of(facts, "s390x", "CONFIG_INIT_STACK_ALL_ZERO=y\n")).zeroed_stack);
}

TEST(Features, Arm64) {
    FeatureFacts facts;
    facts.symbols["ftrace_caller"] = {0xffff800080021370, 'T'};
    facts.sources["sort_takes_two"] = true;
    constexpr std::string_view config =
        "CONFIG_DYNAMIC_FTRACE=y\nCONFIG_DYNAMIC_FTRACE_WITH_CALL_OPS=y\nCONFIG_ARM64_16K_PAGES=y\n";
    Features features = features_of(facts, "arm64", config);
    EXPECT_THAT(unknown(features), testing::ElementsAre("arm64.ftrace_nop_ops"));
    EXPECT_EQ(own<arch::arm64::Features>(features).ftrace_caller, 0xffff800080021370u);
    EXPECT_EQ(own<arch::arm64::Features>(features).message_prefix, "");
    EXPECT_FALSE(own<arch::arm64::Features>(features).init_ftrace_trampoline);
    EXPECT_EQ(features.loader.page_size, 16384u);
    facts.symbols["ftrace_nop_ops"] = {0xffff8000802feb80, 'D'};
    facts.texts = {{"Modules: module %s: unsupported RELA relocation", true}, {".init.text.ftrace_trampoline", true}};
    features = features_of(facts, "arm64", config);
    EXPECT_EQ(own<arch::arm64::Features>(features).ftrace_nop_ops, 0xffff8000802feb80u);
    EXPECT_EQ(own<arch::arm64::Features>(features).message_prefix, "Modules: ");
    EXPECT_TRUE(own<arch::arm64::Features>(features).init_ftrace_trampoline);
    // No ftrace: no trampoline is made.
    EXPECT_EQ(own<arch::arm64::Features>(features_of(facts, "arm64")).ftrace_caller, std::nullopt);
}

TEST(Vermagic, IsTheStringOfTheKernelAlone) {
    const auto found = [](std::string_view data) { return find_vermagic(as_bytes(data), "6.1.0-56-amd64", {}); };
    using std::string_view_literals::operator""sv;
    EXPECT_EQ(found("x\0006.1.0-56-amd64 SMP preempt mod_unload modversions \0y"sv),
              "6.1.0-56-amd64 SMP preempt mod_unload modversions ");
    EXPECT_EQ(found("\0006.1.0-56-amd64 \0"sv), "6.1.0-56-amd64 ");
    EXPECT_EQ(found("\0006.1.0-56-amd64 (debian-kernel@lists.debian.org) (gcc-12)\0"sv), std::nullopt);
    EXPECT_EQ(found("Linux version 6.1.0-56-amd64 SMP\0"sv), std::nullopt);
    EXPECT_EQ(found("\0006.1.0-56-amd64 SMP"sv), std::nullopt);
    EXPECT_EQ(found("\0006.1.0-56-amd64\0"sv), std::nullopt);
    EXPECT_EQ(found("\0006.1.0-56-amd64 SMP \0006.1.0-56-amd64 preempt \0"sv), std::nullopt);
    EXPECT_EQ(found("\0006.1.0-56-amd64 SMP \0006.1.0-56-amd64 SMP \0"sv), "6.1.0-56-amd64 SMP ");
}

TEST(FeatureFacts, SurviveTheCache) {
    FeatureFacts facts;
    facts.symbols["f"] = {0xffffffff81000000, 'W'};
    facts.texts = {{"a", true}, {"b", false}};
    facts.headers = {{"x", 7}, {"y", std::nullopt}};
    facts.sources = {{"says", true}, {"does_not", false}};
    facts.image_symbols = {{"s", 8}};
    facts.vermagic = "6.1 ";
    const FeatureFacts again = facts_from_json(to_json(facts), "f");
    EXPECT_EQ(again.address_of("f"), 0xffffffff81000000u);
    EXPECT_EQ(again.symbols.at("f").type, 'W');
    EXPECT_EQ(again.texts, facts.texts);
    EXPECT_EQ(again.headers, facts.headers);
    EXPECT_EQ(again.sources, facts.sources);
    EXPECT_EQ(again.vermagic, "6.1 ");
    EXPECT_EQ(again.image_symbols, facts.image_symbols);
    EXPECT_EQ(again.headers_error, std::nullopt);
    EXPECT_THROW(static_cast<void>(facts_from_json("{}", "f")), Error);
    EXPECT_THROW(static_cast<void>(facts_from_json("{", "f")), Error);
}

}  // namespace
}  // namespace klp::kernel
