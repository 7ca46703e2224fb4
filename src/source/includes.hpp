// SPDX-License-Identifier: GPL-2.0-or-later
// Who includes whom in a source tree, read off the `#include` lines. Conditions are not evaluated and include
// paths not known, so that it says "may include": nothing that does include a file is missed.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.hpp"
#include "kernel/kernel.hpp"
#include "source/source_tree.hpp"

namespace klp::source {

// The text between the quotes of an `#include` line, with the quotes: `"internal.h"`, `<linux/mm.h>`.
[[nodiscard]] std::vector<std::string_view> find_includes(std::string_view source);

class IncludeIndex {
public:
    // By path: the includes of each file.
    using Files = std::map<std::string, std::vector<std::string>, std::less<>>;
    explicit IncludeIndex(Files files) : files_(std::move(files)) {}
    IncludeIndex(IncludeIndex&&) = default;
    IncludeIndex& operator=(IncludeIndex&&) = default;

    // All C files and headers of some trees, which are seen as one. Documentation, tools and samples are no part
    // of a kernel.
    [[nodiscard]] static IncludeIndex scan(const std::vector<fs::path>& trees, unsigned jobs);

    // Overrides what the tree says: a patch may add an include line.
    void replace(const std::string& path, std::string_view text);

    [[nodiscard]] const Files& files() const noexcept { return files_; }
    // What answers questions about .c files: includes of those, and of headers that include some.
    [[nodiscard]] IncludeIndex of_c_files() const;
    // All .c and .S files that may include `path`, themselves or by way of others. Translation units are not told
    // from .c files that are only included.
    [[nodiscard]] std::set<std::string> sources_reaching(const std::string& path) const;

private:
    // An include line, by the last component of what it names. The text belongs to `files_`.
    struct IncludeLine {
        std::string_view includer;
        std::string_view include;
    };
    using LinesByName = std::unordered_map<std::string_view, std::vector<IncludeLine>>;
    [[nodiscard]] LinesByName lines_by_name() const;
    [[nodiscard]] bool may_mean(const IncludeLine& line, const std::string& path) const;

    Files files_;
};

// The part of the index that each build asks for: includes of .c files. Scanned once a kernel, then kept in
// its cache folder.
[[nodiscard]] IncludeIndex included_c_files(const kernel::Kernel& kernel, const SourceTree& tree, unsigned jobs);
// The whole index, kept likewise.
[[nodiscard]] IncludeIndex all_includes(const kernel::Kernel& kernel, const SourceTree& tree, unsigned jobs);

}  // namespace klp::source
