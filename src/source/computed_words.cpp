// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
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

// A word before a slash is of a folder's name, wherever the text is put; so is all that the word expands to.
bool is_before_slash(std::string_view text, std::string_view word) {
    const auto begin = static_cast<std::size_t>(word.data() - text.data());
    std::size_t at = begin + word.size();
    while (at < text.size() && is_gap(text[at])) ++at;
    const std::string_view rest = text.substr(at);
    return rest.starts_with('/') && !rest.starts_with("/*") && !rest.starts_with("//");
}

// What a definition (the text behind a macro's name) leaves of itself where it is expanded: no parameters.
std::vector<std::string> parts_of_definition(std::string_view text) {
    const std::size_t end = text.starts_with('(') ? text.find(')') : std::string_view::npos;
    if (end == std::string_view::npos) return name_parts(text);
    const auto parameters = words_of(text.substr(0, end));
    auto parts = name_parts(text.substr(end));
    std::erase_if(parts, [&](const std::string& part) {
        return std::ranges::find(parameters, word_of_part(part)) != parameters.end();
    });
    return parts;
}

const Words& trace_names() {
    static const Words names = {"TRACE_INCLUDE_FILE", "TRACE_INCLUDE_PATH", "TRACE_SYSTEM"};
    return names;
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

std::vector<std::string> name_parts(std::string_view text) {
    std::vector<std::string> parts;
    for (const std::string_view word : words_of(text)) {
        if (is_before_slash(text, word)) continue;
        const auto begin = static_cast<std::size_t>(word.data() - text.data());
        const char before = begin == 0 ? '\0' : text[begin - 1];
        parts.push_back(before == '-' || before == '.' ? before + std::string(word) : std::string(word));
    }
    if (text.find(IncludeIndex::pasting) != std::string_view::npos) parts.emplace_back(IncludeIndex::pasting);
    return parts;
}

bool is_trace_name(std::string_view macro) {
    return trace_names().contains(macro);
}

bool names_itself(std::string_view path, std::string_view text) {
    std::map<std::string, Words, std::less<>> values;
    for (const MacroDefinition& definition : find_definitions(text, trace_names()))
        values[std::string(definition.name)].emplace(trimmed(definition.text));
    auto& names = values["TRACE_INCLUDE_FILE"];
    if (names.erase("TRACE_SYSTEM") != 0 || names.empty()) names.merge(values["TRACE_SYSTEM"]);
    const fs::path file(path);
    if (file.extension() != ".h" || names != Words{file.stem().string()}) return false;
    const Words& folders = values["TRACE_INCLUDE_PATH"];
    if (folders.size() > 1) return false;
    std::string_view folder = folders.empty() ? std::string_view("trace/events") : *folders.begin();
    if (folder == ".") return true;
    while (folder.ends_with('/')) folder.remove_suffix(1);
    return ends_with_path(file.parent_path().string(), folder);
}

std::string_view word_of_part(std::string_view part) {
    return part.substr(part.starts_with('-') || part.starts_with('.') ? 1 : 0);
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

void add_parts(IncludeIndex::Files& files, const std::map<std::string, std::vector<std::string>>& expressions,
               const DefinitionSource& definitions) {
    std::map<std::string, Words> brought;
    Words wanted;
    for (const auto& [path, texts] : expressions) {
        files[path].has_computed = true;
        for (const auto& text : texts) {
            for (const std::string& part : name_parts(text)) {
                if (part != IncludeIndex::pasting) wanted.emplace(word_of_part(part));
                brought[path].insert(part);
            }
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
            for (const std::string& part : is_option ? name_parts(text) : parts_of_definition(text)) {
                brought[path].insert(part);
                if (part != IncludeIndex::pasting) next.emplace(word_of_part(part));
            }
        });
        asked.merge(wanted);
        std::erase_if(next, [&](const std::string& word) { return asked.contains(word); });
        wanted = std::move(next);
    }
    for (auto& [path, parts] : brought) files[path].parts.assign(parts.begin(), parts.end());
}

}  // namespace klp::source
