// SPDX-License-Identifier: GPL-2.0-or-later
// Files that the kernel refuses by their headers.
#include <gmock/gmock.h>

#include "arch/module_loading.hpp"
#include "file_bytes.hpp"
#include "livepatch_text.hpp"
#include "loader/elf_checks.hpp"
#include "loader/features.hpp"

namespace klp::loader {
namespace {

using namespace test;
using testing::HasSubstr;

enum class Which { both, early, late };
struct Damage {
    const char* name;
    void (*edit)(FileBytes&);
    std::string_view message;  // "": of undefined behaviour
    Which which = Which::both;
};

EventReport load_damaged(TestKernel& kernel, const Damage& damage) {
    FileBytes file(kernel.plain_module("m",
                                       ".text\ncall printk\n.section __version_ext_crcs,\"a\"\n.long 1\n"
                                       ".section __version_ext_names,\"a\"\n.string \"x\"\n"));
    damage.edit(file);
    file.write(kernel.path("m.ko"));
    Simulation simulation(kernel.kernel(), {});
    return simulation.play(load(kernel.path("m.ko")));
}

void expect_refusal(TestKernel&& kernel, const Damage& damage) {
    const EventReport report = load_damaged(kernel, damage);
    EXPECT_EQ(report.error, ENOEXEC);
    EXPECT_EQ(fmt::format("{}", fmt::join(log_of(report), "\n")), damage.message);
}

class DamagedFile : public testing::TestWithParam<Damage> {};

TEST_P(DamagedFile, IsRefusedInTheKernelsWords) {
    if (GetParam().which != Which::late) expect_refusal(TestKernel(), GetParam());
    if (GetParam().which != Which::early) expect_refusal(TestKernel::late(), GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Loader, DamagedFile,
    testing::Values(
        Damage{"short", [](FileBytes& f) { f.length = 60; }, "Invalid ELF header len 60"},
        Damage{"type", [](FileBytes& f) { f.header.e_type = ET_EXEC; }, "Invalid ELF header type: 2 != 1"},
        Damage{"machine", [](FileBytes& f) { f.header.e_machine = EM_S390; }, "Invalid architecture in ELF header: 22"},
        Damage{"entry", [](FileBytes& f) { f.header.e_shentsize = 40; }, "Invalid ELF section header size"},
        Damage{"offset", [](FileBytes& f) { f.header.e_shoff = 1 << 30; }, "Invalid ELF section header overflow"},
        Damage{"count", [](FileBytes& f) { f.header.e_shnum = 60000; }, "Invalid ELF section header overflow"},
        Damage{"name-index", [](FileBytes& f) { f.header.e_shstrndx = 999; },
               "Invalid ELF section name index: 999 || e_shstrndx (999) >= e_shnum (12)"},
        Damage{"no-names", [](FileBytes& f) { f.header.e_shstrndx = 0; },
               "Invalid ELF section name index: 0 || e_shstrndx (0) >= e_shnum (12)"},
        Damage{"name-table", [](FileBytes& f) { f.section(".shstrtab").sh_offset = 1 << 30; },
               "Invalid ELF section hdr(type 3)", Which::early},
        Damage{"name-table-late", [](FileBytes& f) { f.section(".shstrtab").sh_offset = 1 << 30; },
               "Invalid ELF section in module (section 11 type 3)", Which::late},
        Damage{"name-table-type", [](FileBytes& f) { f.section(".shstrtab").sh_type = SHT_PROGBITS; },
               "Invalid ELF section name table type: 1", Which::late},
        Damage{"no-name-table", [](FileBytes& f) { f.section(".shstrtab").sh_size = 0; }, "empty section name table"},
        Damage{"name-end",
               [](FileBytes& f) { f.at(f.section(".shstrtab").sh_offset + f.section(".shstrtab").sh_size - 1) = 'x'; },
               "ELF Spec violation: section name table isn't null terminated"},
        Damage{"null", [](FileBytes& f) { f.sections[0].sh_type = SHT_NOTE; },
               "ELF Spec violation: section 0 type(7)!=SH_NULL or non-zero len or addr"},
        Damage{"null-size", [](FileBytes& f) { f.sections[0].sh_size = 1; },
               "ELF Spec violation: section 0 type(0)!=SH_NULL or non-zero len or addr"},
        Damage{"content", [](FileBytes& f) { f.section(".text").sh_size = 1 << 30; },
               "Invalid ELF section in module (section 1 type 1)"},
        Damage{"overflow", [](FileBytes& f) { f.section(".text").sh_offset = ~0ULL; },
               "Invalid ELF section in module (section 1 type 1)"},
        Damage{"name", [](FileBytes& f) { f.section(".text").sh_name = 1 << 20; },
               "Invalid ELF section name in module (section 1 type 1)"},
        Damage{"link", [](FileBytes& f) { f.section(".symtab").sh_link = 77; },
               "Invalid ELF sh_link!=SHN_UNDEF(77) or (sh_link(77) >= hdr->e_shnum(12)"},
        Damage{"strings-type", [](FileBytes& f) { f.section(".strtab").sh_type = SHT_PROGBITS; },
               "Invalid ELF symbol string table type: 1", Which::late},
        Damage{"stripped", [](FileBytes& f) { f.section(".symtab").sh_type = SHT_PROGBITS; },
               "m: module has no symbols (stripped?)"},
        Damage{"no-module", [](FileBytes& f) { f.section(".gnu.linkonce.this_module").sh_flags = 0; },
               "m: No module found in object", Which::early},
        Damage{"no-module-late", [](FileBytes& f) { f.section(".gnu.linkonce.this_module").sh_flags = 0; },
               "module m: .gnu.linkonce.this_module must occupy memory during process execution", Which::late},
        Damage{"empty-module", [](FileBytes& f) { f.section(".gnu.linkonce.this_module").sh_type = SHT_NOBITS; },
               "module m: .gnu.linkonce.this_module section must have a size set", Which::late},
        Damage{"two-modules",
               [](FileBytes& f) { f.section(".data").sh_name = f.section(".gnu.linkonce.this_module").sh_name; },
               "module m: Exactly one .gnu.linkonce.this_module section must exist.", Which::late},
        Damage{"two-modinfo", [](FileBytes& f) { f.section(".data").sh_name = f.section(".modinfo").sh_name; },
               "Only one .modinfo section must exist.", Which::late},
        Damage{"crcs", [](FileBytes& f) { f.section("__version_ext_crcs").sh_flags = 0; },
               "extended version crc+name presence does not match", Which::late},
        Damage{"more-crcs", [](FileBytes& f) { f.section("__version_ext_crcs").sh_size = 12; },
               "more extended version crcs than names", Which::late},
        Damage{"no-strings", [](FileBytes& f) { f.section(".strtab").sh_size = 0; }, "empty symbol string table",
               Which::late},
        Damage{"strings-begin", [](FileBytes& f) { f.at(f.section(".strtab").sh_offset) = 'x'; },
               "symbol string table missing leading NUL", Which::late},
        Damage{"strings-end",
               [](FileBytes& f) { f.at(f.section(".strtab").sh_offset + f.section(".strtab").sh_size - 1) = 'x'; },
               "symbol string table isn't NUL terminated", Which::late},
        Damage{"symbol-name",
               [](FileBytes& f) {
                   Elf64_Sym symbol = f.symbol(2);
                   symbol.st_name = 1 << 20;
                   f.set_symbol(2, symbol);
               },
               "symbol name out of bounds in string table", Which::late},
        Damage{"symbol-section",
               [](FileBytes& f) {
                   Elf64_Sym symbol = f.symbol(1);
                   symbol.st_shndx = 500;
                   f.set_symbol(1, symbol);
               },
               "m: Symbol printk has an invalid section index 500 (max 11)"},
        Damage{"rel", [](FileBytes& f) { f.section(".rela.text").sh_type = SHT_REL; },
               "module m: REL relocation unsupported"}),
    [](const auto& test) {
        std::string name = test.param.name;
        std::erase(name, '-');
        return name;
    });

TEST(File, OfTwoModinfoSectionsCountsTheFirstInEarlierKernels) {
    TestKernel kernel;
    const Damage damage{"", [](FileBytes& f) { f.section(".data").sh_name = f.section(".modinfo").sh_name; }, ""};
    EXPECT_NE(load_damaged(kernel, damage).error, 0);  // .data comes first, and has no vermagic
}

// What the kernel does not look at.
class IgnoredField : public testing::TestWithParam<Damage> {};

TEST_P(IgnoredField, ChangesNothing) {
    TestKernel kernel;
    FileBytes file(kernel.module("p", livepatch_text("p", {{"", "show"}})));
    GetParam().edit(file);
    file.write(kernel.path("p.ko"));
    Simulation simulation(kernel.kernel(), {});
    const EventReport report = simulation.play(load(kernel.path("p.ko")));
    EXPECT_EQ(report.undefined_behaviour.value_or(""), "");
    EXPECT_EQ(report.error, 0);
    ASSERT_TRUE(simulation.module("p")->patch.has_value());
    EXPECT_EQ(simulation.module("p")->patch->objects.at(0).functions.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Loader, IgnoredField,
    testing::Values(Damage{"nothing", [](FileBytes&) {}, ""},
                    Damage{"class", [](FileBytes& f) { f.header.e_ident[EI_CLASS] = ELFCLASS32; }, ""},
                    Damage{"data", [](FileBytes& f) { f.header.e_ident[EI_DATA] = ELFDATA2MSB; }, ""},
                    Damage{"ident", [](FileBytes& f) { f.header.e_ident[EI_VERSION] = 7; }, ""},
                    Damage{"abi", [](FileBytes& f) { f.header.e_ident[EI_OSABI] = 77; }, ""},
                    Damage{"version", [](FileBytes& f) { f.header.e_version = 5; }, ""},
                    Damage{"headersize", [](FileBytes& f) { f.header.e_ehsize = 5; }, ""},
                    Damage{"link", [](FileBytes& f) { f.section(".rela.data").sh_link = 1; }, ""},
                    Damage{"linkoutside", [](FileBytes& f) { f.section(".rela.data").sh_link = 9999; }, ""},
                    Damage{"entry", [](FileBytes& f) { f.section(".rela.data").sh_entsize = 7; }, ""},
                    Damage{"symbolentry", [](FileBytes& f) { f.section(".symtab").sh_entsize = 0; }, ""},
                    Damage{"alignment", [](FileBytes& f) { f.section(".data").sh_addralign = 3; }, ""},
                    Damage{"size", [](FileBytes& f) { f.section(".rela.data").sh_size += 5; }, ""},
                    Damage{"symbolsize", [](FileBytes& f) { f.section(".symtab").sh_size += 5; }, ""}),
    [](const auto& test) { return std::string(test.param.name); });

class UndefinedFile : public testing::TestWithParam<Damage> {};

// The kernel does not look; what it reads or writes then is not to be told.
TEST_P(UndefinedFile, IsNotGuessedAt) {
    TestKernel kernel;
    FileBytes file(kernel.plain_module("m", ".text\ncall printk\n"));
    GetParam().edit(file);
    file.write(kernel.path("m.ko"));
    Simulation simulation(kernel.kernel(), {});
    const EventReport report = simulation.play(load(kernel.path("m.ko")));
    ASSERT_TRUE(report.undefined_behaviour.has_value());
    EXPECT_FALSE(report.ok());
    EXPECT_THAT(*report.undefined_behaviour, HasSubstr(std::string(GetParam().message)));
    EXPECT_THROW(static_cast<void>(simulation.play({EventKind::unload, "m"})), Error);
}

INSTANTIATE_TEST_SUITE_P(
    Loader, UndefinedFile,
    testing::Values(Damage{"name",
                           [](FileBytes& f) {
                               Elf64_Sym symbol = f.symbol(2);
                               symbol.st_name = 1 << 20;
                               f.set_symbol(2, symbol);
                           },
                           "leads out of a string table"},
                    Damage{"place",
                           [](FileBytes& f) {
                               f.at(f.section(".rela.text").sh_offset + 2) = 1;  // r_offset
                           },
                           "outside of the"},
                    Damage{"symbol", [](FileBytes& f) { f.at(f.section(".rela.text").sh_offset + 14) = 100; },
                           "of a relocation is outside of the table"}));

// The string table lies behind the symbols: what a name's bytes make of a symbol is relocated as one.
TEST(RelocationOfABadIndex, TakesWhatIsBehindTheTable) {
    TestKernel kernel;
    FileBytes file(kernel.plain_module("m", ".data\n.quad printk\n.text\nret\n"));
    const auto symbols = file.section(".symtab");
    const auto strings = file.section(".strtab");
    const std::uint64_t count = symbols.sh_size / sizeof(Elf64_Sym);
    file.at(file.section(".rela.data").sh_offset + 12) = static_cast<unsigned char>(count);
    std::uint64_t expected = 0;
    for (unsigned i = 0; i < 8; ++i)
        expected |=
            std::uint64_t{static_cast<unsigned char>(file.at(strings.sh_offset + offsetof(Elf64_Sym, st_value) + i))}
            << (8 * i);
    file.write(kernel.path("m.ko"));
    Simulation simulation(kernel.kernel(), {});
    const EventReport report = simulation.play(load(kernel.path("m.ko")));
    ASSERT_EQ(report.undefined_behaviour, std::nullopt);
    ASSERT_TRUE(report.ok());
    const auto& sections = simulation.module("m")->sections;
    const auto data = std::ranges::find(sections, ".data", &LoadedSection::name);
    ASSERT_NE(data, sections.end());
    EXPECT_EQ(::klp::load<std::uint64_t>(data->memory, ByteOrder::little), expected);
}

// Room between sections is the module's memory; code of another section is not to be written over.
TEST(RelocationOutsideOfItsSection, IsWrittenWhereTheMemoryIs) {
    TestKernel kernel;
    FileBytes file(kernel.plain_module("m", ".data\n.quad printk\n.zero 3\n.text\nret\n"));
    file.at(file.section(".rela.data").sh_offset) = 8;  // r_offset: the field ends 5 bytes behind the section
    file.write(kernel.path("m.ko"));
    Simulation simulation(kernel.kernel(), {});
    const EventReport report = simulation.play(load(kernel.path("m.ko")));
    EXPECT_EQ(report.undefined_behaviour, std::nullopt);
    EXPECT_TRUE(report.ok());
}

TEST(RelocationOutsideOfItsSection, IsNotFollowedIntoOtherCode) {
    TestKernel kernel;
    FileBytes file(kernel.plain_module("m", ".text\n.quad printk\nret\n.section .text.other,\"ax\"\n.zero 64\n"));
    file.at(file.section(".rela.text").sh_offset) = 16;
    file.write(kernel.path("m.ko"));
    Simulation simulation(kernel.kernel(), {});
    const EventReport report = simulation.play(load(kernel.path("m.ko")));
    ASSERT_TRUE(report.undefined_behaviour.has_value());
    EXPECT_THAT(*report.undefined_behaviour, HasSubstr("over code of .text.other"));
}

// What features_of() makes of a probe that knows struct module.
TEST(StructModule, HasTheSizeThatTheKernelIsBuiltWith) {
    TestKernel kernel = TestKernel::late();
    const fs::path file = kernel.plain_module("m", ".text\ncall printk\n");
    const arch::Arch& arch = kernel.kernel().arch();
    const auto log_with = [&](const kernel::Features& probed) {
        EventReport report;
        Journal journal(report);
        Module module(ModuleFile(file, ByteOrder::little));
        const Features features = features_from(probed, arch.module_loading(), {});
        try {
            check_elf(module, arch, features, journal);
        } catch (const Refused& refused) {
            EXPECT_EQ(refused.error, ENOEXEC);
        }
        return log_of(report);
    };
    kernel::Features probed = kernel::probe(kernel.kernel());
    ASSERT_EQ(probed.loader.layout, std::nullopt);
    EXPECT_THAT(log_with(probed), testing::IsEmpty());
    probed.loader.layout.emplace().module_size = 128;  // as in frame()
    EXPECT_THAT(log_with(probed), testing::IsEmpty());
    probed.loader.layout->module_size = 192;
    EXPECT_THAT(log_with(probed),
                testing::ElementsAre("module m: .gnu.linkonce.this_module section size must match the kernel's built "
                                     "struct module size at run time"));
    probed.loader.strict_elf_checks = false;  // earlier kernels do not look
    EXPECT_THAT(log_with(probed), testing::IsEmpty());
}

TEST(Module, ThatIsTooLargeForTheModelIsAnError) {
    TestKernel kernel;
    Simulation simulation(kernel.kernel(), {});
    EXPECT_THROW(static_cast<void>(simulation.play(load(kernel.plain_module("m", ".bss\n.zero 0x20000000\n")))), Error);
    EXPECT_EQ(simulation.play(load(kernel.plain_module("m", ".bss\n.zero 32\n"))).error, 0);
}

}  // namespace
}  // namespace klp::loader
