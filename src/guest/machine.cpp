// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"

namespace klp::guest {

namespace {

using Arguments = std::string_view;

// Mitigations of processor bugs stay as the kernel finds them on `max`: return thunks and the like change code, and
// a livepatch has to live with them.
constexpr std::array<Arguments, 6> x86_64_arguments{"-machine", "pc", "-cpu", "max", "-m", "1024"};
constexpr std::array<Arguments, 2> x86_64_console{"-serial", "chardev:console"};
constexpr std::array<Arguments, 2> x86_64_report{"-serial", "chardev:report"};

const std::array machines{
    Machine{.arch = "x86_64",
            .qemu = "qemu-system-x86_64",
            .package = "qemu-system-x86",
            .arguments = x86_64_arguments,
            .console_port = x86_64_console,
            .report_port = x86_64_report,
            .console = "ttyS0",
            // On a busy host emulated timer interrupts come too late for the boot-time check of the IO-APIC, which
            // panics then (arch/x86/kernel/apic/io_apic.c:check_timer).
            .kernel_arguments = "no_timer_check",
            .report = {"dev/ttyS1", 4, 65},
            // A reset, which -no-reboot turns into QEMU's end, needs no ACPI in the kernel.
            .power_off = "reboot -f",
            .boots_pvh = true},
};

}  // namespace

const Machine& machine_for(std::string_view arch) {
    const auto* const found = std::ranges::find(machines, arch, &Machine::arch);
    if (found == machines.end()) throw Error(fmt::format("no guest machine is known for kernels of '{}'", arch));
    return *found;
}

}  // namespace klp::guest
