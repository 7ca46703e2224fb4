// SPDX-License-Identifier: GPL-2.0-or-later
// The sources that may use some names of headers, read off the text of the tree: those that mention one, or a name
// whose item in a header mentions one, and so on. Who is not among them compiles to what it was when those names
// change their meaning, whichever headers it includes.
//
// A name that a macro pastes of pieces (##) is found where the source, or the item of a header, that calls the macro
// has the pieces. Pieces that stand in different macros are not put together.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "source/apply.hpp"
#include "source/c_items.hpp"
#include "source/includes.hpp"
#include "source/paste_patterns.hpp"
#include "source/source_tree.hpp"
#include "source/touched_names.hpp"
#include "source/word_index.hpp"

namespace klp::source {

class NameUsers {
public:
    // Reads the whole tree once a kernel; what is found is kept.
    NameUsers(const kernel::Kernel& kernel, const SourceTree& tree, const IncludeIndex& includes,
              const PatchedFiles& files, unsigned jobs);

    // nullopt: so many names come together that nothing is gained.
    [[nodiscard]] std::optional<std::set<std::string>> find(const NameSet& names);

private:
    struct Item {
        CItem::Kind kind;
        std::vector<std::string> names;
        NameSet mentioned;
    };
    struct Search {
        NameSet names;                   // all that carry the change
        NameSet fresh;                   // whose users are still to be found
        std::set<std::string> users;     // sources
        std::set<std::string> carriers;  // included files, of which all that include them are users
    };

    [[nodiscard]] fs::path locate(const std::string& path) const;
    [[nodiscard]] const std::vector<Item>& items_of(const std::string& path);
    void add_made_by_pasting(const NameSet& fresh, Search& search);
    void add_user(const std::string& path, Search& search) const;
    static void add_item(const Item& item, const std::string& path, Search& search);
    void look_through(const std::string& path, const NameSet& fresh, Search& search);

    const SourceTree& tree_;
    const IncludeIndex& includes_;
    const PatchedFiles& files_;
    IncludedCFiles included_;
    std::optional<WordIndex> words_;
    PastePatterns pasted_;
    std::map<std::string, std::vector<Item>> items_;  // by path
};

}  // namespace klp::source
