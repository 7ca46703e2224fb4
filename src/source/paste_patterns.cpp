// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/paste_patterns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "source/c_tokens.hpp"

namespace klp::source {
namespace {

constexpr int any_text = -1;
// The pieces of what is pasted: a parameter by its index, a literal, or any text.
struct Piece {
    int parameter = any_text;
    std::string literal;  // empty: not one
    auto operator<=>(const Piece&) const = default;
};
using Chain = std::vector<Piece>;

std::string pattern_of(const Chain& chain) {
    std::string pattern;
    for (const Piece& piece : chain) {
        if (!piece.literal.empty())
            pattern += piece.literal;
        else
            pattern += '*';
    }
    return pattern;
}

bool is_word(std::string_view token) {
    return is_c_identifier(token) || (!token.empty() && token.front() >= '0' && token.front() <= '9');
}

int parameter_index(const CMacro& macro, std::string_view token) {
    const auto found = std::ranges::find(macro.parameters, token);
    return found == macro.parameters.end() ? any_text : static_cast<int>(found - macro.parameters.begin());
}

Piece piece_of(const CMacro& macro, std::string_view token) {
    const int parameter = parameter_index(macro, token);
    if (parameter != any_text || token == "__VA_ARGS__") return {parameter, {}};
    return {any_text, std::string(token)};
}

bool pastes_behind(const CTokens& body, std::size_t i) {
    return i + 2 < body.size() && body[i] == "#" && body[i + 1] == "#";
}

// `a##b##c` in a macro's body. Pieces that are not words make no names.
std::vector<Chain> pasted_chains(const CMacro& macro) {
    std::vector<Chain> chains;
    for (std::size_t i = 0; i < macro.body.size();) {
        if (!pastes_behind(macro.body, i + 1)) {
            ++i;
            continue;
        }
        Chain chain = {piece_of(macro, macro.body[i])};
        bool is_name = is_word(macro.body[i]);
        for (++i; pastes_behind(macro.body, i); i += 3) {
            is_name &= is_word(macro.body[i + 2]);
            chain.push_back(piece_of(macro, macro.body[i + 2]));
        }
        if (is_name) chains.push_back(std::move(chain));
    }
    return chains;
}

// A name of three pieces that nothing is known of has about as many.
constexpr std::size_t most_fillings = 500;

void fill_pattern(std::string_view name, std::string_view pattern, std::vector<std::string>& filling,
                  std::vector<std::vector<std::string>>& found) {
    if (found.size() == most_fillings) return;
    const std::size_t star = pattern.find('*');
    if (star == std::string_view::npos) {
        if (name == pattern) found.push_back(filling);
        return;
    }
    if (!name.starts_with(pattern.substr(0, star))) return;
    name.remove_prefix(star);
    pattern.remove_prefix(star + 1);
    // Where this was the last star, there is one way.
    const bool is_last = pattern.find('*') == std::string_view::npos;
    if (is_last && !name.ends_with(pattern)) return;
    for (std::size_t size = is_last ? name.size() - pattern.size() : 0; size <= name.size(); ++size) {
        filling.emplace_back(name.substr(0, size));
        fill_pattern(name.substr(size), pattern, filling, found);
        filling.pop_back();
        if (is_last) return;
    }
}

}  // namespace

std::vector<std::vector<std::string>> pattern_fillings(std::string_view name, std::string_view pattern) {
    std::vector<std::vector<std::string>> found;
    std::vector<std::string> filling;
    fill_pattern(name, pattern, filling, found);
    return found;
}

std::string PastePatterns::text() const {
    std::string text;
    for (const Maker& maker : makers) text += fmt::format("{}\t{}\t{}\n", maker.pattern, maker.macro, maker.file);
    return text;
}

PastePatterns PastePatterns::parse(std::string_view text) {
    PastePatterns patterns;
    for (const std::string_view line : lines_of(text)) {
        const std::size_t first = line.find('\t');
        const std::size_t second = first == std::string_view::npos ? first : line.find('\t', first + 1);
        if (second == std::string_view::npos) throw Error("the list of what macros paste is damaged");
        patterns.makers.push_back({std::string(line.substr(0, first)),
                                   std::string(line.substr(first + 1, second - first - 1)),
                                   std::string(line.substr(second + 1))});
    }
    return patterns;
}

PastePatterns find_paste_patterns(const WordIndex& index, const std::function<std::string(const std::string&)>& read,
                                  unsigned jobs) {
    const std::vector<std::string> files = index.files_with(std::set{word_sum("##")});
    std::mutex lock;
    std::set<PastePatterns::Maker> makers;
    parallel_for(files.size(), jobs, [&](std::size_t i) {
        check_interrupted();
        for (const std::string& line : code_lines(read(files[i]))) {
            if (line.find("##") == std::string::npos) continue;
            const CMacro macro = parse_definition(line);
            for (const Chain& chain : pasted_chains(macro)) {
                const std::lock_guard guard(lock);
                makers.insert({pattern_of(chain), std::string(macro.name), files[i]});
            }
        }
    });
    return {{makers.begin(), makers.end()}};
}

}  // namespace klp::source
