// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/simulation.hpp"

#include <fmt/format.h>

#include "base/kernel_names.hpp"
#include "loader/livepatch_core.hpp"
#include "loader/module_loader.hpp"
#include "loader/public_view.hpp"
#include "loader/system.hpp"

namespace klp::loader {

struct Simulation::State {
    State(const kernel::Kernel& kernel, Options options)
        : system(kernel, std::move(options)), livepatch(system), loader(system, livepatch) {}

    System system;
    LivepatchCore livepatch;
    ModuleLoader loader;
    bool undefined = false;

    [[nodiscard]] fs::path path_of(std::string_view subject) const;
    void run(const Event& event, Journal& journal);
};

// The path of a file, or that of the kernel's module of that name.
fs::path Simulation::State::path_of(std::string_view subject) const {
    if (subject.find('/') != std::string_view::npos || subject.ends_with(".ko")) return subject;
    const std::string name = module_name_of_path(subject);
    if (const auto chosen = system.options.objects.find(name); chosen != system.options.objects.end())
        return chosen->second;
    if (const auto path = system.kernel.module_path(name)) return *path;
    const kernel::Manifest& manifest = system.kernel.manifest();
    throw Error(fmt::format("kernel {} has no module '{}'", manifest.name, name))
        .hint(manifest.modules.empty() ? "it was added without --modules"
                                       : "its modules are under " + manifest.modules.string());
}

void Simulation::State::run(const Event& event, Journal& journal) {
    if (event.kind != EventKind::load) journal.report().module = event.subject;
    switch (event.kind) {
        case EventKind::load:
            return loader.load(path_of(event.subject), journal);
        case EventKind::unload:
            return loader.unload(event.subject, journal);
        case EventKind::enable:
            return livepatch.store_enabled(event.subject, true, journal);
        case EventKind::disable:
            return livepatch.store_enabled(event.subject, false, journal);
    }
}

// What the model asks of the kernel is read first: a file that cannot be read says nothing of what the kernel would do.
Simulation::Simulation(const kernel::Kernel& kernel, Options options)
    : state_(std::make_unique<State>(kernel, std::move(options))) {
    (void)kernel.vmlinux();
    (void)kernel.symbols();
    (void)kernel.exports();
}
Simulation::~Simulation() = default;
Simulation::Simulation(Simulation&&) noexcept = default;

EventReport Simulation::play(const Event& event) {
    if (state_->undefined) throw Error("nothing can be simulated after an event whose outcome cannot be told");
    EventReport report;
    report.event = event;
    Journal journal(report);
    try {
        state_->run(event, journal);
    } catch (const Refused& refused) {
        report.error = refused.error;
    } catch (const Undefined& undefined) {
        report.undefined_behaviour = undefined.what;
        report.no_tables = undefined.no_tables;
        state_->undefined = true;
    }
    for (const auto& module : state_->system.modules) update_view(*module, state_->system, state_->livepatch);
    return report;
}

std::vector<const LoadedModule*> Simulation::modules() const {
    std::vector<const LoadedModule*> modules;
    for (const auto& module : state_->system.modules) modules.push_back(&module->loaded);
    return modules;
}

const LoadedModule* Simulation::module(std::string_view name) const {
    const Module* module = state_->system.find_module(name);
    return module == nullptr ? nullptr : &module->loaded;
}

}  // namespace klp::loader
