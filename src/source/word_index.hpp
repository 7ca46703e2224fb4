// SPDX-License-Identifier: GPL-2.0-or-later
// Which files of a source tree have which words: checksums of all identifiers outside of comments, a file each. Two
// words with the same checksum make a file too many, never one too few.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"

namespace klp::source {

using WordSum = std::uint32_t;
[[nodiscard]] WordSum word_sum(std::string_view word) noexcept;

// Of identifiers outside of comments (those in literals count), each once, in order.
[[nodiscard]] std::vector<WordSum> word_sums(std::string_view source);

class WordIndex {
public:
    // As text() of another one. Error: it is not.
    explicit WordIndex(std::string text);
    // `locate`: where a file of `paths` is.
    [[nodiscard]] static WordIndex of(const std::vector<std::string>& paths,
                                      const std::function<fs::path(const std::string&)>& locate, unsigned jobs);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    // Paths, in order; those of files with at least one of `words`.
    [[nodiscard]] std::vector<std::string> files_with(const std::set<WordSum>& words) const;

private:
    std::string text_;
};

}  // namespace klp::source
