// SPDX-License-Identifier: GPL-2.0-or-later
// Who may include whom in a source tree, read off the text. Conditions are not evaluated and include paths not known,
// so that nothing that does include a file is missed; whether it does is for the compiler to say (dependencies.hpp).
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/derived.hpp"
#include "base/file.hpp"
#include "kernel/kernel.hpp"
#include "source/source_tree.hpp"

namespace klp::source {

// What is read off one file.
struct FileIncludes {
    std::vector<std::string>
        names;  // between the quotes of `#include` lines, with them: `"internal.h"`, `<linux/mm.h>`
    std::vector<std::string> computed;  // what stands there instead: `TRACE_INCLUDE(TRACE_INCLUDE_FILE)`
};
[[nodiscard]] FileIncludes find_includes(std::string_view source);

// The words (C identifiers and numbers) of a text, in order.
[[nodiscard]] std::vector<std::string_view> words_of(std::string_view text);

// Words that can be of the last part of a path, where the text is put into it; none of folders' names. One that follows
// '-' or '.' directly has that before it: it does so wherever it is put. With IncludeIndex::pasting where the text
// pastes.
[[nodiscard]] std::vector<std::string> name_parts(std::string_view text);
[[nodiscard]] std::string_view word_of_part(std::string_view part);

// Sources that may include a .c file, by its path.
using IncludedCFiles = std::map<std::string, std::set<std::string>, std::less<>>;

class IncludeIndex {
public:
    struct File {
        std::vector<std::string> names;
        // name_parts() that the file can bring into the name that a computed include means, whoever has that: those of
        // its own computed includes, and of definitions of macros that can be involved.
        std::vector<std::string> parts;
        bool has_computed = false;  // a computed include
    };
    // Its `names` are included by all units, as the options of compilers say (-include), its `parts` come
    // from options that define macros (-D).
    static constexpr std::string_view command_line{};  // the empty path
    // The part of those who bring a text that pastes words.
    static constexpr std::string_view pasting = "##";

    using Files = std::map<std::string, File, std::less<>>;
    explicit IncludeIndex(Files files);
    ~IncludeIndex();
    IncludeIndex(IncludeIndex&&) noexcept;
    IncludeIndex& operator=(IncludeIndex&&) noexcept;

    // All C files and headers of some trees, which are seen as one. Documentation and tools are no part of a kernel,
    // nor is arch/OTHER where nothing of arch/`source_arch` leads there.
    [[nodiscard]] static IncludeIndex scan(const std::vector<fs::path>& trees, std::string_view source_arch,
                                           unsigned jobs);
    // With some files added, or in the place of those that the trees have.
    [[nodiscard]] IncludeIndex with(const std::map<std::string, std::string>& texts) const;

    [[nodiscard]] const Files& files() const noexcept;
    // All .c and .S files, and templates of such (.uc), that may include `path`, themselves or by way of others.
    // Translation units are not told from .c files that are only included.
    [[nodiscard]] std::set<std::string> sources_reaching(const std::string& path) const;
    // Of several files.
    [[nodiscard]] std::set<std::string> sources_reaching(const std::set<std::string>& paths) const;
    [[nodiscard]] IncludedCFiles included_c_files() const;

private:
    class Graph;
    std::unique_ptr<Graph> graph_;
};

// What was read off a tree, kept in the kernel's cache folder. Another tree, or one that was configured otherwise, is
// not what was read.
[[nodiscard]] DerivedFile kept_of_tree(std::string_view kind, const kernel::Kernel& kernel, const SourceTree& tree);

// What each build asks for. Scanned once a kernel, then kept in its cache folder.
[[nodiscard]] IncludedCFiles included_c_files(const kernel::Kernel& kernel, const SourceTree& tree, unsigned jobs);
// The whole index, kept likewise. `added`: files that are not in the tree, or have other text, with their text.
[[nodiscard]] IncludeIndex all_includes(const kernel::Kernel& kernel, const SourceTree& tree, unsigned jobs,
                                        const std::map<std::string, std::string>& added);

}  // namespace klp::source
