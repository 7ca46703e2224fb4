// SPDX-License-Identifier: GPL-2.0-or-later
// The QEMU machine in which a kernel of an architecture is booted.
#pragma once

#include <span>
#include <string_view>

namespace klp::guest {

// A node that is in the guest's /dev before devtmpfs is mounted, and where the kernel has none.
struct DeviceNode {
    std::string_view path;  // without the leading slash
    unsigned major;
    unsigned minor;
};

// To add an architecture, add a row to the table in machine.cpp; nothing else in this library knows one. No column has
// a default: the compiler warns of a row that lacks one.
struct Machine {
    std::string_view arch;                        // arch::Arch::name()
    std::string_view qemu;                        // the program
    std::string_view package;                     // Debian's, which has it
    std::span<const std::string_view> arguments;  // machine, processor, memory
    // Arguments that attach the ports to the character devices `console` and `report`; the second is empty where
    // the machine has one port only, which then carries both.
    std::span<const std::string_view> console_port;
    std::span<const std::string_view> report_port;
    std::string_view console;           // the kernel's console=
    std::string_view kernel_arguments;  // what an emulated machine of this kind needs on the command line
    DeviceNode report;                  // as the guest sees the report's port
    std::string_view power_off;         // busybox command that ends QEMU
    // QEMU starts an ELF vmlinux itself where it has a PVH entry (Documentation/virt; Xen's hvm start info). That
    // leaves out the decompressor, which is half of an emulated boot.
    bool boots_pvh;

    [[nodiscard]] bool shares_console() const noexcept { return report_port.empty(); }
};

// Error: no machine is known for that architecture.
[[nodiscard]] const Machine& machine_for(std::string_view arch);

}  // namespace klp::guest
