// SPDX-License-Identifier: GPL-2.0-or-later
// The finished module, read back by the format library and the elf library.
#include <elf.h>
#include <gmock/gmock.h>

#include "link/livepatch_relocations.hpp"
#include "parts.hpp"

namespace klp::link::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

constexpr std::string_view show_text = R"(
    .section .text.show,"ax"
    .globl show
    .type show, @function
    show:
        call printk
        movq hidden(%rip), %rax
        ret
    .size show, . - show
)";

std::string text_at(const elf::Section& section, std::size_t offset) {
    const std::string_view text = as_text(section.content().subspan(offset));
    return std::string(text.substr(0, text.find('\0')));
}

TEST(Module, HasTheTablesOfBothObjects) {
    SmallKernel kernel;
    kernel.unit("ext4", show_text, {"show"}, {{"hidden", livepatch_symbol("ext4", "hidden")}});
    kernel.unit("vmlinux", show_text, {"show"}, {{"hidden", livepatch_symbol("vmlinux", "hidden")}})
        .functions[0]
        .sympos = 3;
    const format::LivepatchModule module = format::read_module(kernel.link_module());
    ASSERT_EQ(module.objects.size(), 2);
    EXPECT_EQ(module.objects[0].name, "vmlinux");
    ASSERT_EQ(module.objects[0].functions.size(), 1);
    EXPECT_EQ(module.objects[0].functions[0].old_name, "show");
    EXPECT_EQ(module.objects[0].functions[0].new_name, "show");
    EXPECT_EQ(module.objects[0].functions[0].sympos, 3);
    EXPECT_EQ(module.objects[1].name, "ext4");
}

// Two functions that nothing of the kernel is replaced by.
constexpr std::string_view callbacks_text = R"(
    .section .text.pre,"ax"
    .type pre, @function
    pre:
        call printk
        ret
    .size pre, . - pre
    .section .text.post,"ax"
    .type post, @function
    post: ret
    .size post, . - post
)";

std::vector<std::string> callbacks_of(const format::PatchedObject& object) {
    std::vector<std::string> lines;
    for (const format::Callback& each : object.callbacks)
        lines.push_back(std::string(each.event) + " " + each.name + " in " + each.section);
    return lines;
}

void add_callback(UnitPart& unit, diff::CallbackEvent event, const std::string& name) {
    unit.callbacks.push_back({event, name, unit.extracted->find_symbol(name)});
}

TEST(Module, HasTheCallbacksOfItsObjects) {
    SmallKernel kernel;
    kernel.unit("vmlinux", show_text, {"show"}, {{"hidden", livepatch_symbol("vmlinux", "hidden")}});
    UnitPart& first = kernel.unit("vmlinux", callbacks_text, {});
    add_callback(first, diff::CallbackEvent::pre_patch, "pre");
    add_callback(first, diff::CallbackEvent::pre_unpatch, "post");
    UnitPart& second = kernel.unit("ext4", callbacks_text, {});
    add_callback(second, diff::CallbackEvent::post_patch, "post");
    add_callback(second, diff::CallbackEvent::post_unpatch, "post");
    const format::LivepatchModule module = format::read_module(kernel.link_module());
    ASSERT_EQ(module.objects.size(), 2);
    EXPECT_EQ(module.objects[0].functions.size(), 1);
    EXPECT_THAT(callbacks_of(module.objects[0]),
                ElementsAre("pre_patch pre in .text.pre", "pre_unpatch post in .text.post"));
    EXPECT_EQ(module.objects[1].name, "ext4");
    EXPECT_THAT(module.objects[1].functions, IsEmpty());
    EXPECT_THAT(callbacks_of(module.objects[1]),
                ElementsAre("post_patch post in .text.post", "post_unpatch post in .text.post"));
}

TEST(Module, MayHaveCallbacksAlone) {
    SmallKernel kernel;
    add_callback(kernel.unit("vmlinux", callbacks_text, {}), diff::CallbackEvent::pre_patch, "pre");
    const format::LivepatchModule module = format::read_module(kernel.link_module());
    ASSERT_EQ(module.objects.size(), 1);
    EXPECT_THAT(callbacks_of(module.objects[0]), ElementsAre("pre_patch pre in .text.pre"));
}

TEST(Module, HasOneCallbackForAnEventOfAnObject) {
    SmallKernel kernel;
    for (const char* object : {"vmlinux", "vmlinux"})
        add_callback(kernel.unit(object, callbacks_text, {}), diff::CallbackEvent::post_patch, "post");
    EXPECT_THAT(kernel.refusal(), ElementsAre("make.duplicate-callback"));
    SmallKernel other;
    for (const char* object : {"vmlinux", "ext4"})
        add_callback(other.unit(object, callbacks_text, {}), diff::CallbackEvent::post_patch, "post");
    EXPECT_THAT(other.refusal(), IsEmpty());
}

// "vmlinux" as a name would make the livepatch core wait for a module of that name.
TEST(Module, NamesVmlinuxWithANullPointer) {
    SmallKernel kernel;
    kernel.unit("vmlinux", show_text, {"show"}, {{"hidden", livepatch_symbol("vmlinux", "hidden")}});
    const elf::Object module = kernel.link_module();
    const elf::Symbol* objects = module.find_symbol("klp_objects");
    ASSERT_NE(objects, nullptr);
    std::vector<std::uint64_t> pointers;
    for (const elf::Relocation& relocation : objects->section->rela())
        if (relocation.offset >= objects->value && relocation.offset < objects->value + objects->size)
            pointers.push_back(relocation.offset - objects->value);
    EXPECT_THAT(pointers, ElementsAre(small_layout().klp_object_funcs));
}

TEST(Module, SaysWhetherItReplacesOthers) {
    for (const bool replace : {false, true}) {
        SmallKernel kernel;
        kernel.unit("vmlinux", show_text, {"show"}, {{"hidden", livepatch_symbol("vmlinux", "hidden")}});
        kernel.request.replace = replace;
        const elf::Object module = kernel.link_module();
        const elf::Symbol* patch = module.find_symbol("klp_patch");
        ASSERT_NE(patch, nullptr);
        EXPECT_EQ(patch->section->content()[patch->value + small_layout().klp_patch_replace], std::byte{replace});
    }
}

TEST(Module, KeepsLivepatchRelocationsApart) {
    SmallKernel kernel;
    kernel.unit("vmlinux", show_text, {"show"}, {{"hidden", livepatch_symbol("vmlinux", "hidden", 2)}});
    const elf::Object module = kernel.link_module();

    const elf::Section* livepatch = module.find_section(".klp.rela.vmlinux..text.show");
    ASSERT_NE(livepatch, nullptr);
    EXPECT_EQ(livepatch->flags, SHF_ALLOC | SHF_INFO_LINK | elf::shf_rela_livepatch);
    EXPECT_EQ(livepatch->target, module.find_section(".text.show"));
    EXPECT_EQ(livepatch->entry_size, sizeof(Elf64_Rela));
    ASSERT_EQ(livepatch->relocations.size(), 1);
    const elf::Symbol& symbol = *livepatch->relocations[0].symbol;
    EXPECT_EQ(symbol.name, ".klp.sym.vmlinux.hidden,2");
    EXPECT_EQ(symbol.placement, elf::Placement::livepatch);
    EXPECT_EQ(symbol.binding, STB_GLOBAL);

    const auto ordinary = module.find_section(".text.show")->rela();
    ASSERT_EQ(ordinary.size(), 1);
    EXPECT_EQ(ordinary[0].symbol->name, "printk");
}

TEST(Module, ResolvesSymbolsOfVmlinuxEarlyAndOthersWithThePatchedModule) {
    SmallKernel kernel;
    kernel.unit("ext4", R"(
        .section .text.f,"ax"
        .globl f
        f: call of_vmlinux
           call of_ext4
           call of_jbd2
    )",
                {"f"},
                {{"of_vmlinux", livepatch_symbol("vmlinux", "of_vmlinux")},
                 {"of_ext4", livepatch_symbol("ext4", "of_ext4")},
                 {"of_jbd2", livepatch_symbol("jbd2", "of_jbd2")}});
    const elf::Object module = kernel.link_module();
    const elf::Section* early = module.find_section(".klp.rela.vmlinux..text.f");
    const elf::Section* late = module.find_section(".klp.rela.ext4..text.f");
    ASSERT_TRUE(early != nullptr && late != nullptr);
    EXPECT_EQ(early->relocations.size(), 1);
    EXPECT_EQ(late->relocations.size(), 2);
    EXPECT_EQ(module.find_section(".klp.rela.jbd2..text.f"), nullptr);
    EXPECT_EQ(module.find_section(".rela.text.f"), nullptr) << "an empty section stayed";
}

TEST(Module, HasOneSymbolForAllReferencesToIt) {
    SmallKernel kernel;
    kernel.unit("vmlinux", show_text, {"show"}, {{"hidden", livepatch_symbol("vmlinux", "hidden")}});
    kernel.unit("ext4", show_text, {"show"}, {{"hidden", livepatch_symbol("vmlinux", "hidden")}});
    EXPECT_EQ(format::read_module(kernel.link_module()).symbols.size(), 1);
}

TEST(Module, ExportsNothing) {
    SmallKernel kernel;
    kernel.unit("vmlinux", show_text, {"show"}, {{"hidden", livepatch_symbol("vmlinux", "hidden")}});
    const elf::Object module = kernel.link_module();
    std::vector<std::string> globals;
    for (const auto& symbol : module.symbols())
        if (symbol->is_defined() && !symbol->is_local()) globals.push_back(symbol->name);
    EXPECT_THAT(globals, testing::UnorderedElementsAre("init_module", "__this_module"));
}

TEST(Module, BindsInternalReferencesAndLeavesExportsAlone) {
    SmallKernel kernel;
    // `printk` is exported by the kernel as well: a reference to it must not be caught by the new one.
    kernel.unit("vmlinux", R"(
        .section .text.printk,"ax"
        .globl printk, helper
        printk: ret
        .section .text.helper,"ax"
        helper: ret
    )",
                {"printk"});
    kernel.unit("vmlinux", R"(
        .section .text.g,"ax"
        .globl g
        g: call helper
           call printk
    )",
                {"g"}, {{"helper", internal_symbol("helper")}});
    const elf::Object module = kernel.link_module();
    const auto calls = module.find_section(".text.g")->rela();
    ASSERT_EQ(calls.size(), 2);
    EXPECT_EQ(calls[0].symbol->section, module.find_section(".text.helper"));
    EXPECT_EQ(calls[0].symbol->name, "helper");
    EXPECT_EQ(calls[1].symbol->placement, elf::Placement::undefined);
    EXPECT_EQ(calls[1].symbol->name, "printk");
}

TEST(Module, ImportsExportsByTheirOwnNames) {
    SmallKernel kernel;
    kernel.unit("vmlinux", ".section .text.f,\"ax\"\n.globl f\nf: call name_in_the_unit\n", {"f"},
                {{"name_in_the_unit", {resolve::Resolution::Kind::exported, "", "printk", 0, ""}}});
    const elf::Object module = kernel.link_module();
    const auto calls = module.find_section(".text.f")->rela();
    ASSERT_EQ(calls.size(), 1);
    EXPECT_EQ(calls[0].symbol->name, "printk");
    EXPECT_EQ(module.find_symbol("name_in_the_unit"), nullptr);
}

TEST(Module, HasNoTableOfAnObjectInWhichNothingIsReplaced) {
    SmallKernel kernel;
    kernel.unit("ext4", ".section .text.helper,\"ax\"\n.globl helper\nhelper: ret\n", {});
    kernel.unit("vmlinux", show_text, {"show"}, {{"hidden", livepatch_symbol("vmlinux", "hidden")}});
    const format::LivepatchModule module = format::read_module(kernel.link_module());
    ASSERT_EQ(module.objects.size(), 1);
    EXPECT_EQ(module.objects[0].name, "vmlinux");
}

TEST(SplitRelocations, JoinWhatTheModuleHasAlready) {
    elf::Object module = klp::test::assemble(".text\nf: call first\ncall second\ncall third\n");
    const auto split = [&](std::string_view name) {
        split_relocations(module, [&](const elf::Section&, const elf::Relocation& relocation) {
            const bool is_meant = relocation.symbol->name == name || relocation.symbol->name.starts_with(".klp");
            return is_meant ? std::optional(LivepatchTarget{{"vmlinux", std::string(name), 0}, "vmlinux"})
                            : std::nullopt;
        });
    };
    split("first");
    split("second");
    const auto is_for_vmlinux = [](const auto& each) { return each->name == ".klp.rela.vmlinux..text"; };
    EXPECT_EQ(std::ranges::count_if(module.sections(), is_for_vmlinux), 1);
    std::vector<std::string> names;
    for (const elf::Relocation& each : module.find_section(".klp.rela.vmlinux..text")->relocations)
        names.push_back(each.symbol->name);
    EXPECT_THAT(names, ElementsAre(".klp.sym.vmlinux.first,0", ".klp.sym.vmlinux.second,0"));
    ASSERT_EQ(module.find_section(".text")->rela().size(), 1);
    EXPECT_EQ(module.find_section(".text")->rela()[0].symbol->name, "third");
}

TEST(Module, HasVersionsOfItsImports) {
    SmallKernel kernel;
    kernel.unit("vmlinux", show_text, {"show"}, {{"hidden", livepatch_symbol("vmlinux", "hidden")}});
    const elf::Object module = kernel.link_module();
    const elf::Section* versions = module.find_section("__versions");
    ASSERT_NE(versions, nullptr);
    std::vector<std::pair<std::string, std::uint64_t>> found;
    for (std::size_t at = 0; at < versions->size(); at += 64)
        found.emplace_back(text_at(*versions, at + 8),
                           load<std::uint64_t>(versions->content().subspan(at, 8), module.order()));
    EXPECT_EQ(found[0], (std::pair<std::string, std::uint64_t>("module_layout", 0x11111111)));
    EXPECT_THAT(found, testing::UnorderedElementsAre(Pair("module_layout", 0x11111111),
                                                     Pair("klp_enable_patch", 0x22222222), Pair("printk", 0x33333333)));
}

TEST(Module, SaysItsNameAndNamespaces) {
    SmallKernel kernel;
    kernel.unit("vmlinux", ".section .text.f,\"ax\"\n.globl f\nf: call crypto_it\n", {"f"});
    const elf::Object module = kernel.link_module();
    const auto modinfo = format::read_modinfo(module);
    EXPECT_THAT(modinfo, Contains(Pair("name", "livepatch_test")));
    EXPECT_THAT(modinfo, Contains(Pair("import_ns", "CRYPTO_INTERNAL")));
    EXPECT_EQ(text_at(*module.find_section(".gnu.linkonce.this_module"), small_layout().module_name), "livepatch_test");
}

TEST(Module, IsReproducibleAndLeavesTheUnitsAsTheyWere) {
    SmallKernel kernel;
    const std::string text = std::string(show_text) + ".globl other\nother: ret\n";
    const UnitPart& unit = kernel.unit("vmlinux", text, {"show"}, {{"hidden", livepatch_symbol("vmlinux", "hidden")}});
    const std::vector<std::byte> before = unit.extracted->write();
    EXPECT_EQ(kernel.link_bytes(), kernel.link_bytes());
    EXPECT_EQ(unit.extracted->write(), before);
}

TEST(Refusal, OfWhatTheKernelDoesNotExport) {
    SmallKernel kernel;
    kernel.unit("vmlinux", ".section .text.f,\"ax\"\n.globl f\nf: call nowhere\n call jbd2_it\n", {"f"});
    EXPECT_THAT(kernel.refusal(), ElementsAre("make.unresolved", "make.unresolved"));
}

TEST(Refusal, OfNamesTooLongForVersions) {
    SmallKernel kernel;
    kernel.unit(
        "vmlinux",
        ".section .text.f,\"ax\"\n.globl f\nf: call a_name_of_so_many_characters_that_no_table_of_versions_holds_it\n",
        {"f"});
    EXPECT_THAT(kernel.refusal(), ElementsAre("make.long-symbol"));
}

TEST(Refusal, OfModuleSymbolsInCodeOfVmlinux) {
    SmallKernel kernel;
    kernel.unit("vmlinux", show_text, {"show"}, {{"hidden", livepatch_symbol("ext4", "hidden")}});
    EXPECT_THAT(kernel.refusal(), ElementsAre("make.module-symbol"));
}

TEST(Refusal, OfLateSymbolsInWhatTheKernelUsesAtLoad) {
    constexpr std::string_view text = R"(
        .section .text.f,"ax"
        .globl f
        f: ret
        .section __jump_table,"aw"
        .long 0, 0
        .quad key
    )";
    SmallKernel late;
    late.unit("ext4", text, {"f"}, {{"key", livepatch_symbol("ext4", "key")}});
    EXPECT_THAT(late.refusal(), ElementsAre("make.late-special"));
    SmallKernel early;
    early.unit("ext4", text, {"f"}, {{"key", livepatch_symbol("vmlinux", "key")}});
    EXPECT_THAT(early.refusal(), IsEmpty());
}

// kernel/module/main.c:find_sec() takes the first one.
TEST(Refusal, OfTwoSpecialSectionsOfOneName) {
    const auto warning = [](std::string_view flags, std::string_view function) {
        return ".section .text." + std::string(function) + ",\"ax\"\n.globl " + std::string(function) + "\n" +
               std::string(function) + ": ret\n.section __bug_table," + std::string(flags) + "\n.zero 12\n";
    };
    // GNU ld -r keeps the sections of groups apart.
    SmallKernel two;
    two.unit("vmlinux", warning("\"aw\"", "f"), {"f"});
    two.unit("vmlinux", warning("\"awG\",@progbits,group,comdat", "g"), {"g"});
    EXPECT_THAT(two.refusal(), ElementsAre("make.duplicate-section"));
    SmallKernel one;
    one.unit("vmlinux", warning("\"aw\"", "f"), {"f"});
    one.unit("vmlinux", warning("\"aw\"", "g"), {"g"});
    EXPECT_THAT(one.refusal(), IsEmpty());
}

TEST(Refusal, OfOneFunctionTwice) {
    SmallKernel kernel;
    for (int i = 0; i < 2; ++i)
        kernel.unit("vmlinux", show_text, {"show"}, {{"hidden", livepatch_symbol("vmlinux", "hidden")}});
    EXPECT_THAT(kernel.refusal(), ElementsAre("make.duplicate-function"));
}

TEST(Refusal, OfInternalReferencesWithoutOneDefinition) {
    SmallKernel kernel;
    constexpr std::string_view helper = ".text\n.globl helper\nhelper: ret\n";
    kernel.unit("vmlinux", helper, {});
    kernel.unit("vmlinux", helper, {});
    kernel.unit("vmlinux", ".text\n.globl g\ng: call helper\n call none\n", {"g"},
                {{"helper", internal_symbol("helper")}, {"none", internal_symbol("none")}});
    EXPECT_THAT(kernel.refusal(), testing::UnorderedElementsAre("make.twice", "make.undefined"));
}

// Each file may have a static function of the name.
TEST(Refusal, OfInternalReferencesToWhatIsStatic) {
    SmallKernel kernel;
    kernel.unit("vmlinux", ".text\n.globl f\nf: ret\n.type helper, @function\nhelper: ret\n", {"f"});
    kernel.unit("vmlinux", ".text\n.globl g\ng: call helper\n", {"g"}, {{"helper", internal_symbol("helper")}});
    EXPECT_THAT(kernel.refusal(), ElementsAre("make.undefined"));
}

TEST(Refusal, OfNamesThatNoModuleHas) {
    for (const char* name :
         {"", "with-hyphen", "dotted.ko", "a_name_that_is_longer_than_the_kernel_keeps_it_in_a_module_s"}) {
        SmallKernel kernel;
        kernel.unit("vmlinux", show_text, {"show"}, {{"hidden", livepatch_symbol("vmlinux", "hidden")}});
        kernel.request.name = name;
        EXPECT_THROW((void)kernel.link_bytes(), Error) << name;
    }
}

TEST(Refusal, OfAModuleThatReplacesNothing) {
    SmallKernel kernel;
    EXPECT_THROW((void)kernel.link_bytes(), Error);
}

}  // namespace
}  // namespace klp::link::test
