// SPDX-License-Identifier: GPL-2.0-or-later
// klp simulate: what the kernel would do with livepatches, without a kernel.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "base/kernel_names.hpp"
#include "cli/choose_kernel.hpp"
#include "cli/command.hpp"
#include "cli/open_kernel.hpp"
#include "cli/simulate_dump.hpp"
#include "loader/simulation.hpp"
#include "report/document.hpp"
#include "report/simulate.hpp"

namespace klp::cli {

namespace {

constexpr auto simulate_footer =
    R"(Played in this order: the modules named with --module are loaded, then each FILE.ko, then the events. A
livepatch is enabled when it is loaded. A module that is named, not given as a file, comes after what it depends on.
Without --kernel, the kernel is the one of the catalogue that the vermagic of the modules given as files names; all must
name the same one. Of a kernel that is named and is another one, what it would do is told, with a warning.
Nothing is played after an event of which nobody can tell what state it leaves the kernel in.

events: load:M (a module of the kernel, or a .ko file), unload:M, disable[:M], enable[:M] (M: the last livepatch
loaded), replace:FILE.ko (load a livepatch that replaces all others)
addresses: --at .text=0xffffffffc0123000 places a section of the first livepatch, --at M:.text=… one of module M,
--at M#2:.text=… where it is when it is loaded for the second time; each with the sections that the kernel keeps together
with it

exit status: 0 the kernel would do all of it; 1 error; 2 it would refuse an event, or say that it replaced a function
and not do it, or nobody can tell; 64 wrong usage)";

struct SimulateOptions {
    std::string kernel;
    std::vector<std::string> livepatches;
    std::vector<std::string> modules;
    std::vector<std::string> objects;
    std::vector<std::string> events;
    std::vector<std::string> addresses;
    std::string clear;
    std::string stubs;
    std::string dump;
    bool json = false;
    bool verbose = false;
};

std::optional<bool> choice(const std::string& text) {
    if (text.empty()) return std::nullopt;
    return text == "yes";
}

Error wrong_usage(std::string message) {
    return Error(std::move(message), ExitCode::usage).hint("see 'klp simulate --help'");
}

std::pair<std::string, std::uint64_t> parse_address(const std::string& text) {
    const std::size_t equals = text.rfind('=');
    std::string_view digits =
        equals == std::string::npos ? std::string_view{} : std::string_view(text).substr(equals + 1);
    if (digits.starts_with("0x")) digits.remove_prefix(2);
    std::uint64_t address = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), address, 16);
    if (digits.empty() || equals == 0 || failure != std::errc() || end != digits.data() + digits.size())
        throw wrong_usage(
            fmt::format("--at {}: expected SECTION=ADDRESS or MODULE:SECTION=ADDRESS, in hexadecimal", text));
    return {text.substr(0, equals), address};
}

loader::Options make_options(const SimulateOptions& arguments) {
    loader::Options options;
    for (const std::string& text : arguments.addresses) {
        if (!options.addresses.insert(parse_address(text)).second)
            throw wrong_usage(fmt::format("--at {}: the section has an address already", text));
    }
    for (const std::string& path : arguments.objects) options.objects[module_name_of_path(path)] = path;
    options.clear_relocations = choice(arguments.clear);
    options.livepatch_stubs = choice(arguments.stubs);
    return options;
}

bool is_path(const std::string& subject) {
    return subject.find('/') != std::string::npos || subject.ends_with(".ko");
}

// As loader::Event has it.
std::string path_of(const std::string& file) {
    return is_path(file) ? file : "./" + file;
}

class Player {
public:
    Player(const kernel::Kernel& kernel, const loader::Options& options)
        : kernel_(kernel), options_(options), simulation_(kernel, options) {}

    void load(const std::string& subject) {
        if (!is_path(subject) && !options_.objects.contains(subject)) {
            for (const std::string& needed : kernel_.module_dependencies(subject)) {
                if (simulation_.module(needed) == nullptr) play({loader::EventKind::load, needed});
            }
        }
        if (!play({loader::EventKind::load, subject})) return;
        const auto* module = simulation_.module(events.back().module);
        if (module != nullptr && module->patch) last_livepatch_ = module->name;
    }

    // One that the kernel does not take is still what --event enable and disable are about.
    void load_livepatch(const std::string& file) {
        load(path_of(file));
        if (!stopped()) last_livepatch_ = events.back().module;
    }

    void play_text(const std::string& text) {
        const std::size_t colon = text.find(':');
        const std::string word = text.substr(0, colon);
        const std::string subject = colon == std::string::npos ? "" : text.substr(colon + 1);
        const bool needs_subject = word == "load" || word == "unload" || word == "replace";
        const bool known = needs_subject || word == "enable" || word == "disable";
        if (!known || (needs_subject && subject.empty()))
            throw wrong_usage(
                fmt::format("--event {}: expected load:M, unload:M, enable, disable or replace:FILE", text));
        if (word == "load") return load(subject);
        if (word == "replace") return replace(path_of(subject));
        if (word == "unload") {
            play({loader::EventKind::unload, subject});
            return;
        }
        play({word == "enable" ? loader::EventKind::enable : loader::EventKind::disable,
              subject.empty() ? last_livepatch_ : subject});
    }

    // An address that has placed nothing has a wrong name.
    void check_addresses() const {
        if (stopped()) return;
        for (const auto& [key, address] : options_.addresses) {
            const std::size_t colon = key.starts_with('.') ? std::string::npos : key.find(':');
            if (colon == std::string::npos || was_loaded(std::string_view(key).substr(0, colon))) continue;
            throw Error(fmt::format("--at {}={:#x}: no such module is loaded", key, address));
        }
    }

    [[nodiscard]] report::Modules modules() const { return simulation_.modules(); }
    [[nodiscard]] bool all_ok() const {
        return std::ranges::all_of(
            events, [](const loader::EventReport& event) { return event.ok() && event.not_replaced.empty(); });
    }

    report::Events events;

private:
    [[nodiscard]] bool stopped() const { return !events.empty() && events.back().undefined_behaviour.has_value(); }

    // Nothing follows where the model does not know what state the kernel is in.
    bool play(const loader::Event& event) {
        if (stopped()) return false;
        events.push_back(simulation_.play(event));
        return true;
    }

    void replace(const std::string& file) {
        if (stopped()) return;
        load(file);
        const auto* module = events.back().ok() ? simulation_.module(events.back().module) : nullptr;
        if (module != nullptr && !(module->patch && module->patch->replace))
            throw Error({file, "", {}}, "does not replace other livepatches: klp_patch.replace is not set");
    }

    // "M", or "M#2": so many times.
    [[nodiscard]] bool was_loaded(std::string_view owner) const {
        const std::string_view name = owner.substr(0, owner.find('#'));
        const std::string_view digits = owner.substr(std::min(owner.size(), name.size() + 1));
        std::ptrdiff_t wanted = digits.empty() ? 1 : 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), wanted);
        const auto times = std::ranges::count_if(events, [&](const loader::EventReport& event) {
            return event.event.kind == loader::EventKind::load && event.module == name;
        });
        return wanted > 0 && times >= wanted;
    }

    const kernel::Kernel& kernel_;
    const loader::Options& options_;
    loader::Simulation simulation_;
    std::string last_livepatch_;
};

// All that are files: what else is named is a module of the kernel.
std::vector<fs::path> files_of(const SimulateOptions& arguments) {
    std::vector<fs::path> files(arguments.livepatches.begin(), arguments.livepatches.end());
    files.insert(files.end(), arguments.objects.begin(), arguments.objects.end());
    std::ranges::copy_if(arguments.modules, std::back_inserter(files), is_path);
    for (const std::string& event : arguments.events) {
        const std::string subject = event.substr(std::min(event.size(), event.find(':') + 1));
        if (event.starts_with("replace:") || (event.starts_with("load:") && is_path(subject)))
            files.emplace_back(subject);
    }
    return files;
}

ExitCode simulate(const SimulateOptions& arguments) {
    const loader::Options options = make_options(arguments);
    const std::vector<fs::path> files = files_of(arguments);
    std::optional<DumpFolder> dump;
    if (!arguments.dump.empty()) dump.emplace(arguments.dump, files);
    const kernel::Kernel kernel = open_kernel(choose_kernel(arguments.kernel, files));
    Player player(kernel, options);
    for (const std::string& module : arguments.modules) player.load(module);
    for (const std::string& file : arguments.livepatches) player.load_livepatch(file);
    for (const std::string& event : arguments.events) player.play_text(event);
    player.check_addresses();
    const report::Modules modules = player.modules();
    if (dump) dump->write(modules);
    print_result(arguments.json
                     ? report::to_text(report::document(
                           report::simulate_json(report::target_kernel(kernel), player.events, modules)))
                     : report::simulate_text(report::target_kernel(kernel), player.events, modules, arguments.verbose));
    if (dump) dump->commit();
    return !player.all_ok() ? ExitCode::unsafe : ExitCode::done;
}

void add_options(CommandLine& command, SimulateOptions& arguments) {
    command.values("FILE.ko", arguments.livepatches, "livepatch modules").required().type_name("");
    command.value("--kernel", arguments.kernel, chosen_kernel).type_name("NAME");
    command.repeated("--module", arguments.modules, "load this module first").type_name("M");
    command.repeated("--object", arguments.objects, "take this file for the kernel's module of its name")
        .type_name("M.ko");
    command.repeated("--event", arguments.events, "then this happens").type_name("EVENT");
    command.repeated("--at", arguments.addresses, "where a section is in memory").type_name("SECTION=ADDR");
    command
        .value("--clear", arguments.clear,
               "whether relocations are cleared when a patched module goes (default: as the kernel does)")
        .one_of({"yes", "no"})
        .type_name("yes|no");
    command
        .value("--livepatch-stubs", arguments.stubs,
               "whether calls without room to restore the TOC get a stub that does it (default: as the kernel does)")
        .one_of({"yes", "no"})
        .type_name("yes|no");
    command.value("--dump", arguments.dump, "write the section images into this new folder")
        .not_empty()
        .type_name("DIR");
    command.flag("--json", arguments.json, "print a JSON object");
    command.flag("-v,--verbose", arguments.verbose, "show each place that is written");
}

}  // namespace

void add_simulate(CommandLine& program) {
    const auto arguments = std::make_shared<SimulateOptions>();
    CommandLine command = program.command("simulate", "tell what the kernel would do with livepatches");
    command.footer(simulate_footer);
    add_options(command, *arguments);
    command.run([arguments] { return simulate(*arguments); });
}

}  // namespace klp::cli
