// SPDX-License-Identifier: GPL-2.0-or-later
// Compiles the two sides of a translation unit: the tree's own and the patched one.
#pragma once

#include <string>

#include "base/file.hpp"
#include "elf/object.hpp"
#include "kernel/kbuild.hpp"
#include "source/object_cache.hpp"
#include "source/overlay.hpp"
#include "source/source_tree.hpp"
#include "source/units.hpp"

namespace klp::source {

class UnitCompiler {
public:
    UnitCompiler(const kernel::Kernel& kernel, const kernel::Kbuild& kbuild, const SourceTree& tree,
                 const Overlay& overlay);

    // Both may be called for several units at once. Error: the compiler's messages (ExitCode::error).
    [[nodiscard]] elf::Object original(const TranslationUnit& unit) const;  // from the cache where it is there
    [[nodiscard]] elf::Object patched(const TranslationUnit& unit) const;

private:
    struct Side {
        fs::path directory;  // to compile in
        fs::path sources;    // that take the place of the source tree's
        std::string name;    // "original" or "patched", for file names and messages
    };
    struct Compiled {
        fs::path object;
        std::vector<std::string> dependencies;  // relative to the side's directory, or absolute
    };
    [[nodiscard]] Compiled compile(const TranslationUnit& unit, const Side& side) const;
    [[nodiscard]] std::string cache_key(const TranslationUnit& unit) const;

    const kernel::Kbuild& kbuild_;
    const SourceTree& tree_;
    const Overlay& overlay_;
    ObjectCache cache_;
    TempDir scratch_;
};

}  // namespace klp::source
