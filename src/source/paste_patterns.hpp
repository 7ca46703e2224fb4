// SPDX-License-Identifier: GPL-2.0-or-later
// Names that macros make of pieces (##), which no search for words finds.
//
// What a macro makes is known as far as its own pieces go: `#define USE(x) use_##x()` makes `use_*`. A macro whose
// pieces are parameters alone (`#define PASTE(a, b) a##b`) makes what it is called with, in the macros and the code that
// call it.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "source/word_index.hpp"

namespace klp::source {

// `*` stands for any text in a pattern.
[[nodiscard]] bool matches_pattern(std::string_view name, std::string_view pattern);

struct PastePatterns {
    struct Maker {
        std::string pattern;
        std::string macro;  // that makes it; empty: the code of `file` does
        std::string file;   // that defines the macro
        auto operator<=>(const Maker&) const = default;
    };
    std::vector<Maker> makers;  // in order

    [[nodiscard]] std::string text() const;
    [[nodiscard]] static PastePatterns parse(std::string_view text);
};

// `read`: the text of a file; `files`: all that are searched for definitions; `index`: of their words.
[[nodiscard]] PastePatterns find_paste_patterns(const std::vector<std::string>& files, const WordIndex& index,
                                                const std::function<std::string(const std::string&)>& read,
                                                unsigned jobs);

}  // namespace klp::source
