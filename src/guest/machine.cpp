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

// Firmware of QEMU's own (vof) starts the kernel at once; the usual one emulates a whole Open Firmware first. TCG has
// none of the processor's answers to speculation bugs, which the machine promises unless told otherwise.
constexpr std::array<Arguments, 6> ppc64le_arguments{
    "-machine", "pseries,x-vof=on,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off",
    "-cpu",     "power8",
    "-m",       "512"};
constexpr std::array<Arguments, 2> ppc64le_console{"-device", "spapr-vty,chardev=console,reg=0x30000000"};
constexpr std::array<Arguments, 2> ppc64le_report{"-device", "spapr-vty,chardev=report,reg=0x30001000"};

constexpr std::array<Arguments, 6> s390x_arguments{"-machine", "s390-ccw-virtio", "-cpu", "qemu", "-m", "512"};
constexpr std::array<Arguments, 2> s390x_console{"-device", "sclpconsole,chardev=console"};

constexpr std::array<Arguments, 6> arm64_arguments{"-machine", "virt", "-cpu", "cortex-a57", "-m", "512"};
constexpr std::array<Arguments, 2> arm64_console{"-serial", "chardev:console"};

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
    Machine{.arch = "ppc64le",
            .qemu = "qemu-system-ppc64",
            .package = "qemu-system-ppc",
            .arguments = ppc64le_arguments,
            .console_port = ppc64le_console,
            .report_port = ppc64le_report,
            .console = "hvc0",
            .kernel_arguments = "",
            .report = {"dev/hvc1", 229, 1},
            .power_off = "poweroff -f",
            .boots_pvh = false},
    // Its only other console is for lines of text in EBCDIC.
    Machine{.arch = "s390x",
            .qemu = "qemu-system-s390x",
            .package = "qemu-system-misc",
            .arguments = s390x_arguments,
            .console_port = s390x_console,
            .report_port = {},
            .console = "ttyS1",
            .kernel_arguments = "",
            .report = {"dev/ttysclp0", 4, 65},
            .power_off = "poweroff -f",
            .boots_pvh = false},
    // The machine's second port is for firmware alone.
    Machine{.arch = "arm64",
            .qemu = "qemu-system-aarch64",
            .package = "qemu-system-arm",
            .arguments = arm64_arguments,
            .console_port = arm64_console,
            .report_port = {},
            .console = "ttyAMA0",
            .kernel_arguments = "",
            .report = {"dev/ttyAMA0", 204, 64},
            .power_off = "poweroff -f",
            .boots_pvh = false},
};

}  // namespace

const Machine& machine_for(std::string_view arch) {
    const auto* const found = std::ranges::find(machines, arch, &Machine::arch);
    if (found == machines.end()) throw Error(fmt::format("no guest machine is known for kernels of '{}'", arch));
    return *found;
}

}  // namespace klp::guest
