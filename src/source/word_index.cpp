// SPDX-License-Identifier: GPL-2.0-or-later
//
// The text: for each file the size of its path, the number of its words (four bytes each), the path, the words.
#include "source/word_index.hpp"

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/process.hpp"

namespace klp::source {
namespace {

bool begins_identifier(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool continues_identifier(char c) {
    return begins_identifier(c) || (c >= '0' && c <= '9') || c == '$';
}

std::size_t end_of_identifier(std::string_view text, std::size_t at) {
    while (at < text.size() && continues_identifier(text[at])) ++at;
    return at;
}

// Calls `use` with each word outside of comments.
template <typename Use>
void each_word(std::string_view text, Use use) {
    char quote = '\0';
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        const char next = at + 1 < text.size() ? text[at + 1] : '\0';
        if (continues_identifier(c)) {
            const std::size_t end = end_of_identifier(text, at);
            if (begins_identifier(c)) use(text.substr(at, end - at));
            at = end;
            continue;
        }
        if (c == '\\' && next != '\n' && next != '\r') {
            at += 2;
            continue;
        }
        if (c == '\n' || (quote != '\0' && c == quote)) {
            quote = '\0';
        } else if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
        } else if (quote == '\0' && c == '/' && next == '*') {
            at = std::min(text.find("*/", at + 2), text.size() - 2) + 2;
            continue;
        } else if (quote == '\0' && c == '/' && next == '/') {
            at = std::min(text.find('\n', at), text.size());
            continue;
        }
        ++at;
    }
}

void sort_out(std::vector<WordSum>& sums) {
    std::ranges::sort(sums);
    const auto end = std::unique(sums.begin(), sums.end());
    sums.erase(end, sums.end());
}

void append_number(std::string& text, std::uint32_t number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    text.append(bytes, sizeof number);
}

std::string index_entry(const std::string& path, const std::vector<WordSum>& words) {
    std::string entry;
    append_number(entry, static_cast<std::uint32_t>(path.size()));
    append_number(entry, static_cast<std::uint32_t>(words.size()));
    entry += path;
    for (const WordSum word : words) append_number(entry, word);
    return entry;
}

// Reads what index_entry() makes.
class EntryReader {
public:
    explicit EntryReader(std::string_view text) : text_(text) {}
    struct Entry {
        std::string_view path, words;
    };
    [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
    Entry next() {
        const std::size_t path = number();
        const std::size_t words = number();
        Entry entry;
        entry.path = take(path);
        entry.words = take(words * sizeof(WordSum));
        return entry;
    }

private:
    std::uint32_t number() {
        std::uint32_t value = 0;
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
        return value;
    }
    std::string_view take(std::size_t size) {
        if (size > text_.size() - at_) throw Error("the index of the words of a source tree is cut short");
        at_ += size;
        return text_.substr(at_ - size, size);
    }
    std::string_view text_;
    std::size_t at_ = 0;
};

// The words of a file, in order.
class SortedWords {
public:
    explicit SortedWords(std::string_view bytes) : bytes_(bytes) {}

    [[nodiscard]] bool contains(WordSum word) const {
        const std::size_t place = lower_bound(word, 0);
        return place < size() && at(place) == word;
    }
    [[nodiscard]] bool has_any(const std::set<WordSum>& wanted) const {
        std::size_t from = 0;
        for (const WordSum each : wanted) {
            from = lower_bound(each, from);
            if (from == size()) return false;
            if (at(from) == each) return true;
        }
        return false;
    }

private:
    [[nodiscard]] std::size_t size() const { return bytes_.size() / sizeof(WordSum); }
    [[nodiscard]] WordSum at(std::size_t i) const {
        WordSum word = 0;
        std::memcpy(&word, bytes_.data() + i * sizeof(WordSum), sizeof word);
        return word;
    }
    [[nodiscard]] std::size_t lower_bound(WordSum word, std::size_t begin) const {
        std::size_t end = size();
        while (begin < end) {
            const std::size_t middle = begin + (end - begin) / 2;
            if (at(middle) < word)
                begin = middle + 1;
            else
                end = middle;
        }
        return begin;
    }

    std::string_view bytes_;
};

}  // namespace

// FNV-1a.
WordSum word_sum(std::string_view word) noexcept {
    WordSum sum = 2166136261U;
    for (const char c : word) sum = (sum ^ static_cast<unsigned char>(c)) * 16777619U;
    return sum;
}

std::vector<WordSum> word_sums(std::string_view source) {
    std::vector<WordSum> sums;
    each_word(source, [&](std::string_view word) { sums.push_back(word_sum(word)); });
    sort_out(sums);
    return sums;
}

WordIndex::WordIndex(std::string text) : text_(std::move(text)) {
    for (EntryReader reader(text_); !reader.at_end();) (void)reader.next();
}

WordIndex WordIndex::of(const std::vector<std::string>& paths,
                        const std::function<fs::path(const std::string&)>& locate, unsigned jobs) {
    std::vector<std::string> entries(paths.size());
    parallel_for(paths.size(), jobs, [&](std::size_t i) {
        check_interrupted();
        const MappedFile file(locate(paths[i]));
        entries[i] = index_entry(paths[i], word_sums(as_text(file.bytes())));
    });
    std::string text;
    for (std::string& entry : entries) {
        text += entry;
        entry = {};
    }
    return WordIndex(std::move(text));
}

std::vector<std::string> WordIndex::files_with(const std::set<WordSum>& words) const {
    std::vector<std::string> found;
    for (EntryReader reader(text_); !reader.at_end();) {
        const auto entry = reader.next();
        if (SortedWords(entry.words).has_any(words)) found.emplace_back(entry.path);
    }
    return found;
}

}  // namespace klp::source
