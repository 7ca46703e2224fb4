// SPDX-License-Identifier: GPL-2.0-or-later
// The translation units that a set of patched files changes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostics.hpp"
#include "kernel/kbuild.hpp"
#include "kernel/kernel.hpp"
#include "source/apply.hpp"
#include "source/source_tree.hpp"

namespace klp::source {

struct TranslationUnit {
    std::string source;  // path in the tree, without `..`
    kernel::CompileCommand command;
    std::vector<std::string> objects;  // that have it: "vmlinux", or one or more modules
};

class UnitSelector {
public:
    UnitSelector(const kernel::Kernel& kernel, const kernel::Kbuild& kbuild, const SourceTree& tree,
                 const PatchedFiles& files, unsigned jobs)
        : kernel_(kernel), kbuild_(kbuild), tree_(tree), files_(files), jobs_(jobs) {}

    // In the order of their paths. Findings (`build.*`) for each changed file that cannot be part of a livepatch.
    [[nodiscard]] std::vector<TranslationUnit> select(Diagnostics& diagnostics);
    [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return notes_; }

private:
    struct Candidate {
        std::string source;
        std::optional<TranslationUnit> unit;  // none: not in this kernel, for…
        std::string why_not;                  // …this reason
        bool is_assembly = false;             // of this kernel, but nothing that could be compiled again
    };
    [[nodiscard]] bool is_usable(const PatchedFile& file, Diagnostics& diagnostics);
    [[nodiscard]] std::string source_arch() const;
    [[nodiscard]] Candidate look_up(const std::string& source) const;
    [[nodiscard]] Candidate look_up_object(const std::string& source, const std::string& object) const;
    [[nodiscard]] std::vector<Candidate> look_up_all(const std::vector<std::string>& sources) const;
    void select_c_files(const std::vector<const PatchedFile*>& files, Diagnostics& diagnostics);
    void check_headers(const std::vector<const PatchedFile*>& headers, Diagnostics& diagnostics);
    void check_header(const PatchedFile& header, const std::vector<std::string>& others, Diagnostics& diagnostics);

    const kernel::Kernel& kernel_;
    const kernel::Kbuild& kbuild_;
    const SourceTree& tree_;
    const PatchedFiles& files_;
    unsigned jobs_;
    std::map<std::string, TranslationUnit> units_;
    std::vector<std::string> notes_;
};

}  // namespace klp::source
