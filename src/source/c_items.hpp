// SPDX-License-Identifier: GPL-2.0-or-later
// The file-scope items of a header, read off its text: which names each of them introduces, and which it mentions.
//
// Macros are not expanded and conditions not evaluated. Whatever is not plain C to this reader (an item that a macro
// makes, assembly, braces that conditions open twice) is an unknown item: who asks has to take it for one that can
// matter to all that include the header.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace klp::source {

struct CItem {
    enum class Kind {
        macro,        // #define, #undef
        include,      // #include
        declaration,  // makes no code in units that do not mention one of its names
        inert,        // means nothing to code, wherever it is: #error, a static assertion
        unknown,
    };
    Kind kind = Kind::unknown;
    std::string conditions;          // the #if lines in force
    std::string text;                // of comments and runs of blanks, one blank is left
    std::vector<std::string> names;  // at file scope, of a macro or declaration: tags and enumerators, too
};

// In the order of the text.
[[nodiscard]] std::vector<CItem> c_items(std::string_view header);

}  // namespace klp::source
