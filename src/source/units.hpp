// SPDX-License-Identifier: GPL-2.0-or-later
// The translation units that a set of patched files changes.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/diagnostics.hpp"
#include "base/progress.hpp"
#include "kernel/kbuild.hpp"
#include "kernel/kernel.hpp"
#include "source/apply.hpp"
#include "source/dependencies.hpp"
#include "source/inventory.hpp"
#include "source/source_tree.hpp"

namespace klp::source {

struct TranslationUnit {
    std::string source;  // path in the tree, without `..`
    kernel::CompileCommand command;
    std::vector<std::string> objects;     // that have it: "vmlinux", or one or more modules
    std::vector<std::string> reached_by;  // patched files that it includes; empty where it is itself among them
    bool is_new = false;                  // the patch adds its file: an empty one stands for the original
};

struct Selection {
    std::vector<TranslationUnit> units;  // in the order of their paths
    // Reached by patched headers, but nothing that a livepatch can replace (assembly, the vDSO, numbers for assembly):
    // their objects must come out as they were. They are of no object.
    std::vector<TranslationUnit> watched;
    // Sources of programs in scripts/, made when the tree was prepared, which may include a patched header.
    std::set<std::string> tools;
    std::set<std::string> unused;  // headers in which nothing changes that a unit of this kernel uses
    std::vector<std::string> notes;
};

struct SelectionOptions {
    unsigned jobs = 0;
    unsigned max_units = 0;  // that patched headers may reach
    Progress progress;
};

class UnitSelector {
public:
    UnitSelector(const kernel::Kernel& kernel, const kernel::Kbuild& kbuild, const SourceTree& tree,
                 const PatchedFiles& files, SelectionOptions options);

    // Findings (`build.*`) for each changed file that cannot be part of a livepatch. Files that are nothing to this
    // kernel are notes where anything else is left, and findings otherwise.
    [[nodiscard]] Selection select(Diagnostics& diagnostics);

private:
    struct Candidate {
        std::string source;
        std::optional<TranslationUnit> unit;  // none: not in this kernel, for…
        std::string why_not;                  // …this reason
    };
    // A file that is nothing to this kernel, and the finding that this is where nothing else is left.
    struct Skipped {
        std::string path;
        std::string id;
        std::string message;
        std::string reason;
    };
    enum class Role { none, c_source, header };

    [[nodiscard]] Role role_of(const PatchedFile& file, Diagnostics& diagnostics);
    [[nodiscard]] Role role_of_text(const PatchedFile& file, Diagnostics& diagnostics);
    [[nodiscard]] Role role_of_refused(const PatchedFile& file, Diagnostics& diagnostics);
    [[nodiscard]] bool is_usable_c_file(const PatchedFile& file, Diagnostics& diagnostics);
    [[nodiscard]] bool adds_new_objects_alone(const PatchedFile& makefile) const;
    [[nodiscard]] bool is_named_by_patched_makefile(const std::string& source) const;
    void select_new_file(const PatchedFile& file, Diagnostics& diagnostics);
    [[nodiscard]] bool changes_nothing_built(const PatchedFile& file) const;
    void skip(const std::string& path, std::string_view reason);
    [[nodiscard]] Candidate look_up(const std::string& source) const;
    [[nodiscard]] Candidate look_up_object(const std::string& source, const std::string& object) const;
    void select_c_files(const std::vector<const PatchedFile*>& files, Diagnostics& diagnostics);
    void select_c_file(const PatchedFile& file, const std::vector<std::string>& includers, Diagnostics& diagnostics);
    void add_headers(const std::vector<const PatchedFile*>& headers, Selection& selection, Diagnostics& diagnostics);
    void report_skipped(Selection& selection, Diagnostics& diagnostics);

    const kernel::Kernel& kernel_;
    const kernel::Kbuild& kbuild_;
    const SourceTree& tree_;
    const PatchedFiles& files_;
    SelectionOptions options_;
    Inventory inventory_;
    Dependencies dependencies_;
    std::map<std::string, TranslationUnit> units_;
    std::vector<std::string> notes_;
    std::vector<Skipped> skipped_;
};

// What Kbuild says of an object, as a unit; nullopt where it is not made from one C file that the kernel has.
[[nodiscard]] std::optional<TranslationUnit> unit_of(const std::string& source, kernel::CommandAnswer answer);

}  // namespace klp::source
