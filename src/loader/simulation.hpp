// SPDX-License-Identifier: GPL-2.0-or-later
// A model of what the kernel does with modules: its module loader (kernel/module/main.c) and its livepatch core
// (kernel/livepatch/core.c), played event by event, without a kernel. An oracle for the makers of livepatches: it
// knows nothing of how a module was made, and reads the module's file as the kernel does.
//
//   Simulation simulation(kernel, options);
//   EventReport report = simulation.play({EventKind::load, "klp-example.ko"});
//   report = simulation.play({EventKind::load, "btrfs"});    // the module of the kernel of that name, after the patch
//   for (const LoadedModule* module : simulation.modules()) …
//
// Not modelled: code of the modules. A livepatch's init function is taken to call klp_enable_patch() on the one
// struct klp_patch of the module, callbacks to succeed, transitions to end before the next event.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/module_relocator.hpp"
#include "elf/object.hpp"
#include "kernel/ftrace_records.hpp"
#include "kernel/kernel.hpp"
#include "kernel/struct_layout.hpp"

namespace klp::loader {

enum class EventKind : std::uint8_t {
    load,     // insmod; a livepatch is enabled by its init function
    unload,   // rmmod; Error of the event where it is in use or an enabled livepatch
    enable,   // echo 1 > /sys/kernel/livepatch/NAME/enabled
    disable,  // echo 0
};

struct Event {
    EventKind kind = EventKind::load;
    // load: the path of a .ko file (anything with a '/' or ending in .ko), or the name of one of the kernel's own
    // modules, which does not bring its dependencies. Others: the module's name.
    std::string subject;
};

// Where a module's memory is, in the order of the kernel's areas (enum mod_mem_type, since 6.4; before, text, rodata,
// ro_after_init and data are parts of one core area, and the init ones of one init area).
enum class Area : std::uint8_t { text, data, rodata, ro_after_init, init_text, init_data, init_rodata };

struct LoadedSection {
    std::uint32_t index = 0;  // in the section table, of the file
    std::string name;
    Area area = Area::text;
    std::uint64_t address = 0;
    Bytes memory;        // as the kernel leaves it when the last event is over; of NOBITS sections zeroes
    bool freed = false;  // init memory after the module's init function; `memory` is what it was before
};

// Bytes that other code than that for relocations writes (arch/code_rewrites.hpp), or takes from uninitialised memory.
struct Rewrite {
    std::string mechanism;  // stable id: "ftrace-site", "alternative"
    std::string why;        // one sentence
    std::uint32_t section = 0;
    arch::Range range;
    bool exact = false;  // LoadedSection::memory has the bytes that the kernel writes; false: they cannot be known here
};

// Function replaced by a livepatch.
struct PatchedFunction {
    std::string name;
    std::uint64_t sympos = 0;
    std::uint64_t old_address = 0;  // 0: the object is not loaded
    std::uint64_t old_size = 0;
    std::uint64_t new_address = 0;
    // While its object is patched: which of ftrace's records became a call.
    std::optional<kernel::Hook> hook{};
};
struct PatchedObject {
    std::string name;  // "vmlinux" or a module's
    bool loaded = false;
    bool patched = false;
    std::vector<PatchedFunction> functions;
};
struct Patch {
    bool enabled = false;
    bool replace = false;
    bool replaced = false;  // by a later one with `replace`: disabled for good
    std::vector<PatchedObject> objects;
};

struct LoadedModule {
    std::string name;
    fs::path path;
    bool live = false;                        // MODULE_STATE_LIVE
    std::vector<LoadedSection> sections;      // those with memory, in the order of the file
    std::uint64_t reserved_text_address = 0;  // s390: GOT and PLT before the first section of the text area
    Bytes reserved_text;
    std::vector<Rewrite> rewrites;
    std::vector<std::string> live_data;  // names of sections that running code changes (.data, .bss, …)
    std::optional<Patch> patch;          // of livepatches
};

// A section as it was when it was written to: its module may be gone when the last event is over.
struct WrittenSection {
    std::string name;
    std::uint64_t address = 0;
};

// One relocation section applied or cleared.
struct RelocationStep {
    enum class Action : std::uint8_t { apply, clear };
    Action action = Action::apply;
    std::string module;   // whose memory is written
    std::string section;  // ".rela.text", ".klp.rela.btrfs..text"
    std::uint32_t section_index = 0;
    std::string target;  // ".text"
    std::string object;  // of livepatch relocations: for whose sake; empty: ordinary
    std::vector<arch::MemoryWrite> writes;
    std::map<std::uint32_t, WrittenSection> sections;  // of the writes, by MemoryWrite::section
    std::uint64_t reserved_text_address = 0;           // of the writes that have no section
    std::optional<arch::Refusal> refusal;
};

struct LogLine {
    enum class Level : std::uint8_t { info, notice, warning, error };
    Level level = Level::info;
    std::string text;  // with the prefix the kernel prints ("livepatch: "), without time stamp
};

// A function that the kernel says it patched, and that runs on as it was: ftrace hooks another place.
struct NotReplaced {
    std::string function;
    std::uint64_t address = 0;
    kernel::Hook hook{};
};

struct EventReport {
    Event event;
    std::string module;  // name of the module that the event is about
    int error = 0;       // errno of the system call, positive; 0: it succeeds
    std::vector<LogLine> log;
    std::vector<RelocationStep> steps;      // in order of time
    std::vector<NotReplaced> not_replaced;  // of those patched by the event
    // The model cannot tell what the kernel would do (a relocation outside of its section, a fault): what and where.
    // Nothing can be played after that.
    std::optional<std::string> undefined_behaviour;
    bool no_tables = false;  // that is so because no klp_patch can be read from the module's data
    [[nodiscard]] bool ok() const noexcept { return error == 0 && !undefined_behaviour; }
};

struct Options {
    // Addresses of sections: key "SECTION" (of the first livepatch loaded), "MODULE:SECTION", or "MODULE#2:SECTION" for
    // the second time that it is loaded. One section of an area
    // places the whole area; more than one must agree with the model's layout (play() throws an Error that names the
    // two otherwise). A section without any is placed like the kernel's allocator would, from the architecture's
    // module area upwards.
    std::map<std::string, std::uint64_t, std::less<>> addresses;
    // Files to take instead of the kernel's own modules, by module name.
    std::map<std::string, fs::path, std::less<>> objects;
    // Override what was probed of the kernel: whether relocation targets are cleared when the patched module goes,
    // and whether calls of livepatch symbols that leave no room to restore the TOC get a stub that does it
    // (arch::FeatureOverrides).
    std::optional<bool> clear_relocations;
    std::optional<bool> livepatch_stubs;
    // Of a kernel whose headers cannot be asked.
    std::optional<kernel::StructLayout> layout{};
    std::optional<std::uint64_t> module_init{}, module_exit{};
    // Bytes of a module's memory. The kernel counts in 32 bits, and its allocator gives up long before.
    std::uint64_t memory_limit = std::uint64_t{256} << 20;
};

class Simulation {
public:
    // `kernel` must outlive the simulation. Error: an architecture that has no model.
    Simulation(const kernel::Kernel& kernel, Options options);
    ~Simulation();
    Simulation(Simulation&&) noexcept;

    // What the kernel refuses is in the report. Error: a file that is missing or no ELF file, an unknown module, an
    // address that contradicts the layout.
    EventReport play(const Event& event);

    // Loaded now, in the order of loading. Pointers and views are valid until the next event.
    [[nodiscard]] std::vector<const LoadedModule*> modules() const;
    [[nodiscard]] const LoadedModule* module(std::string_view name) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace klp::loader
