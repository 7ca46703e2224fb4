// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/guest.hpp"

#include <fmt/format.h>

#include "guest/hooks.hpp"
#include "guest/machine.hpp"
#include "guest/outcome.hpp"
#include "guest/payload.hpp"
#include "guest/protocol.hpp"
#include "guest/pvh.hpp"
#include "guest/qemu.hpp"
#include "guest/script.hpp"

namespace klp::guest {

namespace {

// What the machine starts: the shipped image, or the vmlinux that was unpacked from it where QEMU can enter that.
fs::path bootable(const kernel::Kernel& kernel, const Machine& machine) {
    const kernel::Manifest& manifest = kernel.manifest();
    if (!machine.boots_pvh || manifest.vmlinux.empty()) return manifest.image;
    const fs::path& path = kernel.vmlinux_path();
    const MappedFile vmlinux(path);
    return has_pvh_entry(vmlinux.bytes(), path.string()) ? path : manifest.image;
}

// An oops ends the guest: whatever locks the task held would make later steps hang. `quiet` holds until /init
// turns the console on; printing is slow on an emulated port.
std::string kernel_arguments(const Machine& machine, const Request& request) {
    std::string arguments = fmt::format("console={} quiet panic=-1 oops=panic nokaslr", machine.console);
    for (const std::string_view more : {machine.kernel_arguments, std::string_view(request.kernel_arguments)})
        if (!more.empty()) arguments.append(" ").append(more);
    return arguments;
}

}  // namespace

Result run(const kernel::Kernel& kernel, const Request& request, const Progress& progress) {
    const kernel::Manifest& manifest = kernel.manifest();
    const Machine& machine = machine_for(manifest.arch);
    const std::string nonce = make_nonce();
    Payload payload = make_payload(kernel, request, machine, nonce, progress);
    progress(fmt::format("booting {} in {}", manifest.name, machine.qemu));
    const Ports ports = boot({.machine = machine,
                              .kernel = bootable(kernel, machine),
                              .initramfs = std::move(payload.initramfs),
                              .kernel_arguments = kernel_arguments(machine, request),
                              .time_limit = request.time_limit,
                              .on_console = request.on_console});
    const Transcript transcript = parse_transcript(ports.report, nonce);
    std::string console = machine.shares_console() ? transcript.rest : parse_transcript(ports.console, nonce).rest;
    Result result = make_result(transcript, payload.steps, request.livepatches.size(), std::move(console),
                                {.timed_out = ports.timed_out, .time_limit = request.time_limit});
    for (const Record& record : transcript.records)
        if (record.key == "hooks") result.not_replaced = not_replaced(kernel, record.content);
    if (result.ok() && !result.not_replaced.empty()) result.failure = result.not_replaced.front();
    return result;
}

}  // namespace klp::guest
