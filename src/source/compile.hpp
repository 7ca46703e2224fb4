// SPDX-License-Identifier: GPL-2.0-or-later
// Compiles the two sides of a translation unit: the tree's own and the patched one.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/file.hpp"
#include "elf/object.hpp"
#include "kernel/kbuild.hpp"
#include "source/generated_files.hpp"
#include "source/object_cache.hpp"
#include "source/overlay.hpp"
#include "source/plain_keys.hpp"
#include "source/source_tree.hpp"
#include "source/units.hpp"

namespace klp::source {

// An object with its debug information, before programs edited it. They do not move code.
struct DebugObject {
    elf::Object object;
    fs::path directory;  // that it was compiled in
    fs::path sources;    // in the source tree's place
};

// One side of a translation unit. Its debug information is not in the object, which is what it would be without.
struct CompiledObject {
    elf::Object object;
    std::string types;                   // what DescribeTypes made of the debug information
    std::optional<DebugObject> debug{};  // where it was asked for
};

// From an object with debug information to what is kept of it.
struct DescribeTypes {
    std::string_view format;  // of what is kept: what was kept in another one is made again
    std::function<std::string(const elf::Object&)> describe;
};

// Of which sides CompiledObject::debug is wanted. Of both: originals are then compiled anew, since those of the cache
// have none.
enum class KeepDebug { none, patched, both };

class UnitCompiler {
public:
    UnitCompiler(const kernel::Kernel& kernel, const kernel::Kbuild& kbuild, const SourceTree& tree,
                 const Overlay& overlay, DescribeTypes describe_types, KeepDebug keep_debug);

    // Both may be called for several units at once. Error: the compiler's messages (ExitCode::error).
    // From the cache where it is there: by what the unit's patched files hold, and what the others are.
    [[nodiscard]] CompiledObject original(const TranslationUnit& unit) const;
    [[nodiscard]] CompiledObject patched(const TranslationUnit& unit) const;
    // The patched side, with reads of these static keys in place of branches that the kernel patches.
    [[nodiscard]] CompiledObject patched_reading(const TranslationUnit& unit, const KeyNames& keys) const;
    // Whether the compiler's output for both sides is the same, whatever kind of file that is.
    [[nodiscard]] bool is_unchanged(const TranslationUnit& unit) const;
    // Whether a patched source includes what the makefiles make.
    [[nodiscard]] bool uses_generated_files() const { return generated_by_patched_.has_made_any(); }

private:
    struct Side {
        fs::path directory;                  // to compile in
        fs::path sources;                    // that take the place of the source tree's
        std::string name;                    // "original" or "patched", for file names and messages
        const GeneratedFiles* generated;     // what the tree lacks
        std::vector<std::string> options{};  // more for the compiler, before all others
    };
    struct Compiled {
        fs::path object;
        std::string types;
        std::optional<DebugObject> debug;
        std::vector<std::string> dependencies;  // relative to the side's directory, or absolute
        bool uses_generated_files = false;
    };
    [[nodiscard]] Side original_side(const TranslationUnit& unit) const;
    [[nodiscard]] Side patched_side(const TranslationUnit& unit) const;
    [[nodiscard]] CompiledObject compile_patched(const TranslationUnit& unit, const Side& side) const;
    [[nodiscard]] std::vector<std::string> unpatched_files(const Compiled& compiled, const TranslationUnit& unit,
                                                           const Side& side) const;
    [[nodiscard]] Compiled compile(const TranslationUnit& unit, const Side& side) const;
    // Runs the compiler; the makefiles make what it does not find.
    [[nodiscard]] CommandResult run_compiler(Command command, const TranslationUnit& unit, const Side& side) const;
    [[nodiscard]] std::string command_key(const TranslationUnit& unit) const;
    [[nodiscard]] std::string cache_key(const TranslationUnit& unit) const;
    // Of an object that was just compiled, which has no debug information any more then.
    [[nodiscard]] std::string take_types(const fs::path& object) const;

    const kernel::Kbuild& kbuild_;
    const SourceTree& tree_;
    const Overlay& overlay_;
    DescribeTypes describe_types_;
    KeepDebug keep_debug_;
    ObjectCache cache_;
    ObjectCache patched_cache_;
    std::string patch_digest_;
    GeneratedFiles generated_;
    GeneratedFiles generated_by_patched_;
    TempDir scratch_;
};

}  // namespace klp::source
