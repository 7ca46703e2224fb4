// SPDX-License-Identifier: GPL-2.0-or-later
// Places that the livepatch core comes to too late, or not at all; special sections of old kernels; signatures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "convert/tiny_source.hpp"
#include "link/signature.hpp"

namespace klp::convert::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST(ConvertPlaces, StaticKeysOfModulesAreRefusedThoseOfVmlinuxAreNot) {
    const std::string key = R"(
        .section __jump_table,"aw"
        .long late_show - ., late_show - .
        .quad {} - .
    )";
    const auto with_key = [&](std::string_view name) { return with_more(klp::test::replaced(key, "{}", name)); };
    EXPECT_THAT(convert_text(with_key("from_vmlinux_too")).relocations(),
                Contains("vmlinux __jump_table .klp.sym.vmlinux.from_vmlinux_too,0"));
    const Converted refused = convert_text(with_key("from_late"));
    EXPECT_EQ(refused.only().id, "convert.static-key");
    EXPECT_EQ(refused.only().where.text(), "test.ko:(__jump_table+0x8)");
}

TEST(ConvertPlaces, StaticCallsOfModulesAreRefused) {
    const Converted converted = convert_text(with_more(R"(
        .section .static_call_sites,"aw"
        .long late_show - ., from_late - .
    )"));
    EXPECT_EQ(converted.only().id, "convert.static-call");
}

constexpr std::string_view alternative = R"(
    .section .altinstructions,"a"
    .long late_show - ., .Lreplacement - .
    .word 1, 2
    .byte 5, 5
    .section .altinstr_replacement,"ax"
    .Lreplacement: call TARGET
)";
std::string with_alternative(std::string_view first, std::string_view target) {
    return with("late_show: call from_late", first) + klp::test::replaced(alternative, "TARGET", target);
}

TEST(ConvertPlaces, CodeThatIsCopiedAtLoadIsNotRelocatedLate) {
    const Converted converted = convert_text(with_alternative("late_show: .nops 5", "from_late"));
    EXPECT_EQ(converted.only().id, "convert.late-special");
    EXPECT_EQ(converted.only().where.section, ".altinstr_replacement");
    EXPECT_THAT(convert_text(with_alternative("late_show: .nops 5", "from_vmlinux_too")).ids(), IsEmpty());
}

TEST(ConvertPlaces, CodeThatIsReplacedAtLoadIsNotRelocatedLate) {
    const Converted converted = convert_text(with_alternative("late_show: call from_late", "from_vmlinux_too"));
    EXPECT_EQ(converted.only().id, "convert.replaced-code");
    EXPECT_THAT(converted.only().notes, ElementsAre("the entry is at 0x0 in .altinstructions"));
    EXPECT_THAT(convert_text(with_alternative("late_show: .nops 5\n call from_late", "from_vmlinux_too")).ids(),
                IsEmpty());
    const std::string before = with_alternative("late_show: call from_late\n .Lplace: .nops 5", "from_vmlinux_too");
    EXPECT_THAT(convert_text(klp::test::replaced(before, ".long late_show - .", ".long .Lplace - .")).ids(), IsEmpty());
}

class Ppc64leSource : public TinySource {
public:
    const arch::Arch& arch() const override { return arch::for_name("ppc64le"); }
};

// arch/powerpc/kernel/module_64.c:restore_r2
TEST(ConvertPlaces, CallsOfPpc64leLeaveRoomForTheToc) {
    const auto module = [](std::string_view behind) {
        return klp::test::assemble_with({"powerpc64le-linux-gnu-as"}, R"(
            .section .modinfo,"a"
            .string "livepatch=Y"
            .string "name=livepatch_toc"
            .section .gnu.linkonce.this_module,"aw"
            .zero 128
            .text
            .type new_show, @function
            new_show: bl from_vmlinux
        )" + std::string(behind) + "\nblr\n.size new_show, . - new_show\n")
            .write();
    };
    const ConvertRequest request{.objects = {"vmlinux"}};
    EXPECT_THAT(convert_bytes(module("nop"), Ppc64leSource(), request).ids(), IsEmpty());
    const Converted refused = convert_bytes(module("addi 3,3,1"), Ppc64leSource(), request);
    EXPECT_THAT(refused.ids(), ElementsAre("convert.call"));
    EXPECT_THAT(refused.only().message, HasSubstr("expected a nop after the call, to restore r2, found 0x38630001"));
}

TEST(ConvertPlaces, InitSectionsAreFreedBeforeModulesCome) {
    const Converted converted =
        convert_text(klp::test::replaced(with("call from_late", "nop"), "jmp klp_enable_patch", "call from_late"));
    EXPECT_THAT(converted.ids(), Contains("convert.init-section"));
}

TEST(ConvertPlaces, AFieldThatIsNotZeroIsRefused) {
    elf::Object module = klp::test::assemble(klp::test::sound_text);
    module.find_section(".text.new_show")->edit()[2] = std::byte{1};
    EXPECT_EQ(convert_bytes(module.write()).only().id, "convert.place");
}

TEST(ConvertPlaces, AFieldBeyondItsSectionIsRefused) {
    elf::Object module = klp::test::assemble(klp::test::sound_text);
    for (elf::Relocation& each : module.find_section(".rela.text.new_show")->relocations) each.offset = 4;
    const Converted refused = convert_bytes(module.write());
    EXPECT_EQ(refused.only().id, "convert.place");
    EXPECT_THAT(refused.only().message, HasSubstr("writes 4 bytes, but the section ends at 0x"));
}

TEST(ConvertPlaces, ATypeThatNoModuleLoaderKnowsIsRefused) {
    const Converted converted = convert_text(with("call from_vmlinux", "mov from_vmlinux@GOTPCREL(%rip), %rax"));
    EXPECT_EQ(converted.only().id, "convert.relocation-type");
}

// Linux 4.6 to 5.7.
class OldKernels : public testing::Test {
protected:
    OldKernels() {
        source.set("vmlinux", {{0x1000, 'T', "klp_enable_patch"},
                               {0x1100, 't', "arch_klp_init_object_loaded"},
                               {0x2000, 't', "from_vmlinux"},
                               {0x5000, 't', "from_vmlinux_too"}});
    }
    TinySource source;
};

// struct alt_instr had 13 bytes then.
std::string old_alternative(std::string_view text) {
    return klp::test::replaced(text, ".word 1, 2\n    .byte 5, 5", ".word 1\n    .byte 5, 5, 5");
}

TEST_F(OldKernels, EntriesOfLateCodeGoToASectionOfTheirOwn) {
    const std::string text = old_alternative(with_alternative("late_show: .nops 5", "from_late")) + R"(
        .section .text.other,"ax"
        .type other, @function
        other: nop
        .size other, 1
        .section .altinstructions,"a"
        .long other - ., .Lunconcerned - .
        .word 1
        .byte 1, 1, 1
        .section .altinstr_replacement,"ax"
        .Lunconcerned: nop
    )";
    const Converted converted = convert_text(text, source);
    EXPECT_THAT(converted.ids(), IsEmpty());
    const elf::Object module = elf::Object::read(converted.conversion->module, "out.ko");
    const elf::Section* moved = module.find_section(".klp.arch.late..altinstructions");
    const elf::Section* stayed = module.find_section(".altinstructions");
    ASSERT_NE(moved, nullptr);
    EXPECT_EQ(moved->size(), 13);
    EXPECT_EQ(stayed->size(), 13);
    EXPECT_EQ(std::to_integer<int>(moved->content()[12]), 5);
    EXPECT_EQ(std::to_integer<int>(stayed->content()[12]), 1);
    ASSERT_EQ(stayed->rela().size(), 2);
    EXPECT_EQ(stayed->rela()[0].offset, 0);
    EXPECT_EQ(stayed->rela()[0].symbol->section->name, ".text.other");
    EXPECT_EQ(moved->rela()[0].symbol->section->name, ".text.late_show");
    EXPECT_THAT(converted.relocations(), Contains("late .altinstr_replacement .klp.sym.late.from_late,0"));
}

TEST_F(OldKernels, AnEntryThatRefersToALateSymbolTakesItAlong) {
    const std::string text = with_more(R"(
        .section .parainstructions,"a"
        .quad late_show
        .byte 1, 5
        .zero 6
        .section .altinstructions,"a"
        .long late_show - ., from_late - .
        .word 1
        .byte 5, 5, 5
    )");
    const Converted converted = convert_text(text, source);
    EXPECT_THAT(converted.relocations(), Contains("late .klp.arch.late..altinstructions .klp.sym.late.from_late,0"));
    const elf::Object module = elf::Object::read(converted.conversion->module, "out.ko");
    EXPECT_EQ(module.find_section(".klp.arch.late..parainstructions")->size(), 16);
}

TEST_F(OldKernels, OtherTablesAreRefused) {
    const Converted converted = convert_text(
        with_more(".section __bug_table,\"aw\"\n .long late_show - ., from_vmlinux_too - .\n .word 1, 2\n"), source);
    EXPECT_EQ(converted.only().id, "convert.late-special");
}

TEST_F(OldKernels, WithoutFunctionsOfVmlinuxItsSymbolsAreAppliedWithTheModule) {
    const std::string text =
        klp::test::replaced(with("objs: .quad 0, funcs", "objs: .quad .Llate, funcs"), "call from_late", "nop");
    EXPECT_THAT(convert_text(text, source).relocations(),
                ElementsAre("late .text.new_show .klp.sym.vmlinux.from_vmlinux,0"));
}

TEST_F(OldKernels, WithoutFunctionsOfVmlinuxSharedCodeIsOfNoObject) {
    source.set("other", {{0x10, 't', "show"}});
    const std::string shared = R"(
        .section .text.shared,"ax"
        .type shared, @function
        shared: call from_vmlinux_too
        ret
        .size shared, . - shared
        .section .rodata.str1.1,"aMS",@progbits,1
        .Lother: .string "other"
    )";
    std::string text = with("objs: .quad 0, funcs", "objs: .quad .Lother, funcs");
    text = klp::test::replaced(text, "call from_vmlinux", "call shared");
    text = klp::test::replaced(text, "call from_late", "call shared");
    EXPECT_EQ(convert_text(text + shared, source).only().id, "convert.object-unpatched");
}

std::vector<std::byte> with_trailer(std::vector<std::byte> module, std::uint32_t length) {
    const std::string marker = "~Module signature appended~\n";
    module.resize(module.size() + 100 + 12);
    store<std::uint32_t>(MutableBytes(module).last(4), length, ByteOrder::big);
    for (const char each : marker) module.push_back(static_cast<std::byte>(each));
    return module;
}

TEST(ConvertSignatures, AreDroppedFromWhatIsChanged) {
    const Converted converted = convert_bytes(with_trailer(module_bytes(), 100));
    EXPECT_TRUE(converted.conversion->signature_dropped);
    EXPECT_EQ(converted.conversion->module, convert_text(klp::test::sound_text).conversion->module);
}

TEST(ConvertSignatures, StayWhereNothingIsChanged) {
    const auto signed_module = with_trailer(convert_text(klp::test::sound_text).conversion->module, 100);
    const Converted converted = convert_bytes(signed_module);
    EXPECT_FALSE(converted.conversion->signature_dropped);
    EXPECT_EQ(converted.conversion->module, signed_module);
}

TEST(ConvertSignatures, LengthsThatCannotBeAreErrors) {
    EXPECT_THROW((void)convert_bytes(with_trailer(module_bytes(), 0x7fffffff)), Error);
    std::vector<std::byte> marker_alone;
    for (const char each : std::string_view("~Module signature appended~\n"))
        marker_alone.push_back(static_cast<std::byte>(each));
    EXPECT_THROW((void)convert_bytes(marker_alone), Error);
}

TEST(ConvertSpeed, TenThousandRelocationsTakeLittleTime) {
    std::string text = with("call from_late", ".rept 5000\n call from_late\n .endr");
    text = klp::test::replaced(text, "call from_vmlinux", ".rept 5000\n call from_vmlinux\n .endr");
    auto bytes = module_bytes(text);
    const auto start = std::chrono::steady_clock::now();
    const Converted converted = convert_bytes(std::move(bytes));
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(converted.conversion->symbols.front().relocations, 5000);
    EXPECT_LT(taken.count(), 2.0);  // 0.2 s in a release build on an idle machine
}

// Each relocation of a function asks whether its instruction is one that the kernel replaces, or of an alternative.
TEST(ConvertSpeed, AFunctionWithManyOfAllTakesLittleTime) {
    std::string text =
        with_alternative("late_show: .nops 5\n .rept 20000\n call from_late\n .endr", "from_vmlinux_too");
    text +=
        ".section .altinstructions,\"a\"\n .rept 2000\n .long late_show - ., .Lreplacement - .\n .word 1, 2\n"
        ".byte 5, 5\n .endr\n";
    auto bytes = module_bytes(text);
    const auto start = std::chrono::steady_clock::now();
    const Converted converted = convert_bytes(std::move(bytes));
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    ASSERT_TRUE(converted.conversion.has_value());
    EXPECT_LT(taken.count(), 4.0);  // under 0.1 s in a release build on an idle machine
}

}  // namespace
}  // namespace klp::convert::test
