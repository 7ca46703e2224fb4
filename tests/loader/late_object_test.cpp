// SPDX-License-Identifier: GPL-2.0-or-later
// Livepatch relocations: of vmlinux when the livepatch is loaded, of modules when these come.
#include <gmock/gmock.h>

#include "livepatch_text.hpp"

namespace klp::loader {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view late_module = R"(
    .section __mcount_loc, "a"
    .quad work
    .text
    .globl __fentry__
    .p2align 4
    .type hidden, @function
    hidden: ret
    .p2align 4
    .type work, @function
    work: call __fentry__
    ret
    .p2align 4
    .type quiet, @function
    quiet: ret
    .section .init.text, "ax"
    .type once, @function
    once: ret
    .data
    variable: .quad 0
)";

class LateObject : public testing::Test {
protected:
    explicit LateObject(std::optional<bool> clear = {}) : kernel(kernel_text, config, exports()) {
        Options options;
        options.clear_relocations = clear;
        simulation = std::make_unique<Simulation>(kernel.kernel(), options);
    }
    static std::string exports() { return std::string(symvers) + "0x66666666\t__fentry__\tvmlinux\tEXPORT_SYMBOL\t\n"; }

    fs::path patch(const std::function<void(elf::Object&)>& edit, std::string_view function = "work",
                   std::uint64_t sympos = 0) {
        const std::string text = livepatch_text("p", {{"late", std::string(function), sympos}}) + std::string(klp_data);
        return kernel.module("p", text, edit);
    }
    static void late_relocation(elf::Object& object) {
        add_klp_relocation(object, ".klp.rela.late..data.klp", ".klp.sym.late.hidden,0", 8);
    }
    EventReport load_late() { return simulation->play(load(kernel.plain_module("late", late_module))); }
    EventReport unload_late() { return simulation->play({EventKind::unload, "late"}); }
    std::uint64_t word(std::uint64_t offset) {
        return word_at(section_of(*simulation->module("p"), ".data.klp"), offset);
    }

    TestKernel kernel;
    std::unique_ptr<Simulation> simulation;
};

TEST_F(LateObject, OfVmlinuxIsWrittenAtOnce) {
    const EventReport report = simulation->play(load(patch([](elf::Object& object) {
        add_klp_relocation(object, ".klp.rela.vmlinux..data.klp", ".klp.sym.vmlinux.local_helper,0");
        late_relocation(object);
    })));
    EXPECT_EQ(report.error, 0);
    EXPECT_EQ(report.steps.back().object, "vmlinux");
    EXPECT_EQ(report.steps.back().section, ".klp.rela.vmlinux..data.klp");
    EXPECT_EQ(word(0), kernel.address("local_helper"));
    EXPECT_EQ(word(8), 0U);
    EXPECT_FALSE(simulation->module("p")->patch->objects[0].loaded);
}

TEST_F(LateObject, IsWrittenWhenItComes) {
    EXPECT_EQ(simulation->play(load(patch(late_relocation))).error, 0);
    const EventReport report = load_late();
    EXPECT_EQ(report.error, 0);
    EXPECT_EQ(text_of(report), "livepatch: applying patch 'p' to loading module 'late'");
    EXPECT_EQ(report.steps.back().module, "p");
    EXPECT_EQ(report.steps.back().object, "late");
    const LoadedSection& text = section_of(*simulation->module("late"), ".text");
    EXPECT_EQ(word(8), text.address);
    const PatchedObject& object = simulation->module("p")->patch->objects[0];
    EXPECT_TRUE(object.loaded);
    EXPECT_TRUE(object.patched);
    EXPECT_EQ(object.functions[0].old_address, text.address + 16);
}

TEST_F(LateObject, IsWrittenWhenItIsThereAlready) {
    EXPECT_EQ(load_late().error, 0);
    const EventReport report = simulation->play(load(patch(late_relocation)));
    EXPECT_EQ(report.error, 0);
    EXPECT_NE(word(8), 0U);
    EXPECT_TRUE(simulation->module("p")->patch->objects[0].patched);
}

TEST_F(LateObject, CannotComeAgainWhereNothingIsCleared) {
    simulation->play(load(patch(late_relocation)));
    load_late();
    const std::uint64_t old_word = word(8);
    const EventReport gone = unload_late();
    EXPECT_EQ(text_of(gone), "livepatch: reverting patch 'p' on unloading module 'late'");
    EXPECT_THAT(gone.steps, IsEmpty());
    EXPECT_EQ(word(8), old_word);
    EXPECT_FALSE(simulation->module("p")->patch->objects[0].loaded);
    for (int i = 0; i < 2; ++i) {
        const EventReport again = load_late();
        EXPECT_EQ(again.error, ENOEXEC);
        EXPECT_THAT(text_of(again), HasSubstr("existing value is nonzero for type 1"));
        EXPECT_THAT(text_of(again), HasSubstr("livepatch: failed to initialize patch 'p' for module 'late' (-8)\n"
                                              "livepatch: patch 'p' failed for module 'late', refusing to load module "
                                              "'late'"));
        ASSERT_TRUE(again.steps.back().refusal.has_value());
        EXPECT_EQ(simulation->module("late"), nullptr);
    }
    EXPECT_EQ(simulation->play({EventKind::disable, "p"}).error, 0);
    EXPECT_EQ(load_late().error, 0);
}

class ClearedObject : public LateObject {
protected:
    ClearedObject() : LateObject(true) {}
};

TEST_F(ClearedObject, ComesAgain) {
    simulation->play(load(patch(late_relocation)));
    load_late();
    const EventReport gone = unload_late();
    ASSERT_EQ(gone.steps.size(), 1U);
    EXPECT_EQ(gone.steps[0].action, RelocationStep::Action::clear);
    EXPECT_EQ(gone.steps[0].section, ".klp.rela.late..data.klp");
    EXPECT_EQ(word(8), 0U);
    EXPECT_EQ(load_late().error, 0);
    EXPECT_NE(word(8), 0U);
}

// What was written before the failure is not cleared: the next attempt fails for another reason.
TEST_F(ClearedObject, KeepsWhatAFailureLeft) {
    EXPECT_EQ(simulation->play(load(patch(late_relocation, "quiet"))).error, 0);
    const EventReport first = load_late();
    EXPECT_EQ(first.error, EINVAL);
    EXPECT_EQ(text_of(first),
              "livepatch: applying patch 'p' to loading module 'late'\n"
              "livepatch: failed to find location for function 'quiet'\n"
              "livepatch: failed to apply patch 'p' to module 'late' (-22)\n"
              "livepatch: patch 'p' failed for module 'late', refusing to load module 'late'");
    EXPECT_THAT(text_of(load_late()), HasSubstr("existing value is nonzero"));
}

TEST_F(LateObject, RevertsEarlierPatchesWhereALaterOneFails) {
    const std::string first = livepatch_text("first", {{"late", "work"}});
    EXPECT_EQ(simulation->play(load(kernel.module("first", first))).error, 0);
    EXPECT_EQ(simulation->play(load(patch(late_relocation, "quiet"))).error, 0);
    const EventReport report = load_late();
    EXPECT_EQ(report.error, EINVAL);
    EXPECT_THAT(text_of(report), HasSubstr("refusing to load module 'late'\n"
                                           "livepatch: reverting patch 'first' on unloading module 'late'"));
    EXPECT_FALSE(simulation->module("first")->patch->objects[0].patched);
}

// A livepatch sees all symbols of a module that is coming, and those that are kept of one that is there.
TEST_F(LateObject, HasInitSymbolsOnlyWhileItIsComing) {
    const auto init_symbol = [](elf::Object& object) {
        add_klp_relocation(object, ".klp.rela.late..data.klp", ".klp.sym.late.once,0");
    };
    EXPECT_EQ(load_late().error, 0);
    const EventReport there = simulation->play(load(patch(init_symbol)));
    EXPECT_EQ(there.error, EINVAL);
    EXPECT_THAT(text_of(there), HasSubstr("livepatch: symbol 'once' not found in symbol table"));
    EXPECT_EQ(unload_late().error, 0);
    EXPECT_EQ(simulation->play(load(patch(init_symbol))).error, 0);
    EXPECT_EQ(load_late().error, 0);
}

TEST_F(LateObject, IsReplacedByNops) {
    EXPECT_EQ(simulation->play(load(patch(late_relocation))).error, 0);
    EXPECT_EQ(load_late().error, 0);
    const std::string text = livepatch_text("q", {{"", "show"}}, true);
    EXPECT_EQ(simulation->play(load(kernel.module("q", text))).error, 0);
    EXPECT_TRUE(simulation->module("p")->patch->replaced);
    EXPECT_THAT(text_of(unload_late()), "");
    EXPECT_EQ(load_late().error, 0);
}

// The init memory that one module has left is the next one's, and its call sites are too.
TEST_F(LateObject, MayLieInMemoryThatWasFreed) {
    const std::string init = ".section .init.text,\"ax\"\n.zero 0x9000\n";
    EXPECT_EQ(simulation->play(load(kernel.plain_module("big", ".text\nnop\n" + init))).error, 0);
    EXPECT_EQ(simulation->play(load(patch(late_relocation))).error, 0);
    const std::uint64_t freed = section_of(*simulation->module("big"), ".init.text").address;
    EXPECT_EQ(load_late().error, 0);
    EXPECT_LT(section_of(*simulation->module("late"), ".text").address, freed + 0x9000);
}

struct BadRelocation {
    std::string_view section;
    std::string_view symbol;
    std::string_view message;
};
class BadRelocations : public testing::TestWithParam<BadRelocation> {};

TEST_P(BadRelocations, AreRefusedInTheKernelsWords) {
    TestKernel kernel;
    const std::string text = livepatch_text("p", {{"", "show"}}) + std::string(klp_data);
    const auto path = kernel.module("p", text, [](elf::Object& object) {
        add_klp_relocation(object, std::string(GetParam().section), std::string(GetParam().symbol));
    });
    const EventReport report = Simulation(kernel.kernel(), {}).play(load(path));
    EXPECT_EQ(report.error, EINVAL);
    EXPECT_EQ(text_of(report),
              "p: tainting kernel with TAINT_LIVEPATCH\nlivepatch: " + std::string(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Livepatch, BadRelocations,
    testing::Values(BadRelocation{".klp.rel.vmlinux..data.klp", ".klp.sym.vmlinux.show,0",
                                  "section .klp.rel.vmlinux..data.klp has an incorrectly formatted name"},
                    BadRelocation{".klp.rela.", ".klp.sym.vmlinux.show,0",
                                  "section .klp.rela. has an incorrectly formatted name"},
                    BadRelocation{".klp.rela.vmlinux..data.klp", ".klp.sym.vmlinux.show",
                                  "symbol .klp.sym.vmlinux.show has an incorrectly formatted name"},
                    BadRelocation{".klp.rela.vmlinux..data.klp", ".klp.sym.vmlinux.none,0",
                                  "symbol 'none' not found in symbol table"},
                    BadRelocation{".klp.rela.vmlinux..data.klp", ".klp.sym.vmlinux.twin,0",
                                  "unresolvable ambiguity for symbol 'twin' in object '(null)'"},
                    BadRelocation{".klp.rela.vmlinux..data.klp", ".klp.sym.vmlinux.show,4",
                                  "symbol position 4 for symbol 'show' in object 'vmlinux' not found"},
                    BadRelocation{".klp.rela.vmlinux..data.klp", ".klp.sym.other.show,0",
                                  "symbol 'show' not found in symbol table"}));

TEST_F(LateObject, MayNotReferToVmlinux) {
    EXPECT_EQ(load_late().error, 0);
    const EventReport report = simulation->play(load(patch([](elf::Object& object) {
        add_klp_relocation(object, ".klp.rela.late..data.klp", ".klp.sym.vmlinux.show,0");
    })));
    EXPECT_EQ(report.error, EINVAL);
    EXPECT_THAT(text_of(report), HasSubstr("livepatch: invalid access to vmlinux symbol 'show' from module-specific "
                                           "livepatch relocation section"));
}

TEST(LivepatchRelocation, WantsLivepatchSymbols) {
    for (const bool late : {false, true}) {
        TestKernel kernel = late ? TestKernel::late() : TestKernel();
        const std::string text = livepatch_text("p", {{"", "show"}}) + std::string(klp_data);
        const auto path = kernel.module("p", text, [](elf::Object& object) {
            elf::Section& target = *object.find_section(".data.klp");
            elf::Section& rela =
                object.add_rela_section(".klp.rela.vmlinux..data.klp", SHF_ALLOC | elf::shf_rela_livepatch, target);
            rela.relocations.push_back({0, R_X86_64_64, object.find_symbol("klp_enable_patch"), 0});
        });
        const EventReport report = Simulation(kernel.kernel(), {}).play(load(path));
        EXPECT_EQ(report.error, EINVAL);
        EXPECT_THAT(text_of(report),
                    late ? testing::ContainsRegex("livepatch: symbol klp_enable_patch at rela sec [0-9]+ idx 0 is not "
                                                  "marked as a livepatch symbol")
                         : testing::ContainsRegex("livepatch: symbol klp_enable_patch is not marked as a livepatch"));
    }
}

}  // namespace
}  // namespace klp::loader
