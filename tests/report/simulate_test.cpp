// SPDX-License-Identifier: GPL-2.0-or-later
// The report of a simulation, from values: what it counts, what state functions are in, names that are no words.
#include "report/simulate.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>

using testing::HasSubstr;
using testing::Not;

namespace klp::report {
namespace {

arch::MemoryWrite write_of(arch::WriteKind kind, std::optional<std::uint32_t> section, std::uint64_t offset) {
    arch::MemoryWrite write;
    write.kind = kind;
    write.section = section;
    write.offset = offset;
    write.before = {std::byte{0}};
    write.after = {std::byte{0xc3}};
    return write;
}

loader::EventReport applied(std::vector<arch::MemoryWrite> writes) {
    loader::EventReport event;
    event.event = {loader::EventKind::load, "a.ko"};
    event.module = "a";
    loader::RelocationStep step;
    step.module = "a";
    step.section = ".rela.text";
    step.target = ".text";
    step.sections = {{1, {".text", 0x1000}}, {2, {".stubs", 0x2000}}};
    step.reserved_text_address = 0x800;
    step.writes = std::move(writes);
    event.steps.push_back(std::move(step));
    return event;
}

std::string text_of(const loader::EventReport& event, bool verbose = false) {
    return simulate_text({"k"}, {event}, {}, verbose);
}

TEST(Simulate, TellsWhatIsNotKnownOfTheKernel) {
    const TargetKernel kernel{"k", {{"loader.layout", "sizes were not compared"}}, "no compiler"};
    EXPECT_EQ(simulate_text(kernel, {}, {}, false),
              "not known of kernel k (no compiler):\n  loader.layout: sizes were not compared\n");
    const Json json = simulate_json(kernel, {}, {});
    EXPECT_EQ(json["unknown"], Json::parse(R"([{"feature": "loader.layout", "effect": "sizes were not compared"}])"));
    EXPECT_EQ(json["headers_error"], "no compiler");
    EXPECT_EQ(simulate_text({"k"}, {}, {}, false), "");
    EXPECT_EQ(simulate_json({"k"}, {}, {})["headers_error"], nullptr);
}

TEST(SimulateText, CountsWrites) {
    using enum arch::WriteKind;
    EXPECT_THAT(text_of(applied({})), HasSubstr("apply .rela.text of a: nothing written\n"));
    EXPECT_THAT(text_of(applied({write_of(field, 1, 0)})), HasSubstr(": 1 field\n"));
    EXPECT_THAT(
        text_of(applied({write_of(field, 1, 0), write_of(field, 1, 8), write_of(toc_restore, 1, 4),
                         write_of(stub, 2, 0), write_of(stub, 2, 32), write_of(got_entry, {}, 0),
                         write_of(plt_entry, {}, 8), write_of(plt_entry, {}, 16), write_of(trampoline, 2, 64)})),
        HasSubstr(": 2 fields, 1 restoring of r2, 2 stubs, 1 GOT entry, 2 PLT entries, 1 trampoline\n"));
}

// The module need not be there any more.
TEST(SimulateText, ShowsPlacesOfModulesThatHaveGone) {
    const auto event =
        applied({write_of(arch::WriteKind::field, 1, 0x10), write_of(arch::WriteKind::got_entry, {}, 8)});
    const std::string text = text_of(event, true);
    EXPECT_THAT(text, HasSubstr("      .text+0x10  00 -> c3  field\n"));
    EXPECT_THAT(text, HasSubstr("      (got and plt)+0x8  00 -> c3  got-entry\n"));
    EXPECT_THAT(text_of(event), Not(HasSubstr("->")));
    const Json writes = simulate_json({"k"}, {event}, {})["events"][0]["steps"][0]["writes"];
    EXPECT_EQ(writes[0]["section"], ".text");
    EXPECT_EQ(writes[0]["address"], "0x0000000000001010");
    EXPECT_EQ(writes[1]["section_index"], nullptr);
    EXPECT_EQ(writes[1]["address"], "0x0000000000000808");
}

TEST(SimulateText, TellsHowEventsEnd) {
    loader::EventReport event = applied({});
    EXPECT_THAT(text_of(event), testing::StartsWith("load a.ko: done\n"));
    event.error = ENOEXEC;
    event.steps[0].refusal = arch::Refusal{ENOEXEC, {}, false, 3};
    EXPECT_THAT(text_of(event), testing::StartsWith("load a.ko: fails: exec format error\n"));
    EXPECT_THAT(text_of(event), HasSubstr("      refused at relocation 3: exec format error\n"));
    event.undefined_behaviour = "a fault";
    EXPECT_THAT(text_of(event), testing::StartsWith("load a.ko: cannot be told: a fault\n"));
    const Json json = simulate_json({"k"}, {event}, {})["events"][0];
    EXPECT_EQ(json["ok"], false);
    EXPECT_EQ(json["errno"], ENOEXEC);
    EXPECT_EQ(json["steps"][0]["refusal"]["relocation"], 3);
    EXPECT_EQ(json["undefined_behaviour"], "a fault");
}

TEST(SimulateText, NamesDoNotSteerTheTerminal) {
    loader::EventReport event = applied({write_of(arch::WriteKind::field, 1, 0)});
    event.event.subject = "\033[2J.ko";
    event.undefined_behaviour = "\033c";
    event.steps[0].module = event.steps[0].section = event.steps[0].object = "\r\n\x7f";
    event.steps[0].sections[1].name = "\b";
    event.log.push_back({loader::LogLine::Level::error, "\a"});
    std::string text = text_of(event, true);
    std::erase(text, '\n');
    EXPECT_TRUE(std::ranges::none_of(text, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; })) << text;
    EXPECT_THAT(text, HasSubstr("\\x1b[2J.ko"));
}

loader::LoadedModule livepatch(bool enabled, bool replaced, bool loaded, bool patched) {
    loader::LoadedModule module;
    module.name = "fix";
    module.live = true;
    module.patch = loader::Patch{enabled, false, replaced, {}};
    loader::PatchedFunction function{"show", 0, loaded ? 0x1000U : 0U, 8, 0x2000};
    module.patch->objects.push_back({"ext4", loaded, patched, {function}});
    return module;
}

std::string functions_of(const loader::LoadedModule& module) {
    return simulate_text({"k"}, {}, {&module}, false);
}

TEST(SimulateText, TellsTheStateOfFunctions) {
    const std::string at = "  0x0000000000001000  0x0000000000002000\n";
    EXPECT_THAT(functions_of(livepatch(true, false, true, true)), HasSubstr("show      patched" + at));
    EXPECT_THAT(functions_of(livepatch(true, false, true, false)), HasSubstr("show      not patched" + at));
    EXPECT_THAT(functions_of(livepatch(false, false, true, false)), HasSubstr("show      disabled" + at));
    EXPECT_THAT(functions_of(livepatch(false, true, true, false)), HasSubstr("show      replaced" + at));
    EXPECT_THAT(functions_of(livepatch(true, false, false, false)),
                HasSubstr("show      waits for ext4  -     0x0000000000002000\n"));
    EXPECT_EQ(functions_of({}), "");
}

// The kernel says that such a function is patched, and goes on running the old one.
TEST(SimulateText, TellsOfFunctionsThatAreHookedElsewhere) {
    using enum kernel::Hook::Where;
    loader::LoadedModule module = livepatch(true, false, true, true);
    kernel::Hook& hook = module.patch->objects[0].functions[0].hook.emplace(own, 0x1004U);
    const auto function = [&] { return loaded_module_json(module)["patch"]["objects"][0]["functions"][0]; };
    EXPECT_THAT(functions_of(module), HasSubstr("show      patched  0x"));
    EXPECT_EQ(function()["hook"], "own");
    hook = {elsewhere, 0x1010};
    EXPECT_THAT(functions_of(module), HasSubstr("show      not replaced, hooked at +0x10  0x"));
    EXPECT_EQ(function()["hook"], "elsewhere");
    EXPECT_EQ(function()["hook_address"], "0x0000000000001010");
}

TEST(SimulateJson, HasNullForWhatIsNotThere) {
    const loader::LoadedModule waiting = livepatch(true, false, false, false);
    const Json json = loaded_module_json(waiting);
    EXPECT_EQ(json["reserved_text"], nullptr);
    EXPECT_EQ(json["patch"]["objects"][0]["functions"][0]["old_address"], nullptr);
    EXPECT_EQ(loaded_module_json({})["patch"], nullptr);
}

}  // namespace
}  // namespace klp::report
