// SPDX-License-Identifier: GPL-2.0-or-later
// The files that the compilation of a unit reads, as the compiler says, and what the preprocessor makes of them.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/derived.hpp"
#include "kernel/kbuild.hpp"
#include "kernel/kernel.hpp"
#include "source/source_tree.hpp"
#include "source/word_index.hpp"

namespace klp::source {

class Dependencies {
public:
    // By their paths in the tree, without links and `..`; files outside of it by their absolute paths.
    using Files = std::set<std::string, std::less<>>;

    Dependencies(const kernel::Kernel& kernel, const kernel::Kbuild& kbuild, const SourceTree& tree);

    struct Answer {
        Files files;
        // A checksum of live_code(): with the same one, the unit is compiled to the same code and data. Empty where
        // it is not known, as of assembly.
        std::string code;
        std::vector<WordSum> words;  // live_words()
    };

    // What was kept of an earlier answer for this object, by its path; nullopt where there is none, or where one of the
    // files has been touched since.
    [[nodiscard]] std::optional<Answer> kept(const std::string& object) const;
    // Asks the compiler. May be called for several at once. Error: it does not come to an end, for instance because a
    // file is not there.
    [[nodiscard]] Answer ask(const std::string& object, const kernel::CompileCommand& command) const;
    // The same of a patched tree, of which nothing is kept. `root` stands for the source tree.
    [[nodiscard]] Answer ask_patched(const kernel::CompileCommand& command, const fs::path& root) const;

private:
    [[nodiscard]] DerivedFile entry(const std::string& object) const;
    [[nodiscard]] Answer run_compiler(const kernel::CompileCommand& command, const fs::path& root) const;
    void read_code(Answer& answer, const fs::path& preprocessed, const fs::path& root) const;
    void add_name(Files& files, const fs::path& file, const fs::path& root) const;
    [[nodiscard]] std::string name_of(const fs::path& file, const fs::path& root) const;
    [[nodiscard]] std::string state_of(const std::string& name) const;
    [[nodiscard]] std::string states_digest(const Files& files) const;

    const kernel::Kernel& kernel_;
    const kernel::Kbuild& kbuild_;
    const SourceTree& tree_;
    std::string identity_;
    TempDir scratch_;
    mutable std::mutex lock_;
    mutable std::map<std::string, std::string> names_;   // by absolute path
    mutable std::map<std::string, std::string> states_;  // by name
};

}  // namespace klp::source
