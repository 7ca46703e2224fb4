// SPDX-License-Identifier: GPL-2.0-or-later
// The livepatch core: enabling, stacking, replacing, disabling.
#include <gmock/gmock.h>

#include "livepatch_text.hpp"

namespace klp::loader {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::IsEmpty;

std::string enabled_messages(std::string_view name) {
    return fmt::format(
        "livepatch: enabling patch '{0}'\nlivepatch: '{0}': starting patching transition\n"
        "livepatch: '{0}': patching complete",
        name);
}
std::string disabled_messages(std::string_view name) {
    return fmt::format("livepatch: '{0}': starting unpatching transition\nlivepatch: '{0}': unpatching complete", name);
}

class Core : public testing::Test {
protected:
    EventReport load_patch(std::string_view name, const std::vector<Replacement>& replacements, bool replace = false) {
        return simulation.play(load(kernel.module(name, livepatch_text(name, replacements, replace))));
    }
    // What the log says after the taint that the first livepatch brings.
    std::string messages(const EventReport& report) {
        std::string text = text_of(report);
        const std::size_t taint = text.find("TAINT_LIVEPATCH\n");
        return taint == std::string::npos ? text : text.substr(taint + 16);
    }
    const Patch& patch(std::string_view name) { return *simulation.module(name)->patch; }

    TestKernel kernel;
    Simulation simulation{kernel.kernel(), {}};
};

TEST_F(Core, EnablesAPatchWhenItIsLoaded) {
    const EventReport report = load_patch("p", {{"", "show"}});
    EXPECT_EQ(report.error, 0);
    EXPECT_EQ(text_of(report), "p: tainting kernel with TAINT_LIVEPATCH\n" + enabled_messages("p"));
    ASSERT_TRUE(simulation.module("p")->patch.has_value());
    EXPECT_TRUE(patch("p").enabled);
    ASSERT_EQ(patch("p").objects.size(), 1U);
    const PatchedObject& object = patch("p").objects[0];
    EXPECT_EQ(object.name, "vmlinux");
    EXPECT_TRUE(object.patched);
    EXPECT_EQ(object.functions[0].old_address, kernel.address("show"));
    EXPECT_EQ(object.functions[0].old_size, 16U);
    EXPECT_EQ(object.functions[0].new_address, section_of(*simulation.module("p"), ".text").address);
}

TEST_F(Core, KeepsAnEnabledPatchLoaded) {
    load_patch("p", {{"", "show"}});
    EXPECT_EQ(simulation.play({EventKind::unload, "p"}).error, EWOULDBLOCK);
    EXPECT_EQ(simulation.play({EventKind::enable, "p"}).error, EINVAL);
    const EventReport report = simulation.play({EventKind::disable, "p"});
    EXPECT_EQ(report.error, 0);
    EXPECT_EQ(text_of(report), disabled_messages("p"));
    EXPECT_FALSE(patch("p").enabled);
    EXPECT_FALSE(patch("p").objects[0].patched);
    EXPECT_EQ(simulation.play({EventKind::enable, "p"}).error, ENOENT);
    EXPECT_EQ(simulation.play({EventKind::disable, "p"}).error, ENOENT);
    EXPECT_EQ(simulation.play({EventKind::unload, "p"}).error, 0);
    EXPECT_EQ(messages(load_patch("p", {{"", "show"}})), enabled_messages("p"));
}

TEST_F(Core, DisablesInAnyOrder) {
    for (const std::string_view name : {"a", "b"}) EXPECT_EQ(load_patch(name, {{"", "show"}}).error, 0);
    EXPECT_EQ(text_of(simulation.play({EventKind::disable, "a"})), disabled_messages("a"));
    EXPECT_TRUE(patch("b").objects[0].patched);
    EXPECT_EQ(text_of(simulation.play({EventKind::disable, "b"})), disabled_messages("b"));
}

TEST_F(Core, ReplacesEarlierPatches) {
    load_patch("a", {{"", "show"}, {"late", "work"}});
    load_patch("b", {{"", "other_function"}});
    const EventReport report = load_patch("c", {{"", "show"}}, true);
    EXPECT_EQ(report.error, 0);
    EXPECT_EQ(text_of(report), enabled_messages("c"));
    EXPECT_TRUE(patch("c").replace);
    EXPECT_EQ(patch("c").objects.size(), 1U);  // the nops, and objects for them, are gone again
    EXPECT_EQ(patch("c").objects[0].functions.size(), 1U);
    for (const std::string_view name : {"a", "b"}) {
        EXPECT_TRUE(patch(name).replaced);
        EXPECT_FALSE(patch(name).enabled);
        EXPECT_FALSE(patch(name).objects[0].patched);
        EXPECT_EQ(simulation.play({EventKind::disable, std::string(name)}).error, ENOENT);
        EXPECT_EQ(simulation.play({EventKind::unload, std::string(name)}).error, 0);
    }
    EXPECT_EQ(simulation.play({EventKind::disable, "c"}).error, 0);
}

struct BadPatch {
    std::vector<Replacement> replacements;
    int error;
    std::string_view message;
};
class BadPatches : public testing::TestWithParam<BadPatch> {};

TEST_P(BadPatches, AreRefusedInTheKernelsWords) {
    TestKernel kernel;
    Simulation simulation(kernel.kernel(), {});
    const EventReport report = simulation.play(load(kernel.module("p", livepatch_text("p", GetParam().replacements))));
    EXPECT_EQ(report.error, GetParam().error);
    const std::string_view taint = "p: tainting kernel with TAINT_LIVEPATCH";
    EXPECT_EQ(text_of(report),
              std::string(taint) + (GetParam().message.empty() ? "" : "\n") + std::string(GetParam().message));
    EXPECT_THAT(simulation.modules(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Livepatch, BadPatches,
    testing::Values(
        BadPatch{{{"", "nothing"}}, EINVAL, "livepatch: symbol 'nothing' not found in symbol table"},
        BadPatch{{{"", "twin"}}, EINVAL, "livepatch: unresolvable ambiguity for symbol 'twin' in object '(null)'"},
        BadPatch{
            {{"", "twin", 3}}, EINVAL, "livepatch: symbol position 3 for symbol 'twin' in object 'vmlinux' not found"},
        BadPatch{
            {{"", "show", 2}}, EINVAL, "livepatch: symbol position 2 for symbol 'show' in object 'vmlinux' not found"},
        BadPatch{{{"", "notrace_function"}},
                 EINVAL,
                 "livepatch: enabling patch 'p'\n"
                 "livepatch: failed to find location for function 'notrace_function'\n"
                 "livepatch: failed to patch object 'vmlinux'\n"
                 "livepatch: failed to enable patch 'p'\n"
                 "livepatch: 'p': unpatching complete"},
        BadPatch{{{"", "absolute"}}, ENOENT, "livepatch: kallsyms size lookup failed for 'absolute'"},
        BadPatch{
            {{"", "show"}, {"", "other_function"}},
            EEXIST,
            "sysfs: cannot create duplicate filename '/kernel/livepatch/p/vmlinux'\n"
            "kobject_add_internal failed for vmlinux with -EEXIST, don't try to register things with the same name "
            "in the same directory."},
        BadPatch{{{std::string(56, 'm'), "show"}}, EINVAL, ""}, BadPatch{{{"", std::string(512, 'f')}}, EINVAL, ""}));

TEST_F(Core, TakesAPositionThatIsThere) {
    EXPECT_EQ(load_patch("p", {{"", "twin", 2}}).error, 0);
    EXPECT_EQ(patch("p").objects[0].functions[0].old_address, kernel.address("twin", 1));
    EXPECT_EQ(load_patch("q", {{"", "show", 1}}).error, 0);
}

TEST_F(Core, WantsAFunctionOnce) {
    std::string text = livepatch_text("p", {{"", "show"}});
    text = replaced(text, "funcs_0: .quad .Lold_0, new_0, 0\n.zero 40\n",
                    "funcs_0: .quad .Lold_0, new_0, 0\n.zero 40\n.quad .Lold_0, new_0, 1\n.zero 40\n");
    const EventReport report = simulation.play(load(kernel.module("p", text)));
    EXPECT_EQ(report.error, EEXIST);
    EXPECT_THAT(text_of(report),
                HasSubstr("sysfs: cannot create duplicate filename '/kernel/livepatch/p/vmlinux/show,1'"));
}

TEST(Core7, TellsAnExistingNameFromAnExistingModule) {
    TestKernel kernel = TestKernel::late();
    const EventReport report =
        Simulation(kernel.kernel(), {})
            .play(load(kernel.module("p", livepatch_text("p", {{"", "show"}, {"", "twin", 1}}))));
    EXPECT_EQ(report.error, EBUSY);
    EXPECT_THAT(text_of(report), HasSubstr("kobject: kobject_add_internal failed for vmlinux"));
}

TEST_F(Core, WantsALivepatchModule) {
    const std::string text = replaced(livepatch_text("p", {{"", "show"}}), "livepatch=Y", "patch=Y");
    const EventReport report = simulation.play(load(kernel.module("p", text)));
    EXPECT_EQ(report.error, EINVAL);
    EXPECT_EQ(text_of(report), "livepatch: module p is not marked as a livepatch module");
}

TEST_F(Core, CannotTellWhatCodePatches) {
    const std::string text =
        replaced(livepatch_text("p", {{"", "show"}}), "patch: .quad __this_module", "patch: .quad 0");
    const EventReport report = simulation.play(load(kernel.module("p", text)));
    ASSERT_TRUE(report.undefined_behaviour.has_value());
    EXPECT_THAT(*report.undefined_behaviour, HasSubstr("what its init function patches is not to be read"));
}

TEST(Stacks, ThatAreNotReliableAreToldOf) {
    TestKernel kernel(kernel_text, replaced(std::string(config), "CONFIG_HAVE_RELIABLE_STACKTRACE=y\n", ""));
    const EventReport report =
        Simulation(kernel.kernel(), {}).play(load(kernel.module("p", livepatch_text("p", {{"", "show"}}))));
    EXPECT_THAT(text_of(report),
                HasSubstr("livepatch: This architecture doesn't have support for the livepatch consistency model.\n"
                          "livepatch: The livepatch transition may never complete.\n"));
}

// A table of states behind the patch: id, version, data.
std::string with_states(std::string_view name, unsigned id, unsigned version, bool replace) {
    return livepatch_text(name, {{"", "show"}}, replace, "states") +
           fmt::format(
               ".data\n.type states, @object\nstates: .quad {}\n.long {}, 0\n.quad 0\n.zero 24\n"
               ".size states, . - states\n",
               id, version);
}

TEST_F(Core, ComparesStates) {
    EXPECT_EQ(simulation.play(load(kernel.module("a", with_states("a", 7, 2, false)))).error, 0);
    const EventReport older = simulation.play(load(kernel.module("b", with_states("b", 7, 1, false))));
    EXPECT_EQ(older.error, EINVAL);
    EXPECT_EQ(text_of(older),
              "livepatch: Livepatch patch (b) is not compatible with the already installed livepatches.");
    EXPECT_EQ(simulation.play(load(kernel.module("c", with_states("c", 8, 1, false)))).error, 0);
    EXPECT_EQ(simulation.play(load(kernel.module("d", with_states("d", 8, 1, true)))).error, EINVAL);
    EXPECT_EQ(simulation.play(load(kernel.module("e", with_states("e", 7, 3, false)))).error, 0);
}

TEST_F(Core, RefusesAModuleCalledVmlinux) {
    const EventReport report = simulation.play(load(kernel.plain_module("vmlinux", ".text\nnop\n")));
    EXPECT_EQ(report.error, EINVAL);
    EXPECT_EQ(text_of(report), "livepatch: vmlinux.ko: invalid module name");
}

TEST_F(Core, PinsSectionsOfTheFirstLivepatchByNameAlone) {
    Options options;
    options.addresses[".text"] = 0xffffffffc0900000;
    Simulation other(kernel.kernel(), options);
    EXPECT_EQ(other.play(load(kernel.plain_module("m", ".text\nnop\n"))).error, 0);
    EXPECT_EQ(other.play(load(kernel.module("p", livepatch_text("p", {{"", "show"}})))).error, 0);
    EXPECT_EQ(other.play(load(kernel.module("q", livepatch_text("q", {{"", "show"}})))).error, 0);
    EXPECT_EQ(section_of(*other.module("p"), ".text").address, 0xffffffffc0900000);
    EXPECT_LT(section_of(*other.module("q"), ".text").address, 0xffffffffc0900000);
    EXPECT_LT(section_of(*other.module("m"), ".text").address, 0xffffffffc0900000);
}

}  // namespace
}  // namespace klp::loader
