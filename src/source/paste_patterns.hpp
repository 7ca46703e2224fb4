// SPDX-License-Identifier: GPL-2.0-or-later
// Names that macros make of pieces (##), which no search for words finds.
//
// What a macro makes is known as far as its own pieces go: `#define USE(x) use_##x()` makes `use_*`. The rest is in the
// code that calls it: `USE(it)` makes `use_it`.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "source/word_index.hpp"

namespace klp::source {

// What the stars of a pattern, which stand for any text each, have to be for it to be `name`: all ways, up to a few
// hundred. None: it cannot be.
[[nodiscard]] std::vector<std::vector<std::string>> pattern_fillings(std::string_view name, std::string_view pattern);

struct PastePatterns {
    struct Maker {
        std::string pattern;
        std::string macro;  // that makes it
        std::string file;   // that defines it
        auto operator<=>(const Maker&) const = default;
    };
    std::vector<Maker> makers;  // in order

    [[nodiscard]] std::string text() const;
    [[nodiscard]] static PastePatterns parse(std::string_view text);
};

// Of the files that `index` has. `read`: the text of one.
[[nodiscard]] PastePatterns find_paste_patterns(const WordIndex& index,
                                                const std::function<std::string(const std::string&)>& read,
                                                unsigned jobs);

}  // namespace klp::source
