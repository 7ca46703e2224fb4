// SPDX-License-Identifier: GPL-2.0-or-later
// Names that lead to another function or variable than they did: who refers to one by such a name, in another file or
// module, is linked already.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "diff/names.hpp"
#include "diff/refuse.hpp"

namespace klp::diff {

namespace {

bool may_be_an_alias(const Piece& piece, const elf::Symbol& symbol) {
    const bool has_object = piece.is_any_code() || piece.role == Role::data || piece.role == Role::constant;
    return has_object && !symbol.is_local() && symbol.value == piece.range.begin &&
           !is_device_table_alias(symbol.name) && symbol.name != "init_module" && symbol.name != "cleanup_module";
}

std::map<std::string_view, const Piece*> pieces_by_name(const Decomposition& object) {
    std::map<std::string_view, const Piece*> pieces;
    for (const Piece& piece : object.pieces())
        for (const elf::Symbol* symbol : piece.symbols)
            if (may_be_an_alias(piece, *symbol)) pieces.emplace(symbol->name, &piece);
    return pieces;
}

// Of what the name is another one; empty: it is the only one.
std::string other_name(const Piece& piece, std::string_view name) {
    const auto other = std::ranges::find_if(
        piece.symbols, [&](const elf::Symbol* each) { return each->name != name && each->value == piece.range.begin; });
    return other == piece.symbols.end() ? std::string() : (*other)->name;
}

std::string in_words(const std::string& other) {
    return other.empty() ? "something of its own" : fmt::format("another name of '{}'", other);
}

}  // namespace

void refuse_other_aliases(const Changes& changes, Diagnostics& diagnostics) {
    const Correlation& pairs = changes.pairs();
    const auto before = pieces_by_name(pairs.original());
    for (const auto& [name, piece] : pieces_by_name(pairs.patched())) {
        const auto found = before.find(name);
        if (found == before.end() || pairs.original_of(*piece) == found->second) continue;
        const Piece& original = *found->second;
        const std::string was = other_name(original, name), is = other_name(*piece, name);
        if ((was.empty() && is.empty()) || original.role != piece->role) continue;
        diagnostics
            .error("diff.alias", pairs.patched().where(*piece),
                   fmt::format("'{}' is {}, was {}: other files and modules go on with what it was", name, in_words(is),
                               in_words(was)))
            .hint(
                "leave the names as they are, and change the function that this one leads to, or write a new "
                "function that calls what is wanted and change the callers");
    }
}

}  // namespace klp::diff
