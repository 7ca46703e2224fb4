// SPDX-License-Identifier: GPL-2.0-or-later
// Two compilations of one translation unit in; what changed, and one object that carries it, out.
// decompose -> correlate -> compare -> select -> extract, each a value that the next one takes. Needs objects compiled
// with -ffunction-sections -fdata-sections; knows no kernel.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.hpp"
#include "diff/decomposition.hpp"
#include "diff/directives.hpp"
#include "diff/layout_change.hpp"
#include "diff/macro_value.hpp"
#include "elf/object.hpp"

namespace klp::diff {

enum class FunctionStatus {
    changed,   // differs from its original: the livepatch replaces it
    added,     // has no original ("new" in JSON)
    carried,   // differs from its original, which ftrace cannot hook: its callers are replaced and bring it along
    included,  // carried along because a changed function owns it (its .cold part)
};

struct FunctionChange {
    std::string name;  // as in the patched object
    FunctionStatus status = FunctionStatus::changed;
    std::string section;                    // in the extracted object
    const elf::Symbol* original = nullptr;  // in the original object; null for added ones
    elf::Symbol* extracted = nullptr;       // in Result::extracted
    std::string reason;                     // what differs, for people ("instruction bytes at +0x3c")
};

enum class DataStatus {
    added,   // new data, starts with its initial value
    copied,  // read-only data without identity (strings, __func__, switch tables), carried along
};

struct DataChange {
    std::string name;  // empty for anonymous constants such as string sections
    DataStatus status = DataStatus::added;
    std::string section;  // in the extracted object
    std::uint64_t size = 0;
    bool writable = false;  // a variable, not a constant
};

// A symbol that the extracted object needs and does not define.
struct Reference {
    elf::Symbol* extracted = nullptr;       // undefined symbol in Result::extracted
    std::string name;                       // of the symbol to look for: the ORIGINAL's name where correlated
    const elf::Symbol* original = nullptr;  // the definition (or undefined symbol) of the original object; null
                                            // where only the patched one knows the name
    bool defined_in_unit = false;           // the translation unit itself defines it (function, variable)
};

// A function that the livepatch core is to call; one an event.
struct Callback {
    CallbackEvent event = CallbackEvent::pre_patch;
    std::string name;
    elf::Symbol* extracted = nullptr;  // in Result::extracted
};

struct Result {
    std::vector<FunctionChange> functions;
    std::vector<DataChange> data;
    std::vector<Reference> references;
    elf::Object extracted;           // relocatable; all that is not defined in it is undefined
    std::vector<std::string> notes;  // worth telling ("pr_debug in 'f' cannot be switched on in the new code")
    std::vector<LayoutChange> accepted_layouts{};  // that would have been refused
    // What the kernel may hold on to when the livepatch is gone: "'work' in 'f'+0x12".
    std::vector<std::string> outlives{};
    std::vector<Callback> callbacks{};
    std::vector<Forced> forced{};
    std::set<std::string, std::less<>> gone{};  // variables that the patched object has not
    // Functions that were left out because they differ in the numbers of their lines alone (Options::other_lines).
    std::vector<std::string> other_lines{};
    [[nodiscard]] bool unchanged() const noexcept { return functions.empty(); }
    // Functions and variables without an original that other files may refer to; symbols of `extracted`.
    [[nodiscard]] std::vector<const elf::Symbol*> new_globals() const;
};

// What a first comparison says to a second one, of an object that reads these keys in place of testing them by
// branches.
struct LateKeys {
    // Of the patched module, which functions of the livepatch test: the variables, and __tracepoint_NAME.
    std::set<std::string, std::less<>> names;
    // Functions that are the same in both objects, and others that both have.
    std::set<std::string, std::less<>> unchanged, changed;
};

class Changes;
struct Selection;

struct Options {
    // Whether the kernel object is a module: decides which static keys the kernel can resolve in time.
    bool for_module = false;
    // Whether a key or symbol is resolvable when the livepatch itself is loaded (exported, or in vmlinux).
    std::function<bool(std::string_view symbol)> resolved_at_load{};
    // Accept objects that list no function for ftrace at all (compiled without -pg): whether a changed
    // function can be hooked is then left to others. Kernel objects are always judged.
    bool untraced_objects = false;
    // Whether the objects may be compiled without #line: a function that differs in what is certain to be the number of
    // a line did not change then.
    bool other_lines = false;
    // The types of both objects, which must outlive the call; none: they are not compared.
    struct Types {
        const TypeTable& original;
        const TypeTable& patched;
    };
    std::optional<Types> types{};
    // That the patch defines.
    Macros macros{};
    // Names of types (LayoutChange::name) whose change the author takes the responsibility for.
    std::set<std::string, std::less<>> accepted_layouts{};
    // Changes that are left out in place of a refusal.
    std::set<LeftOut> left_out{};
    // Where given, it is told of branches on keys that the kernel cannot resolve in time, which are no errors then: the
    // result is not good for anything else.
    LateKeys* late_keys = nullptr;
    // Functions that do the same though their code differs, and those that they call can be replaced for themselves.
    // One whose calls the compiler may have changed (`f.isra.0`) is replaced all the same.
    std::set<std::string, std::less<>> unchanged{};
    // Is shown what was found before any of it is refused: for explain(). Both are gone afterwards.
    std::function<void(const Changes&, const Selection&)> on_selected{};
};

// The two objects of a translation unit.
struct Sides {
    Decomposition original;
    Decomposition patched;
};

// Both objects must outlive the value. Findings `diff.lto`, `diff.no-function-sections` and Error with ExitCode::unsafe
// where one cannot be compared. Error: not relocatable, of different architectures, or as Decomposition says.
[[nodiscard]] Sides decompose(const elf::Object& original, const elf::Object& patched, const EntrySizes& sizes,
                              Diagnostics& diagnostics);

// Findings that make the change inexpressible are errors in `diagnostics` (ids `diff.*`); a Result is returned
// only when there are none: otherwise Error with ExitCode::unsafe. Both objects must outlive the Result.
[[nodiscard]] Result diff(const Sides& sides, const Options& options, Diagnostics& diagnostics);

}  // namespace klp::diff
