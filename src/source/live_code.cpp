// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/live_code.hpp"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/text.hpp"
#include "source/c_names.hpp"
#include "source/c_tokens.hpp"

namespace klp::source {
namespace {

// `#define NAME` or `#undef NAME`.
std::optional<std::string_view> macro_of(const CTokens& directive) {
    if (directive.size() < 3 || (directive[1] != "define" && directive[1] != "undef")) return std::nullopt;
    return directive[2];
}

// A part of the tokens, which ends with `;` or a function's body. A directive is one token.
struct FileItem {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool is_plain = true;  // no directive within
};

class FileItems {
public:
    // False: brackets do not match.
    [[nodiscard]] bool read(std::string_view text) {
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            if (!line(text.substr(at, end - at))) return false;
            at = end + 1;
        }
        return braces_ == 0 && others_ == 0 && begin_ == tokens.size();
    }

    CTokens tokens;
    std::vector<FileItem> items;

private:
    bool line(std::string_view text) {
        if (!text.starts_with('#')) {
            for (const std::string_view token : c_tokens(text))
                if (!add(token)) return false;
            return true;
        }
        // `# 12 "file"` says where the next line is from.
        const CTokens directive = c_tokens(text);
        if (directive.size() > 1 && !is_c_identifier(directive[1])) return true;
        if (macro_of(directive)) return true;
        is_plain_ = false;
        tokens.push_back(text);
        if (begin_ + 1 == tokens.size()) end_item();
        return true;
    }

    bool add(std::string_view token) {
        const bool is_top = braces_ == 0 && others_ == 0;
        if (token == "{" && is_top)
            in_function_ = opens_function({tokens.begin() + static_cast<std::ptrdiff_t>(begin_), tokens.end()},
                                          CText::preprocessed);
        tokens.push_back(token);
        if (token == "{") ++braces_;
        if (token == "}") --braces_;
        if (token == "(" || token == "[") ++others_;
        if (token == ")" || token == "]") --others_;
        if (braces_ < 0 || others_ < 0) return false;
        if (braces_ == 0 && others_ == 0 && (token == ";" || (token == "}" && in_function_))) end_item();
        return true;
    }

    void end_item() {
        items.push_back({begin_, tokens.size(), is_plain_});
        begin_ = tokens.size();
        is_plain_ = true;
        in_function_ = false;
    }

    int braces_ = 0;
    int others_ = 0;
    bool in_function_ = false;
    bool is_plain_ = true;
    std::size_t begin_ = 0;
};

// Marks the items that make something, and those that they mention, and so on.
class LiveItems {
public:
    explicit LiveItems(const FileItems& file) : file_(file), is_live_(file.items.size()) {
        for (std::size_t i = 0; i < file.items.size(); ++i) add(i);
        while (!waiting_.empty()) {
            const std::size_t next = waiting_.back();
            waiting_.pop_back();
            mention_tokens(file_.items[next]);
        }
    }

    [[nodiscard]] bool contains(std::size_t item) const { return is_live_[item] != 0; }

private:
    struct Name {
        bool is_mentioned = false;
        std::vector<std::size_t> items;
    };

    void add(std::size_t i) {
        const FileItem& item = file_.items[i];
        const CTokens tokens(file_.tokens.begin() + static_cast<std::ptrdiff_t>(item.begin),
                             file_.tokens.begin() + static_cast<std::ptrdiff_t>(item.end));
        // Behind a function.
        if (tokens.size() == 1 && tokens.front() == ";") return;
        if (item.is_plain && (tokens.front() == "_Static_assert" || tokens.front() == "static_assert")) return;
        if (is_forward_declaration(tokens)) return names_[tokens[1]].items.push_back(i);
        const auto names = item.is_plain ? declared_names(tokens, CText::preprocessed) : std::nullopt;
        if (!names) return make_live(i);
        for (const std::string& word : *names) {
            // That is a copy.
            names_[*std::ranges::find(tokens, word)].items.push_back(i);
        }
    }

    [[nodiscard]] static bool is_forward_declaration(const CTokens& tokens) {
        return tokens.size() == 3 && (tokens[0] == "struct" || tokens[0] == "union" || tokens[0] == "enum");
    }

    void make_live(std::size_t item) {
        if (is_live_[item] != 0) return;
        is_live_[item] = 1;
        waiting_.push_back(item);
    }

    void mention_tokens(const FileItem& item) {
        for (std::size_t i = item.begin; i < item.end; ++i) {
            const std::string_view token = file_.tokens[i];
            if (token.front() == '"' || token.front() == '#') {
                mention_words_in(std::string(token.substr(1)));
            } else if (is_c_identifier(token)) {
                mention(token);
            }
        }
    }

    // "\tname" mentions `name`.
    void mention_words_in(std::string text) {
        for (std::size_t at = text.find('\\'); at != std::string::npos; at = text.find('\\', at + 1))
            text.replace(at, std::min<std::size_t>(2, text.size() - at), "  ");
        for (const std::string_view word : c_tokens(text))
            if (is_c_identifier(word)) mention(word);
    }

    void mention(std::string_view word) {
        const auto name = names_.find(word);
        if (name == names_.end() || name->second.is_mentioned) return;
        name->second.is_mentioned = true;
        for (const std::size_t item : name->second.items) make_live(item);
    }

    const FileItems& file_;
    std::vector<char> is_live_;
    std::vector<std::size_t> waiting_;
    std::unordered_map<std::string_view, Name> names_;  // that items declare
};

}  // namespace

std::optional<std::string> live_code(std::string_view preprocessed) {
    FileItems file;
    if (!file.read(preprocessed)) return std::nullopt;
    const LiveItems live(file);
    std::string text;
    const char* behind_last = nullptr;
    for (std::size_t i = 0; i < file.items.size(); ++i) {
        if (!live.contains(i)) continue;
        for (std::size_t at = file.items[i].begin; at < file.items[i].end; ++at) {
            const std::string_view token = file.tokens[at];
            const bool is_directive = token.front() == '#';
            // `- -a` is not `--a`.
            if (token.data() != behind_last) text += is_directive ? '\n' : ' ';
            text += token;
            if (is_directive) text += '\n';
            behind_last = token.data() + token.size();
        }
        text += '\n';
    }
    return text;
}

std::vector<std::string_view> used_macros(std::string_view preprocessed) {
    std::vector<std::string_view> found;
    for (const std::string_view line : lines_of(preprocessed)) {
        if (!line.starts_with("#d") && !line.starts_with("#u")) continue;
        if (const auto macro = macro_of(c_tokens(line))) found.push_back(*macro);
    }
    return found;
}

std::vector<WordSum> live_words(std::string_view code, std::string_view preprocessed) {
    std::vector<WordSum> words = word_sums(code);
    for (const std::string_view macro : used_macros(preprocessed)) words.push_back(word_sum(macro));
    std::ranges::sort(words);
    const auto end = std::unique(words.begin(), words.end());
    words.erase(end, words.end());
    return words;
}

}  // namespace klp::source
