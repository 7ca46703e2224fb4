// SPDX-License-Identifier: GPL-2.0-or-later
// A module in the model of the loader: loaded into a kernel of its machine, patched and reverted, with the object
// "late" coming and going, unloaded.
#include <elf.h>

#include <map>
#include <memory>

#include "fuzz.hpp"
#include "loader/simulation.hpp"
#include "support/machine_kernels.hpp"

namespace klp::fuzz {

namespace {

// One of each machine in the process.
test::MachineKernel& kernel_for(Bytes input) {
    constexpr std::size_t machine_field = 18;
    const bool is_big = input[EI_DATA] == std::byte{ELFDATA2MSB};
    const auto machine = load<std::uint16_t>(input.subspan(machine_field), is_big ? ByteOrder::big : ByteOrder::little);
    static std::map<std::string, std::unique_ptr<test::MachineKernel>, std::less<>> kernels;
    const test::Machine& wanted = test::machine_with(machine);
    auto& kernel = kernels[std::string(wanted.arch)];
    if (!kernel) kernel = std::make_unique<test::MachineKernel>(wanted);
    return *kernel;
}

bool plays(loader::Simulation& simulation, loader::EventKind kind, const std::string& subject) {
    const loader::EventReport report = simulation.play({kind, subject});
    require(!report.undefined_behaviour || !report.undefined_behaviour->empty());
    require(report.error >= 0);
    return !report.undefined_behaviour;
}

// Whatever the module is, the model can say where it is, or that it is not there.
void check_view(const loader::Simulation& simulation) {
    for (const loader::LoadedModule* module : simulation.modules()) {
        require(simulation.module(module->name) != nullptr);
        for (const loader::Rewrite& rewrite : module->rewrites) require(rewrite.range.begin <= rewrite.range.end);
    }
}

void play_life(loader::Simulation& simulation, const fs::path& file, const fs::path& late) {
    using enum loader::EventKind;
    const loader::EventReport loaded = simulation.play({load, file.string()});
    check_view(simulation);
    if (loaded.undefined_behaviour) return;
    const bool went_on = plays(simulation, load, late.string()) && plays(simulation, unload, "late") &&
                         plays(simulation, load, late.string()) && plays(simulation, disable, loaded.module) &&
                         plays(simulation, enable, loaded.module) && plays(simulation, disable, loaded.module) &&
                         plays(simulation, unload, loaded.module) && plays(simulation, load, file.string());
    if (went_on) check_view(simulation);
}

}  // namespace

void run(Bytes input) {
    if (input.size() < sizeof(Elf64_Ehdr)) return;
    // The loader reads files.
    static const TempDir folder("klp-fuzz", fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path());
    const fs::path file = folder.path() / "input.ko";
    write_file(file, input);
    test::MachineKernel& kernel = kernel_for(input);
    loader::Options options;
    options.memory_limit = 1 << 20;  // filling more takes most of the time
    loader::Simulation simulation(kernel.kernel(), options);
    play_life(simulation, file, kernel.late_module());
}

}  // namespace klp::fuzz
