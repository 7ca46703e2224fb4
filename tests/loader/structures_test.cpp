// SPDX-License-Identifier: GPL-2.0-or-later
// Modules whose structures are not as the kernel takes them to be: struct module, klp_patch and its tables, sections.
#include <gmock/gmock.h>

#include <cerrno>

#include "file_bytes.hpp"
#include "livepatch_text.hpp"

namespace klp::loader {
namespace {

using namespace test;
using testing::HasSubstr;

// Of the modules that livepatch_text() makes.
Options with_layout() {
    Options options;
    kernel::StructLayout layout;
    layout.klp_func_size = 64;
    layout.klp_func_new_func = 8;
    layout.klp_func_old_sympos = 16;
    layout.klp_object_size = 96;
    layout.klp_object_funcs = 8;
    layout.klp_object_pre_patch = 16;
    layout.klp_object_post_patch = 24;
    layout.klp_object_pre_unpatch = 32;
    layout.klp_object_post_unpatch = 40;
    layout.klp_patch_size = 96;
    layout.klp_patch_objs = 8;
    layout.klp_patch_replace = 24;
    layout.klp_func_kobj = 24;
    layout.klp_patch_kobj = 32;
    layout.klp_object_kobj = 48;
    layout.kobject_size = 32;
    layout.module_size = 128;
    layout.module_name = 24;
    layout.module_name_size = 56;
    options.layout = layout;
    options.module_init = 96;
    options.module_exit = 104;
    return options;
}

// A livepatch of `show` whose init code names its klp_patch, and whose struct module has its functions.
std::string sound(const std::vector<Replacement>& replacements = {{"", "show"}}) {
    std::string text = livepatch_text("p", replacements);
    text = replaced(text, "init_module: jmp", "init_module: lea patch(%rip), %rdi\njmp");
    return replaced(text, ".zero 103", ".zero 71\n.quad init_module, cleanup_module\n.zero 16");
}

class Structures : public testing::Test {
protected:
    EventReport load_it(const std::string& text, const std::function<void(elf::Object&)>& edit = {}) {
        Options options = with_layout();
        options.layout->kobject_kset = layout.kobject_kset;
        options.layout->kobject_flags = layout.kobject_flags;
        options.layout->module_refcnt = layout.module_refcnt;
        options.layout->module_folders = layout.module_folders;
        options.layout->module_folders_end = layout.module_folders_end;
        options.layout->module_source_list = layout.module_source_list;
        simulation.emplace(kernel.kernel(), options);
        return simulation->play(load(kernel.module("p", text, edit)));
    }
    std::string undefined(const std::string& text, const std::function<void(elf::Object&)>& edit = {}) {
        return load_it(text, edit).undefined_behaviour.value_or("");
    }
    static std::function<void(elf::Object&)> flags(std::string name, std::uint64_t value) {
        return [=](elf::Object& object) { object.find_section(name)->flags = value; };
    }

    TestKernel kernel;
    kernel::StructLayout layout;  // those members that tests set
    std::optional<Simulation> simulation;
};

TEST_F(Structures, SoundOnesAreRead) {
    const EventReport report = load_it(sound({{"", "show"}, {"late", "late_function", 2}}));
    ASSERT_TRUE(report.ok()) << text_of(report) << report.undefined_behaviour.value_or("");
    const Patch& patch = *simulation->module("p")->patch;
    ASSERT_EQ(patch.objects.size(), 2U);
    EXPECT_EQ(patch.objects[0].functions[0].old_address, kernel.address("show"));
    EXPECT_EQ(patch.objects[0].functions[0].new_address, section_of(*simulation->module("p"), ".text").address);
    EXPECT_EQ(patch.objects[1].name, "late");
    EXPECT_EQ(patch.objects[1].functions[0].sympos, 2U);
    EXPECT_TRUE(simulation->play({EventKind::disable, "p"}).ok());
    EXPECT_TRUE(simulation->play({EventKind::unload, "p"}).ok());
}

TEST_F(Structures, ObjectsDoNotShareFunctions) {
    const std::string text = replaced(sound({{"", "show"}, {"late", "f"}}), "funcs_1\n.zero 80", "funcs_0\n.zero 80");
    EXPECT_THAT(undefined(text), HasSubstr("struct klp_func is in the tables twice"));
}

TEST_F(Structures, TheirMemoryIsWritableAndStays) {
    EXPECT_THAT(undefined(sound(), flags(".data", SHF_ALLOC)),
                HasSubstr("writes to struct klp_patch, which is read-only"));
    const auto init_data = [](elf::Object& object) { object.find_section(".data")->name = ".init.data"; };
    EXPECT_THAT(undefined(sound(), init_data), HasSubstr("struct klp_patch in init memory"));
    const auto init_names = [](elf::Object& object) { object.find_section(".rodata.str")->name = ".init.rodata"; };
    EXPECT_THAT(undefined(sound(), init_names), HasSubstr("a name in init memory"));
}

TEST_F(Structures, NobodySetsTheirPrivateFields) {
    EXPECT_THAT(undefined(replaced(sound(), "new_0, 0\n.zero 40", "new_0, 0\n.quad 1\n.zero 32")),
                HasSubstr("the kobject of struct klp_func is not zero"));
    EXPECT_THAT(undefined(replaced(sound(), "funcs_0\n.zero 80", "funcs_0\n.zero 72\n.quad 1")),
                HasSubstr("klp_free_object_dynamic()"));
    EXPECT_TRUE(load_it(replaced(sound(), "new_0, 0\n.zero 40", "0, 0\n.zero 32\n.quad 1")).ok());
    EXPECT_THAT(simulation->play({EventKind::disable, "p"}).undefined_behaviour.value_or(""),
                HasSubstr("klp_free_func_nop"));
}

// What the kernel itself sets does no harm.
TEST_F(Structures, OnlyThreeFieldsOfAKobjectMatter) {
    layout.kobject_kset = 16;
    layout.kobject_flags = 28;
    const auto with = [&](std::string_view kobject) {
        return undefined(replaced(sound(), "new_0, 0\n.zero 40", fmt::format("new_0, 0\n{}\n.zero 8", kobject)));
    };
    EXPECT_EQ(with(".quad 0, 1, 0, 1"), "");
    EXPECT_EQ(with(".quad 0, 0, 0\n.long 0, 0xfe"), "");
    for (const auto* kobject : {".quad 1, 0, 0, 0", ".quad 0, 0, 1, 0", ".quad 0, 0, 0\n.long 0, 1"})
        EXPECT_THAT(with(kobject), HasSubstr("the kobject of struct klp_func is not zero")) << kobject;
}

// klp_enable_patch() asks for functions first, and comes to names one by one.
TEST_F(Structures, AreReadInTheOrderOfTheKernel) {
    const auto text = sound({{"", "show"}, {"late", "late_function"}});
    const auto bad_name = replaced(text, ".quad .Lobject_1, funcs_1", ".quad 0xffff, funcs_1");
    EXPECT_THAT(undefined(bad_name), HasSubstr("a name that is in no section"));
    EXPECT_EQ(load_it(replaced(bad_name, ".quad .Lold_0, new_0", ".quad .Lold_0, 0")).error, EINVAL);
    EXPECT_EQ(load_it(replaced(text, ".quad .Lobject_1, funcs_1", ".quad 0xffff, 0")).error, EINVAL);
    EXPECT_EQ(load_it(replaced(text, ".quad .Lold_0, new_0", ".quad 0xffff, 0")).error, EINVAL);
}

TEST_F(Structures, TablesEndOutsideOfWhatIsWritten) {
    const auto in_patch = [](std::uint64_t at) {
        return replaced(sound() + ".data\n.zero 200\n", "patch: .quad __this_module, objs",
                        fmt::format("patch: .quad __this_module, patch+{}", at));
    };
    EXPECT_THAT(undefined(in_patch(64)), HasSubstr("the table of struct klp_object ends in what"));
    EXPECT_EQ(
        load_it(replaced(sound(), "patch: .quad __this_module, objs", "patch: .quad __this_module, objs+96")).error, 0);
}

TEST_F(Structures, APatchWithoutModuleIsRefused) {
    EXPECT_EQ(load_it(replaced(sound(), "patch: .quad __this_module", "patch: .quad 0")).error, EINVAL);
    EXPECT_THAT(undefined(replaced(sound(), "patch: .quad __this_module", "patch: .quad __this_module+16")),
                HasSubstr("takes what is no struct module for one"));
}

// module_unload_init() comes before the relocations, which x86 kernels write to zeroes alone.
TEST_F(Structures, UsersAreCountedBeforeRelocations) {
    layout.module_refcnt = 112;
    layout.module_source_list = 80;
    EXPECT_TRUE(load_it(sound()).ok());
    const auto text = sound() + ".section .gnu.linkonce.this_module\n";
    const auto moved = [&](std::uint64_t to) {
        return [=](elf::Object& object) {
            for (const auto& section : object.sections())
                for (elf::Relocation& each : section->relocations)
                    if (section->name == ".rela.gnu.linkonce.this_module" && each.offset == 104) each.offset = to;
        };
    };
    EXPECT_TRUE(load_it(text, moved(104)).ok());
    EXPECT_EQ(load_it(text, moved(105)).error, ENOEXEC);
    layout.module_refcnt = 0;
    EXPECT_TRUE(load_it(text, moved(105)).ok());
}

// Where sysfs has its own.
TEST_F(Structures, StructModuleIsEmptyElsewhere) {
    layout.module_folders = 88;
    layout.module_folders_end = 96;
    const auto with = [&](std::uint64_t at) {
        return undefined(sound(), [=](elf::Object& object) {
            elf::Section& section = *object.find_section(".gnu.linkonce.this_module");
            std::vector<std::byte> content(section.content().begin(), section.content().end());
            content.at(at) = std::byte{4};
            section.set_content(std::move(content));
        });
    };
    for (const std::uint64_t at : {88, 95})
        EXPECT_THAT(with(at), HasSubstr(fmt::format("+{:#x}: not zero in the file", at)));
    for (const std::uint64_t at : {0, 8, 23, 80, 87, 112}) EXPECT_EQ(with(at), "") << at;
}

TEST_F(Structures, TheFirstSymbolHasNoSectionThatIsNotThere) {
    const auto file = kernel.module("p", sound());
    FileBytes bytes(file);
    Elf64_Sym symbol = bytes.symbol(0);
    for (const std::uint16_t section : {std::uint16_t{0x400}, std::uint16_t{1}, std::uint16_t{SHN_ABS}}) {
        symbol.st_shndx = section;
        bytes.set_symbol(0, symbol);
        bytes.write(file);
        simulation.emplace(kernel.kernel(), with_layout());
        const std::string what = simulation->play(load(file)).undefined_behaviour.value_or("");
        if (section == 0x400)
            EXPECT_THAT(what, HasSubstr("kernel/module/kallsyms.c:elf_type()"));
        else
            EXPECT_EQ(what, "") << section;
    }
}

TEST_F(Structures, LivepatchRelocationsHaveATarget) {
    const auto edit = [](elf::Object& object) {
        add_klp_relocation(object, ".klp.rela.late..data.klp", ".klp.sym.late.f,0");
    };
    const auto file = kernel.module("p", sound({{"late", "f"}}) + std::string(klp_data), edit);
    FileBytes bytes(file);
    bytes.section(".klp.rela.late..data.klp").sh_info = 0x418;
    bytes.write(file);
    simulation.emplace(kernel.kernel(), with_layout());
    EXPECT_TRUE(simulation->play(load(file)).ok());
    const auto late = kernel.plain_module("late", ".text\n.type f, @function\nf: ret\n.size f, 1\n");
    EXPECT_THAT(simulation->play(load(late)).undefined_behaviour.value_or(""), HasSubstr("section 1048"));
}

TEST_F(Structures, CallbacksAreCode) {
    EXPECT_THAT(undefined(replaced(sound(), "funcs_0\n.zero 80", "funcs_0\n.zero 16\n.quad patch\n.zero 56")),
                HasSubstr("a callback at"));
    EXPECT_TRUE(load_it(replaced(sound(), "funcs_0\n.zero 80", "funcs_0\n.zero 16\n.quad new_0\n.zero 56")).ok());
}

TEST_F(Structures, WhatIsMissingIsRefused) {
    const EventReport no_objects = load_it(replaced(sound(), "__this_module, objs", "__this_module, 0"));
    EXPECT_EQ(no_objects.error, EINVAL);
    EXPECT_EQ(load_it(replaced(sound(), ".quad .Lold_0, new_0", ".quad .Lold_0, 0")).error, EINVAL);
    EXPECT_EQ(load_it(replaced(sound(), ".quad .Lold_0, new_0", ".quad 0, new_0")).error, EINVAL);
    EXPECT_EQ(load_it(replaced(sound({{"late", "f"}}), ".quad .Lobject_0, funcs_0", ".quad .Lobject_0, 0")).error,
              EINVAL);
    EXPECT_THAT(undefined(replaced(sound({{"late", "f"}}), ".Lobject_0: .string \"late\"", ".Lobject_0: .string \"\"")),
                HasSubstr("WARN() in lib/kobject.c"));
}

// An init function that refers to more of a table than the address that it hands on may fill it.
TEST_F(Structures, WhatInitCodeFillsIsNotKnown) {
    const auto filled_by = [](const std::string& instruction) {
        return replaced(sound(), "init_module: lea", "init_module: " + instruction + "\nlea");
    };
    const auto answer = [&](const std::string& text) { return load_it(text).no_tables; };
    const auto no_module = [](const std::string& text) {
        return replaced(text, "patch: .quad __this_module", "patch: .quad 0");
    };
    EXPECT_TRUE(answer(no_module(filled_by("movq $__this_module, patch(%rip)"))));
    EXPECT_TRUE(answer(no_module(filled_by("mov %rax, patch+8(%rip)"))));
    EXPECT_FALSE(answer(no_module(filled_by("mov %rax, objs(%rip)"))));
    const auto no_function = [](const std::string& text) {
        return replaced(text, ".quad .Lold_0, new_0", ".quad .Lold_0, 0");
    };
    EXPECT_TRUE(answer(no_function(filled_by("movq $new_0, funcs_0+8(%rip)"))));
    EXPECT_FALSE(answer(no_function(filled_by("mov %rax, objs(%rip)"))));
    EXPECT_TRUE(load_it(filled_by("movq $new_0, funcs_0+8(%rip)")).ok());
}

TEST_F(Structures, TwoNamesOfOneFunctionAreTwoEntriesOfOneList) {
    const std::string second = ".Lold_0: .string \"show\"\n.Lshown: .string \"shown\"\n";
    const std::string text = replaced(
        replaced(sound(), ".Lold_0: .string \"show\"\n", second), "funcs_0: .quad .Lold_0, new_0, 0\n.zero 40\n",
        "funcs_0: .quad .Lold_0, new_0, 0\n.zero 40\n.quad .Lshown, new_0, 0\n.zero 40\n");
    EXPECT_THAT(undefined(text), HasSubstr("'show' and 'shown' are two names of one function"));
    EXPECT_TRUE(load_it(replaced(text, "string \"shown\"", "string \"other_function\"")).ok());
}

TEST_F(Structures, ObjectsWithoutFunctionsAreTaken) {
    EXPECT_TRUE(load_it(replaced(sound({{"late", "f"}}), ".quad .Lold_0, new_0, 0", ".quad 0, 0, 0")).ok());
}

TEST_F(Structures, WithoutInitFunctionNothingIsEnabled) {
    const EventReport report =
        load_it(replaced(sound(), ".quad init_module, cleanup_module", ".quad 0, cleanup_module"));
    EXPECT_TRUE(report.ok());
    EXPECT_FALSE(simulation->module("p")->patch.has_value());
}

TEST_F(Structures, WithoutExitFunctionItStays) {
    EXPECT_TRUE(load_it(replaced(sound(), ".quad init_module, cleanup_module", ".quad init_module, 0")).ok());
    EXPECT_TRUE(simulation->play({EventKind::disable, "p"}).ok());
    EXPECT_EQ(simulation->play({EventKind::unload, "p"}).error, EBUSY);
}

TEST_F(Structures, ItsFunctionsAreCode) {
    EXPECT_THAT(undefined(sound(), flags(".init.text", SHF_ALLOC)), HasSubstr("no code may run there"));
    EXPECT_THAT(undefined(replaced(sound(), ".quad init_module, ", ".quad init_module+1, ")),
                HasSubstr("that is another function than its own"));
    EXPECT_TRUE(load_it(sound(), flags(".exit.text", SHF_ALLOC)).ok());
    EXPECT_TRUE(simulation->play({EventKind::disable, "p"}).ok());
    EXPECT_THAT(simulation->play({EventKind::unload, "p"}).undefined_behaviour.value_or(""),
                HasSubstr("no code may run there"));
}

TEST_F(Structures, StructModuleIsWritableAndWhole) {
    EXPECT_THAT(undefined(sound(), flags(".gnu.linkonce.this_module", SHF_ALLOC)), HasSubstr("complete_formation()"));
    EXPECT_THAT(undefined(replaced(sound(), "cleanup_module\n.zero 16", "cleanup_module\n.zero 8")),
                HasSubstr("longer than its section"));
}

TEST_F(Structures, ParametersHaveNamesAndOperations) {
    const auto with = [](std::string_view name, std::string_view operations) {
        return sound() + fmt::format(".section __param,\"a\"\n.quad {}, 0, {}, 0, 0\n", name, operations);
    };
    EXPECT_TRUE(load_it(with(".Lold_0", "patch")).ok());
    EXPECT_THAT(undefined(with("0", "patch")), HasSubstr("__param+0x0: kernel/params.c:module_param_sysfs_setup()"));
    EXPECT_THAT(undefined(with(".Lold_0", "new_0")), HasSubstr("kernel/params.c:destroy_params()"));
    EXPECT_THAT(undefined(with(".Lold_0", "patch+4")), HasSubstr("kernel/params.c:destroy_params()"));
    EXPECT_THAT(undefined(with(".Lold_0", "0")), HasSubstr("kernel/params.c:destroy_params()"));
    const auto permissions = [&](std::string_view value) {
        return undefined(replaced(with(".Lold_0", "patch"), "patch, 0, 0", fmt::format("patch, {}, 0", value)));
    };
    EXPECT_EQ(permissions("0644"), "");
    EXPECT_THAT(permissions("0666"), HasSubstr("WARN() in fs/sysfs/group.c:create_files(): permissions 0666"));
}

TEST_F(Structures, RelocationsHaveToBeLoaded) {
    const auto edit = [](elf::Object& object) {
        add_klp_relocation(object, ".klp.rela.late..data.klp", ".klp.sym.late.f,0");
        object.find_section(".klp.rela.late..data.klp")->flags &= ~std::uint64_t{SHF_ALLOC};
    };
    const std::string text = sound({{"late", "f"}}) + std::string(klp_data);
    EXPECT_TRUE(load_it(text, edit).ok());
    const auto late = kernel.plain_module("late", ".text\n.type f, @function\nf: ret\n.size f, 1\n");
    const EventReport report = simulation->play(load(late));
    EXPECT_THAT(report.undefined_behaviour.value_or(""), HasSubstr("is not loaded")) << report.error << text_of(report);
}

TEST_F(Structures, SectionsOfOneNameAreTold) {
    const std::string text = sound() + ".section .one,\"aw\"\n.quad 1\n.section .two,\"aw\"\n.quad 1\n";
    const auto edit = [](elf::Object& object) { object.find_section(".two")->name = ".one"; };
    const EventReport report = load_it(text, edit);
    EXPECT_TRUE(report.ok());
    EXPECT_THAT(text_of(report), HasSubstr("sysfs: cannot create duplicate filename '/module/p/sections/.one'\n"));
    TestKernel late = TestKernel::late();
    Simulation newer(late.kernel(), with_layout());
    EXPECT_EQ(newer.play(load(late.module("p", text, edit))).error, EEXIST);
}

TEST_F(Structures, NewerKernelsHaveNoInitAreaForSealedData) {
    const std::string text = sound() + ".section .init.data,\"aw\"\n.quad 1\n";
    const auto sealed = flags(".init.data", SHF_ALLOC | SHF_WRITE | 0x00200000);
    EXPECT_TRUE(load_it(text, sealed).ok());
    TestKernel late = TestKernel::late();
    Simulation newer(late.kernel(), with_layout());
    EXPECT_THAT(newer.play(load(late.module("p", text, sealed))).undefined_behaviour.value_or(""),
                HasSubstr("WARN() in kernel/module/main.c:__layout_sections()"));
}

// What a relocation writes to is none of the symbols that the livepatch keeps.
TEST_F(Structures, SymbolsBehindTheTableAreNoLivepatchSymbols) {
    const auto edit = [](elf::Object& object) {
        add_klp_relocation(object, ".klp.rela.late..data.klp", ".klp.sym.late.f,0");
    };
    const auto file = kernel.module("p", sound({{"late", "f"}}) + std::string(klp_data), edit);
    FileBytes bytes(file);
    // Names follow the table: those that are empty make a symbol without a name.
    for (std::size_t i = 1; i < 4; ++i) {
        Elf64_Sym symbol = bytes.symbol(i);
        symbol.st_name = 0;
        bytes.set_symbol(i, symbol);
    }
    const auto count = bytes.section(".symtab").sh_size / sizeof(Elf64_Sym);
    bytes.at(bytes.section(".klp.rela.late..data.klp").sh_offset + 12) = static_cast<unsigned char>(count);
    bytes.write(file);
    simulation.emplace(kernel.kernel(), with_layout());
    const EventReport first = simulation->play(load(file));
    ASSERT_TRUE(first.ok()) << text_of(first) << first.undefined_behaviour.value_or("");
    const auto late = kernel.plain_module("late", ".text\n.type f, @function\nf: ret\n.size f, 1\n");
    const EventReport report = simulation->play(load(late));
    EXPECT_EQ(report.error, EINVAL) << report.undefined_behaviour.value_or("");
    EXPECT_THAT(text_of(report), HasSubstr("livepatch: symbol  is not marked as a livepatch symbol"));
}

TEST_F(Structures, TheLastEntryOfModinfoGoesOn) {
    const auto shorter = [](elf::Object& object) {
        elf::Section& info = *object.find_section(".modinfo");
        const Bytes content = info.content();
        info.set_content({content.begin(), content.end() - 1});
    };
    EXPECT_TRUE(load_it(sound(), shorter).ok());
}

}  // namespace
}  // namespace klp::loader
