// SPDX-License-Identifier: GPL-2.0-or-later
// Which symbol an address of a module belongs to, in kernels that keep the memories of a module apart.
#include <gmock/gmock.h>

#include "livepatch_text.hpp"

namespace klp::loader {
namespace {

using namespace test;

constexpr std::string_view late_kallsyms = "bestval = (unsigned long)mod_mem->base - 1;\n";

// The new function has no symbol; one with a small value lies before all memory.
EventReport load_without_symbol(TestKernel& kernel) {
    const std::string text = replaced(livepatch_text("p", {{"", "show"}}), ".Lold_0, new_0,", ".Lold_0, .Lnew_0,");
    return Simulation(kernel.kernel(), {})
        .play(load(kernel.module("p", ".set small, 1\n" + replaced(text, ".type new_0, @function\nnew_0:",
                                                                   ".type new_0, @function\n.Lnew_0: nop\nnew_0:"))));
}

TEST(Lookup, OfAnAddressBeforeTheFirstSymbolOfItsMemory) {
    TestKernel later = TestKernel::late();
    later.add_source("kernel/module/kallsyms.c", late_kallsyms);
    const EventReport report = load_without_symbol(later);
    EXPECT_THAT(log_of(report), testing::Contains("livepatch: kallsyms size lookup failed for 'show' replacement"));
    EXPECT_EQ(report.error, ENOENT);
    TestKernel earlier = TestKernel::late();
    earlier.add_source("kernel/module/kallsyms.c", "bestval = kallsyms_symbol_value(&kallsyms->symtab[best]);\n");
    EXPECT_TRUE(load_without_symbol(earlier).ok());
    TestKernel of_one_area;
    of_one_area.add_source("kernel/module/kallsyms.c", late_kallsyms);
    EXPECT_TRUE(load_without_symbol(of_one_area).ok());
}

// A variable is asked for its size before ftrace is asked for its place.
TEST(Lookup, IsOfCodeAloneWithoutAllSymbols) {
    const std::string some(replaced(std::string(config), "CONFIG_KALLSYMS_ALL=y\n", ""));
    const std::string late_text = std::string(kernel_text) + std::string(late_kernel_text);
    const auto error_of = [](TestKernel&& kernel) {
        Simulation simulation(kernel.kernel(), {});
        EXPECT_TRUE(simulation.play(load(kernel.module("p", livepatch_text("p", {{"m", "variable"}})))).ok());
        return simulation.play(load(kernel.plain_module("m", ".data\nvariable: .quad 1\n.text\nnop\n"))).error;
    };
    EXPECT_EQ(error_of(TestKernel(late_text, some)), ENOENT);
    EXPECT_EQ(error_of(TestKernel::late()), EINVAL);
    EXPECT_EQ(error_of(TestKernel(kernel_text, some)), EINVAL);
}

// find_module_sections()
TEST(ObsoleteSections, AreToldOf) {
    const std::string_view text =
        ".section __obsparm,\"a\"\n.quad 1\n.section __ksymtab_gpl,\"a\"\n"
        ".section __kcrctab_gpl,\"a\"\n.section .text\nnop\n";
    TestKernel earlier, later = TestKernel::late();
    const auto messages = [&](TestKernel& kernel) {
        return log_of(Simulation(kernel.kernel(), {}).play(load(kernel.plain_module("m", text))));
    };
    EXPECT_THAT(messages(earlier), testing::ElementsAre("m: Ignoring obsolete parameters"));
    EXPECT_THAT(messages(later),
                testing::ElementsAre("m: ignoring obsolete section __ksymtab_gpl",
                                     "m: ignoring obsolete section __kcrctab_gpl", "m: Ignoring obsolete parameters"));
}

// Type information of two bytes of names, and no types.
constexpr std::string_view type_information = R"(
    .section .BTF
    .short 0xeb9f
    .byte 1, 0
    .long 24, 0, 0, 0, 2
    .byte 'x', 0
    .text
    nop
)";
constexpr std::string_view btf_options = "CONFIG_DEBUG_INFO_BTF_MODULES=y\n";
constexpr std::string_view tolerant_options = "CONFIG_DEBUG_INFO_BTF_MODULES=y\nCONFIG_MODULE_ALLOW_BTF_MISMATCH=y\n";

struct TypeDamage {
    std::string_view from, to;
    int error;
    std::string_view text;
};
class TypeInformation : public testing::TestWithParam<TypeDamage> {
protected:
    static std::string damaged() { return replaced(std::string(type_information), GetParam().from, GetParam().to); }
    static EventReport load_into(TestKernel&& kernel) {
        return Simulation(kernel.kernel(), {}).play(load(kernel.plain_module("m", damaged())));
    }
    static std::string verdict() {
        return fmt::format("BPF: {}\nfailed to validate module [m] BTF: {}", GetParam().text, -GetParam().error);
    }
};

TEST_P(TypeInformation, IsRefusedWhenDamaged) {
    const EventReport report = load_into(TestKernel(kernel_text, std::string(config) + std::string(btf_options)));
    EXPECT_EQ(report.error, GetParam().error);
    EXPECT_EQ(text_of(report), verdict());
}

TEST_P(TypeInformation, MayBeTolerated) {
    const EventReport report = load_into(TestKernel(kernel_text, std::string(config) + std::string(tolerant_options)));
    EXPECT_EQ(report.error, 0);
    EXPECT_EQ(text_of(report), verdict());
    EXPECT_EQ(text_of(load_into(TestKernel())), "");
}

INSTANTIATE_TEST_SUITE_P(
    Loader, TypeInformation,
    testing::Values(TypeDamage{"0xeb9f", "0xeb90", EINVAL, "Invalid magic"},
                    TypeDamage{".byte 1, 0", ".byte 2, 0", 524, "Unsupported version"},
                    TypeDamage{".byte 1, 0", ".byte 1, 1", 524, "Unsupported flags"},
                    TypeDamage{".long 24,", ".long 27,", EINVAL, "btf_header not found"},
                    TypeDamage{".long 24,", ".long 26,", E2BIG, "Unsupported btf_header"},
                    TypeDamage{".byte 1, 0\n", ".byte 1, 0\n.text\n", EINVAL, "hdr_len not found"},
                    TypeDamage{"24, 0, 0, 0, 2", "24, 0, 0, 3, 2", EINVAL, "Invalid section offset"},
                    TypeDamage{"24, 0, 0, 0, 2", "24, 0, 0, 1, 1", EINVAL, "Unsupported section found"},
                    TypeDamage{"24, 0, 0, 0, 2", "24, 0, 1, 0, 2", EINVAL, "Section overlap found"},
                    TypeDamage{"24, 0, 0, 0, 2", "24, 0, 0, 0, 3", EINVAL, "Total section length too long"},
                    TypeDamage{"24, 0, 0, 0, 2", "24, 0, 0, 0, 1", EINVAL, "Unsupported section found"},
                    TypeDamage{"24, 0, 0, 0, 2", "24, 1, 1, 0, 1", EINVAL, "String section is not at the end"},
                    TypeDamage{"'x', 0", "0, 'x'", EINVAL, "Invalid string section"}));

TEST(SoundTypeInformation, IsNotSpokenOf) {
    TestKernel kernel(kernel_text, std::string(config) + std::string(btf_options));
    const EventReport report =
        Simulation(kernel.kernel(), {}).play(load(kernel.plain_module("m", std::string(type_information))));
    EXPECT_EQ(report.error, 0);
    EXPECT_EQ(text_of(report), "");
}

// Later kernels have other words, which they say once.
TEST(ToleratedTypeInformation, IsToldOfOnce) {
    TestKernel kernel(
        std::string(kernel_text) + std::string(late_kernel_text) + ".asciz \"Kernel module BTF mismatch detected\"\n",
        std::string(config) + std::string(tolerant_options));
    Simulation simulation(kernel.kernel(), {});
    const auto messages = [&](std::string_view name) {
        const std::string text = replaced(std::string(type_information), "0xeb9f", "1");
        return log_of(simulation.play(load(kernel.plain_module(name, text))));
    };
    EXPECT_THAT(messages("m"),
                testing::ElementsAre("BPF: Invalid magic",
                                     "Kernel module BTF mismatch detected, BTF debug info may be unavailable for some "
                                     "modules"));
    EXPECT_THAT(messages("n"), testing::ElementsAre("BPF: Invalid magic"));
}

}  // namespace
}  // namespace klp::loader
