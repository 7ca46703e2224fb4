// SPDX-License-Identifier: GPL-2.0-or-later
// Puts the kernels of tests/support into the catalogue, and their livepatches into a folder:
//   tiny_kernels FOLDER
// For each machine whose assembler is there: the kernel tiny-ARCH, FOLDER/tiny-ARCH/livepatch.ko and late.ko; for
// x86_64 also by-hand.ko, which has not been converted.
#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "kernel/manifest.hpp"
#include "support/machine_kernels.hpp"

namespace {

using namespace klp;

// MachineKernel has a catalogue of its own: its folder goes with it.
void add_kernel(const test::Machine& machine, const std::string& name, const std::string& cache) {
    const test::MachineKernel tiny(machine);
    if (::setenv("KLPKIT_CACHE", cache.c_str(), 1) != 0) throw Error("no environment");
    kernel::Manifest manifest = tiny.kernel().manifest();
    kernel::NewKernelFolder folder(name);
    fs::copy(manifest.vmlinux.parent_path(), folder.path(), fs::copy_options::recursive);
    manifest.name = name;
    const fs::path made = kernel::kernel_folder(name);
    manifest.vmlinux = manifest.image = made / "vmlinux";
    manifest.modules = made / "modules";
    manifest.config = made / "config";
    manifest.symvers = made / "Module.symvers";
    folder.commit(manifest);
}

void make(const test::Machine& machine, const fs::path& folder, const std::string& cache) {
    const std::string name = fmt::format("tiny-{}", machine.arch);
    add_kernel(machine, name, cache);
    fs::create_directories(folder / name);
    test::livepatch_for(machine).write_to(folder / name / "livepatch.ko");
    test::late_module_for(machine).write_to(folder / name / "late.ko");
    if (machine.number != EM_X86_64) return;
    // It needs one symbol of the kernel that nobody exports.
    const std::string text = test::replaced(test::sound_text, "from_vmlinux", "module_layout");
    test::assemble(test::replaced(text, "from_late", "module_layout")).write_to(folder / name / "by-hand.ko");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 64;
    try {
        const std::string cache = cache_root();
        for (const test::Machine& machine : test::machines)
            if (test::has_assembler(machine)) make(machine, argv[1], cache);
    } catch (const std::exception& error) {
        (void)std::fprintf(stderr, "tiny_kernels: %s\n", error.what());
        return 1;
    }
    return 0;
}
