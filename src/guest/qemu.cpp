// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/qemu.hpp"

#include <fmt/format.h>

#include "base/process.hpp"

namespace klp::guest {

namespace {

// A comma separates QEMU's suboptions; two stand for one.
std::string option_value(const fs::path& path) {
    std::string escaped;
    for (const char c : path.string()) escaped += c == ',' ? ",," : std::string(1, c);
    return escaped;
}

std::string program_of(const Machine& machine) {
    if (auto found = find_program(machine.qemu)) return found->string();
    throw Error(fmt::format("'{}' is not installed", machine.qemu))
        .hint(fmt::format("install the package {}", machine.package));
}

// Emulation alone: KVM is there on many a machine on which guests hang under it.
std::vector<std::string> arguments(const Boot& boot, const fs::path& initramfs, const fs::path& report) {
    const Machine& machine = boot.machine;
    std::vector<std::string> argv{program_of(machine), "-accel", "tcg"};
    argv.insert(argv.end(), machine.arguments.begin(), machine.arguments.end());
    argv.insert(argv.end(), {"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"});
    argv.insert(argv.end(), {"-chardev", "stdio,id=console,signal=off"});
    argv.insert(argv.end(), machine.console_port.begin(), machine.console_port.end());
    if (!machine.shares_console()) {
        argv.insert(argv.end(), {"-chardev", fmt::format("file,id=report,path={}", option_value(report))});
        argv.insert(argv.end(), machine.report_port.begin(), machine.report_port.end());
    }
    argv.insert(argv.end(), {"-kernel", boot.kernel.string(), "-initrd", initramfs.string()});
    argv.insert(argv.end(), {"-append", boot.kernel_arguments});
    return argv;
}

}  // namespace

Ports boot(const Boot& boot) {
    const TempDir scratch("klp-guest");
    const fs::path initramfs = scratch.path() / "initramfs";
    const fs::path report = scratch.path() / "report";
    write_file(initramfs, boot.initramfs);
    Command command;
    command.argv = arguments(boot, initramfs, report);
    command.time_limit = boot.time_limit;
    command.on_output = boot.on_console;
    CommandResult ended = run(command);
    if (ended.status != 0 && !ended.timed_out)
        throw Error(fmt::format("'{}' failed with status {}: {}", boot.machine.qemu, ended.status, ended.errors));
    Ports ports{.console = std::move(ended.output), .report = {}, .timed_out = ended.timed_out};
    ports.report = boot.machine.shares_console() ? ports.console : read_text(report);
    return ports;
}

}  // namespace klp::guest
