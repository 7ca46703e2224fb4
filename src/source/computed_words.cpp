// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>

#include "base/error.hpp"
#include "source/include_scan.hpp"

namespace klp::source {
namespace {

using Words = std::set<std::string, std::less<>>;

bool is_word_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_gap(char c) {
    return c == ' ' || c == '\t';
}

std::string_view word_at(std::string_view text, std::size_t at) {
    std::size_t end = at;
    while (end < text.size() && is_word_character(text[end])) ++end;
    return text.substr(at, end - at);
}

// To the end of the line that a backslash does not continue.
std::size_t end_of_logical_line(std::string_view text, std::size_t at) {
    for (;;) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::size_t last = end > 0 && text[end - 1] == '\r' ? end - 2 : end - 1;
        if (end == text.size() || end == 0 || last >= text.size() || text[last] != '\\') return end;
        at = end + 1;
    }
}

bool follows_a_hash(std::string_view source, std::size_t at) {
    while (at > 0 && is_gap(source[at - 1])) --at;
    if (at == 0 || source[at - 1] != '#') return false;
    for (--at; at > 0 && is_gap(source[at - 1]);) --at;
    return at == 0 || source[at - 1] == '\n';
}

// A text with one of these makes no name of a file, whatever it is put into: bodies of functions, expressions.
bool can_be_of_name(std::string_view text) {
    return text.find_first_of("{};=?[]&|!~^%*@") == std::string_view::npos;
}

// What a definition (the text behind a macro's name) leaves of itself where it is expanded: no parameters.
std::vector<std::string_view> words_of_definition(std::string_view text) {
    const std::size_t end = text.starts_with('(') ? text.find(')') : std::string_view::npos;
    if (end == std::string_view::npos) return words_of(text);
    const auto parameters = words_of(text.substr(0, end));
    auto words = words_of(text.substr(end));
    std::erase_if(words,
                  [&](std::string_view word) { return std::ranges::find(parameters, word) != parameters.end(); });
    return words;
}

// Definitions come from words of earlier ones, which comes to an end after a dozen rounds.
constexpr int most_rounds = 50;

}  // namespace

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    for (std::size_t at = 0; at < text.size();) {
        const auto word = word_at(text, at);
        if (!word.empty()) words.push_back(word);
        at += std::max<std::size_t>(word.size(), 1);
    }
    return words;
}

std::vector<MacroDefinition> find_definitions(std::string_view source, const Words& wanted) {
    static constexpr std::string_view word = "define";
    std::vector<MacroDefinition> found;
    for (auto at = klp::find(as_bytes(source), as_bytes(word)); at;
         at = klp::find(as_bytes(source), as_bytes(word), *at + word.size())) {
        std::size_t begin = *at + word.size();
        if (begin == source.size() || !is_gap(source[begin])) continue;
        while (begin < source.size() && is_gap(source[begin])) ++begin;
        const auto name = word_at(source, begin);
        if (!wanted.contains(name) || !follows_a_hash(source, *at)) continue;
        begin += name.size();
        found.push_back({name, std::string(source.substr(begin, end_of_logical_line(source, begin) - begin))});
    }
    return found;
}

MakefileOptions find_options(std::string_view makefile, const Words& wanted) {
    MakefileOptions options;
    std::vector<std::string_view> words;
    for (std::size_t at = 0; at < makefile.size();) {
        const std::size_t begin = makefile.find_first_not_of(" \t\n", at);
        if (begin == std::string_view::npos) break;
        const std::size_t end = std::min(makefile.find_first_of(" \t\n", begin), makefile.size());
        words.push_back(makefile.substr(begin, end - begin));
        at = end;
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] == "-include" && i + 1 < words.size()) {
            std::string_view name = words[i + 1];
            if (const std::size_t variable = name.rfind(")/"); variable != name.npos) name.remove_prefix(variable + 2);
            if (name.find('$') == name.npos) options.included.emplace_back(name);
        }
        const std::size_t define = words[i].find("-D");
        if (define == std::string_view::npos) continue;
        const auto name = word_at(words[i], define + 2);
        if (wanted.contains(name))
            options.definitions.push_back({name, std::string(words[i].substr(define + 2 + name.size()))});
    }
    return options;
}

void add_words(IncludeIndex::Files& files, const std::map<std::string, std::vector<std::string>>& expressions,
               const DefinitionSource& definitions) {
    std::map<std::string, Words> brought;
    Words wanted;
    for (const auto& [path, texts] : expressions) {
        files[path].has_computed = true;
        for (const auto& text : texts) {
            const auto words = words_of(text);
            wanted.insert(words.begin(), words.end());
            brought[path].insert(words.begin(), words.end());
        }
    }
    Words asked;
    for (int round = 0; !wanted.empty(); ++round) {
        if (round == most_rounds)
            throw Error("what computed includes mean cannot be found out: their macros have no end");
        Words next;
        definitions(wanted, [&](const std::string& path, const MacroDefinition& definition) {
            const bool is_option = path == IncludeIndex::command_line && definition.text.starts_with('=');
            const std::string_view text = std::string_view(definition.text).substr(is_option ? 1 : 0);
            if (!can_be_of_name(text)) return;
            for (const auto word : is_option ? words_of(text) : words_of_definition(text)) {
                brought[path].emplace(word);
                next.emplace(word);
            }
        });
        asked.merge(wanted);
        std::erase_if(next, [&](const std::string& word) { return asked.contains(word); });
        wanted = std::move(next);
    }
    for (auto& [path, words] : brought) files[path].words.assign(words.begin(), words.end());
}

}  // namespace klp::source
