// SPDX-License-Identifier: GPL-2.0-or-later
// The units of this kernel that patched headers reach: the text of the tree says which may include them, the compiler
// which do, and what the preprocessor makes of both sides, which of these notice.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "source/dependencies.hpp"
#include "source/includes.hpp"
#include "source/inventory.hpp"
#include "source/overlay.hpp"
#include "source/touched_names.hpp"
#include "source/units.hpp"

namespace klp::source {

class HeaderReach {
public:
    HeaderReach(const kernel::Kernel& kernel, const kernel::Kbuild& kbuild, const SourceTree& tree,
                const PatchedFiles& files, const SelectionOptions& options, const Inventory& inventory,
                const Dependencies& dependencies)
        : kernel_(kernel),
          kbuild_(kbuild),
          tree_(tree),
          files_(files),
          options_(options),
          inventory_(inventory),
          dependencies_(dependencies) {}

    struct Result {
        std::map<std::string, TranslationUnit> units;
        std::vector<TranslationUnit> watched;
        std::set<std::string> unknown;  // may include one, but what they are made into cannot be compared
        std::set<std::string> hosts;    // programs of the build that may include one
        std::set<std::string> tools;    // of scripts/, made when the tree was prepared, that may include one
        std::size_t candidates = 0;     // sources that may include one, units or not
        std::set<std::string> unused;   // headers in which nothing changes that a source uses
        std::size_t unaffected = 0;     // units that include one, and use nothing of what changes
        bool is_cut_short = false;      // more units than are allowed
        std::size_t asked = 0;          // candidates, until it was cut short

        // From those of the candidates that were asked.
        [[nodiscard]] std::size_t estimated_units() const {
            return asked == 0 ? units.size() : units.size() * candidates / asked;
        }
    };
    // `headers`: paths of patched files, `known`: units that are compiled anyway. Error: kbuild or the compiler does
    // not answer.
    [[nodiscard]] Result find(const std::vector<std::string>& headers,
                              const std::map<std::string, TranslationUnit>& known);

private:
    enum class Side { original, patched };

    // Sources that may include one of `headers`, which the unpatched tree has, and in which something changes that may
    // matter to them.
    [[nodiscard]] std::set<std::string> candidates(const IncludeIndex& index, const std::vector<std::string>& headers);

    [[nodiscard]] bool are_new_declarations(const NameSet& names, const PatchedFile& file,
                                            const IncludeIndex& index) const;

    // Units that include a patched header, until it is known whether they notice.
    struct Reached {
        TranslationUnit unit;
        Inventory::Use use{};
        std::string code;  // as in Dependencies::Answer
    };

    void ask_all(const std::vector<std::string>& sources, const std::vector<std::string>& headers, Side side);
    struct Part {
        std::size_t begin = 0;
        std::size_t all = 0;
    };
    void ask_some(std::span<const std::string> sources, const std::vector<std::string>& headers, Side side, Part part);
    void ask(const std::string& source, const std::vector<std::string>& headers, Side side);
    [[nodiscard]] std::optional<TranslationUnit> look_up(const std::string& source,
                                                         const Inventory::Place& place) const;
    [[nodiscard]] Dependencies::Answer dependencies_of(const TranslationUnit& unit, Side side) const;
    void add_affected();
    [[nodiscard]] bool is_unaffected(const Reached& reached) const;
    [[nodiscard]] bool mentions_none(const Dependencies::Answer& answer, const std::vector<std::string>& headers) const;
    void add(TranslationUnit unit, Inventory::Use use);
    void report_progress(std::size_t done, std::size_t all);

    const kernel::Kernel& kernel_;
    const kernel::Kbuild& kbuild_;
    const SourceTree& tree_;
    const PatchedFiles& files_;
    const SelectionOptions& options_;
    const Inventory& inventory_;
    const Dependencies& dependencies_;
    std::mutex lock_;
    Result result_;
    std::vector<Reached> reached_;
    std::optional<Overlay> patched_;  // the tree, from the first reached units on
    std::set<std::string> noticed_;   // headers that a unit is affected by
    // By header, where only units that mention one of these words can be affected.
    std::map<std::string, std::vector<WordSum>> words_;
    std::size_t known_ = 0;
    std::atomic<bool> is_cut_short_ = false;
    std::atomic<std::size_t> asked_ = 0;  // candidates
    std::chrono::steady_clock::time_point began_, reported_;
    struct Failure {
        std::string source;
        Error error;
    };
    std::optional<Failure> failure_;  // to ask about a candidate: of several the first by name
};

}  // namespace klp::source
