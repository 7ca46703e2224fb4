// SPDX-License-Identifier: GPL-2.0-or-later
// The same life of a livepatch on each machine: loaded, its object after it, gone, reverted, unloaded.
#include <gmock/gmock.h>

#include "support/machine_kernels.hpp"
#include "test_kernel.hpp"

namespace klp::loader {
namespace {

using klp::test::Machine;
using klp::test::MachineKernel;

class Machines : public testing::TestWithParam<Machine> {
protected:
    void SetUp() override {
        if (!klp::test::has_assembler(GetParam())) GTEST_SKIP() << "no assembler for " << GetParam().arch;
    }
};

std::string outcome(const EventReport& report) {
    return fmt::format("{} {}", report.undefined_behaviour.value_or(fmt::format("errno {}", report.error)),
                       fmt::join(test::log_of(report), "\n"));
}

TEST_P(Machines, LivepatchLives) {
    const MachineKernel kernel(GetParam());
    const TempDir folder("klp-test");
    const fs::path livepatch = folder.path() / "livepatch_tiny.ko";
    klp::test::livepatch_for(GetParam()).write_to(livepatch);
    Simulation simulation(kernel.kernel(), {});
    const std::vector<Event> events = {{EventKind::load, livepatch.string()},
                                       {EventKind::load, "late"},
                                       {EventKind::unload, "late"},
                                       {EventKind::disable, "livepatch_tiny"},
                                       {EventKind::unload, "livepatch_tiny"}};
    for (const Event& event : events) {
        const EventReport report = simulation.play(event);
        ASSERT_TRUE(report.ok()) << event.subject << ": " << outcome(report);
        const bool has_written = std::ranges::any_of(
            report.steps, [](const RelocationStep& step) { return !step.object.empty() && !step.writes.empty(); });
        EXPECT_EQ(has_written, event.kind == EventKind::load) << event.subject;
    }
    EXPECT_TRUE(simulation.modules().empty());
}

INSTANTIATE_TEST_SUITE_P(All, Machines, testing::ValuesIn(klp::test::machines),
                         [](const auto& each) { return std::string(each.param.arch); });

}  // namespace
}  // namespace klp::loader
