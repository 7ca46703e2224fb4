// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/payload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/kernel_names.hpp"
#include "guest/busybox.hpp"
#include "guest/initramfs.hpp"
#include "kernel/module.hpp"

namespace klp::guest {

namespace {

// For kernels without devtmpfs; Documentation/admin-guide/devices.txt.
constexpr std::array basic_nodes{
    DeviceNode{"dev/console", 5, 1}, DeviceNode{"dev/null", 1, 3},    DeviceNode{"dev/zero", 1, 5},
    DeviceNode{"dev/random", 1, 8},  DeviceNode{"dev/urandom", 1, 9}, DeviceNode{"dev/kmsg", 1, 11},
};

bool is_executable(const fs::path& path) {
    return (fs::status(path).permissions() & fs::perms::owner_exec) != fs::perms::none;
}

class Packer {
public:
    Packer(const kernel::Kernel& kernel, const Request& request, const Progress& progress)
        : kernel_(kernel), request_(request), progress_(progress) {}

    Payload pack(const Machine& machine, std::string_view nonce) {
        add_user_space(machine);
        add_steps();
        for (const fs::path& file : request_.files)
            initramfs_.add_file(file.filename().string(), MappedFile(file).bytes(), is_executable(file));
        const auto transition_limit = std::max(request_.time_limit / 2, std::chrono::seconds(1));
        initramfs_.add_file("init", as_bytes(make_init(machine, nonce, steps_, transition_limit)), true);
        return {.initramfs = std::move(initramfs_).finish(), .steps = std::move(steps_)};
    }

private:
    using MakeStep = Step (*)(std::string_view file);

    void add_user_space(const Machine& machine) {
        for (const auto* const folder : {"bin", "dev", "proc", "sys", "tmp", "klp"}) initramfs_.add_folder(folder);
        for (const DeviceNode& node : basic_nodes) add_node(node);
        if (!initramfs_.contains(machine.report.path)) add_node(machine.report);
        const Busybox busybox = find_busybox({kernel_.arch().machine(), kernel_.arch().debian_name()}, progress_);
        initramfs_.add_file("bin/busybox", MappedFile(busybox.path).bytes(), true);
        initramfs_.add_file(command_file, as_bytes(request_.command));
    }

    void add_node(const DeviceNode& node) { initramfs_.add_character_device(node.path, node.major, node.minor); }

    void add_steps() {
        for (const std::string& module : request_.modules) load_module(module);
        run_command("before");
        for (const fs::path& file : request_.livepatches) steps_.push_back(load_livepatch_step(add_module_file(file)));
        for (const std::string& module : request_.late_modules) load_module(module);
        steps_.push_back(hooks_step());
        run_command("after");
        steps_.push_back(revert_step());
        steps_.push_back(unload_step());
        run_command("reverted");
    }

    void run_command(std::string_view phase) {
        if (!request_.command.empty()) steps_.push_back(command_step(phase));
    }

    void load_module(const std::string& module) {
        if (is_module_file(module)) {
            steps_.push_back(load_module_step(add_module_file(module)));
            return;
        }
        const std::string name = module_name_of_path(module);  // people write '-' for '_' too
        (void)path_of(name);                                   // this name, not one it depends on, is wrong
        load_with_dependencies(name, load_module_step);
    }

    // All are planned first, so that none of them is merely tried when another wants it.
    void load_with_dependencies(const std::string& name, MakeStep make_step) {
        std::vector<std::string> modules = kernel_.module_dependencies(name);
        modules.push_back(name);
        std::erase_if(modules, [&](const std::string& module) { return !planned_.insert(module).second; });
        for (const std::string& module : modules) {
            for (const std::string& wanted : kernel_.soft_dependencies(module))
                load_with_dependencies(wanted, try_module_step);
            steps_.push_back(make_step(add_module_file(path_of(module))));
        }
    }

    [[nodiscard]] fs::path path_of(const std::string& module) const {
        if (const auto path = kernel_.module_path(module)) return *path;
        throw Error(fmt::format("kernel {} has no module '{}'", kernel_.manifest().name, module))
            .hint("it may be built into the kernel (then it needs no --module), or be part of another package");
    }

    // The name in the guest: that of the file, without the ending of a compression.
    std::string add_module_file(const fs::path& path) {
        const kernel::ModuleBytes module(path);
        std::string name = module.was_compressed() ? path.stem().string() : path.filename().string();
        initramfs_.add_file(fmt::format("{}/{}", module_folder, name), module.bytes());
        return name;
    }

    const kernel::Kernel& kernel_;
    const Request& request_;
    const Progress& progress_;
    Initramfs initramfs_;
    std::vector<Step> steps_;
    std::set<std::string, std::less<>> planned_;
};

}  // namespace

bool is_module_file(const std::string& module) {
    return module.find('/') != std::string::npos || module.ends_with(".ko");
}

Payload make_payload(const kernel::Kernel& kernel, const Request& request, const Machine& machine,
                     std::string_view nonce, const Progress& progress) {
    return Packer(kernel, request, progress).pack(machine, nonce);
}

}  // namespace klp::guest
