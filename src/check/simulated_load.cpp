// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel would refuse: the livepatch is loaded in the model, with the patched objects coming before it, after
// it, going, and coming again.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>

#include "base/errno_text.hpp"
#include "base/kernel_names.hpp"
#include "check/target.hpp"
#include "loader/simulation.hpp"

namespace klp::check {

namespace {

class SimulatedLoad {
public:
    SimulatedLoad(const Check& check, const std::vector<std::string>& objects)
        : check_(check), objects_(objects), options_(options_of(check)) {}

    // First with the patched objects there already, then as they come and go.
    // False: there is nothing to load.
    bool run() {
        if (!objects_.empty()) objects_first();
        if (!failed_) {
            objects_later();
        } else {
            check_.left_out.add("the load with the patched modules coming later",
                                "the one with them there before has failed");
        }
        return has_tables_;
    }

    // What the module patches once it is relocated, for tables that cannot be read from the file.
    static std::vector<std::string> objects_in_memory(const Check& check) {
        std::vector<std::string> names;
        const SimulatedLoad load(check, names);
        loader::Simulation simulation(check.target.kernel(), load.options_);
        (void)simulation.play({Events::load, load.livepatch()});
        const loader::LoadedModule* module = simulation.module(check.livepatch.name);
        if (module != nullptr && module->patch)
            for (const loader::PatchedObject& object : module->patch->objects) names.push_back(object.name);
        return names;
    }

private:
    using Events = loader::EventKind;

    static loader::Options options_of(const Check& check) {
        loader::Options options;
        options.objects = check.target.files();
        return options;
    }

    void objects_first() {
        loader::Simulation simulation(check_.target.kernel(), options_);
        for (const std::string& object : objects_)
            if (!load_object(simulation, object, rules::object_load, "")) return;
        if (!load_needed(simulation)) return;
        if (play(simulation, {Events::load, livepatch()}, rules::load, "with the patched modules loaded before"))
            check_hooks(simulation);
    }

    // Those of vmlinux are told of by check_patched_functions().
    void check_hooks(const loader::Simulation& simulation) {
        const loader::LoadedModule* livepatch = simulation.module(check_.livepatch.name);
        if (livepatch == nullptr || !livepatch->patch) return;
        for (const loader::PatchedObject& object : livepatch->patch->objects) {
            if (object.name == vmlinux) continue;
            for (const loader::PatchedFunction& each : object.functions)
                if (each.hook && each.hook->where == kernel::Hook::Where::elsewhere)
                    add_hooked_elsewhere(check_, each.name, object.name, *each.hook, each.old_address);
        }
    }

    void objects_later() {
        loader::Simulation simulation(check_.target.kernel(), options_);
        std::span<const std::string> left = objects_;
        bool goes_on = load_needed(simulation) && play(simulation, {Events::load, livepatch()}, rules::load, "");
        if (goes_on)
            if (const auto* module = simulation.module(check_.livepatch.name)) leave_out_rewrites(check_, *module);
        for (; goes_on && !left.empty(); left = left.subspan(1)) goes_on = comes_and_goes(simulation, left.front());
        if (goes_on) leaves(simulation);
        for (const std::string& object : left)
            check_.left_out.add(fmt::format("'{}' coming after the livepatch", object),
                                "nothing is played after what has failed");
    }

    // One that the kernel does not let go (an init function and no exit function) stays for good; that is no error.
    void leaves(loader::Simulation& simulation) {
        for (const Events kind : {Events::disable, Events::unload}) {
            const loader::EventReport report = simulation.play({kind, check_.livepatch.name});
            if (report.undefined_behaviour) add_undefined("unloading of the livepatch", *report.undefined_behaviour);
            if (kind == Events::unload && report.error != 0) {
                check_.findings
                    .add(rules::unload,
                         fmt::format("once it is disabled, the kernel refuses to unload it with error {} ({})",
                                     report.error, errno_text(report.error)))
                    .hint("give it a module_exit() function, which may be empty");
            }
            if (!report.ok()) return;
        }
    }

    // False: nothing more can be played.
    bool comes_and_goes(loader::Simulation& simulation, const std::string& object) {
        if (!load_object(simulation, object, rules::object_load, "after the livepatch")) return false;
        // Some modules cannot go, whatever is patched in them; then nobody sees them come again.
        const loader::EventReport gone = simulation.play({Events::unload, object});
        if (gone.undefined_behaviour) {
            add_undefined("unloading of '" + object + "'", *gone.undefined_behaviour);
        } else if (gone.ok()) {
            // One that cannot come again leaves the others as they are.
            load_object(simulation, object, rules::reload, "for the second time");
        } else {
            check_.left_out.add(fmt::format("'{}' going and coming again", object), "the kernel does not let it go");
        }
        return !is_undefined_;
    }

    // False: a finding tells why not.
    bool load_object(loader::Simulation& simulation, const std::string& object, const check::Rule& rule,
                     std::string_view when) {
        for (const std::string& needed : check_.target.dependencies(object)) {
            const bool is_there = simulation.module(needed) != nullptr;
            if (!is_there && !play(simulation, {Events::load, needed}, rule, when)) return false;
        }
        if (simulation.module(object) != nullptr) return true;
        return play(simulation, {Events::load, object}, rule, when);
    }

    // What the livepatch itself depends on, as modprobe does.
    bool load_needed(loader::Simulation& simulation) {
        const auto needed = kernel::depends_of(check_.module);
        return std::ranges::all_of(needed, [&](const std::string& name) {
            return load_object(simulation, name, rules::object_load, "before the livepatch");
        });
    }

    void add_undefined(const std::string& what, const std::string& why) {
        is_undefined_ = true;
        check_.findings.add(rules::undefined, what + " ends in what nobody can tell").note(why);
    }

    void add_cut_off(const loader::EventReport& report) {
        for (const loader::RelocationStep& step : report.steps) {
            if (step.module != check_.livepatch.name) continue;
            for (const arch::MemoryWrite& write : step.writes) {
                if (!write.cut_off || !cut_off_.emplace(step.target, write.offset).second) continue;
                check_.findings.add(
                    rules::range, step.target, write.offset,
                    fmt::format(
                        "the value of relocation {} of {} does not fit into {} bytes, and the kernel does not see "
                        "that",
                        write.relocation.value_or(0), step.section, write.after.size()));
            }
        }
    }

    // Names of files are told from names of modules by a '/'.
    std::string livepatch() const {
        const std::string& path = check_.module.display_name();
        return path.find('/') == std::string::npos ? "./" + path : path;
    }

    bool play(loader::Simulation& simulation, const loader::Event& event, const check::Rule& rule,
              std::string_view when) {
        const loader::EventReport report = simulation.play(event);
        add_cut_off(report);
        if (report.ok()) return event.subject != livepatch() || is_enabled(simulation);
        failed_ = true;
        // The model cannot run an init function that fills klp_patch.
        if (report.no_tables) {
            is_undefined_ = true;
            has_tables_ = false;
            check_.left_out.add("the simulated load", "no klp_patch can be read from the module's data");
            return false;
        }
        const std::string what = fmt::format("loading of '{}'", report.module.empty() ? event.subject : report.module);
        if (report.undefined_behaviour) {
            add_undefined(what, *report.undefined_behaviour);
            return false;
        }
        Finding& finding =
            check_.findings.add(rule, fmt::format("{}{}{} is refused with error {} ({})", what, when.empty() ? "" : " ",
                                                  when, report.error, errno_text(report.error)));
        for (const loader::LogLine& line : report.log)
            if (line.level >= loader::LogLine::Level::warning) finding.note("the kernel would say: " + line.text);
        if (&rule == &rules::reload)
            finding.hint("this kernel does not clear relocations: unload the livepatch before the module comes again");
        return false;
    }

    // Its init function may not be called, or return before it enables anything.
    bool is_enabled(const loader::Simulation& simulation) {
        const loader::LoadedModule* module = simulation.module(check_.livepatch.name);
        if (module == nullptr || module->patch) return true;
        failed_ = true;
        check_.findings.add(rules::load,
                            "the module is loaded, and no livepatch is enabled: struct module has no init function");
        return false;
    }

    const Check& check_;
    const std::vector<std::string>& objects_;
    loader::Options options_;
    bool failed_ = false;
    std::set<std::pair<std::string, std::uint64_t>> cut_off_;  // places that were told of
    bool has_tables_ = true;
    bool is_undefined_ = false;  // nothing can be played any more
};

}  // namespace

void simulate_load(const Check& check, Summary& summary) {
    std::vector<std::string> objects;
    for (const format::PatchedObject& object : check.livepatch.objects) objects.push_back(object.name);
    if (objects.empty()) objects = SimulatedLoad::objects_in_memory(check);
    for (const std::string& object : objects) {
        if (object == vmlinux) continue;
        const bool is_there = check.target.module(object) != nullptr;
        (is_there ? summary.objects : summary.not_simulated).push_back(object);
    }
    summary.simulated = SimulatedLoad(check, summary.objects).run();
}

}  // namespace klp::check
