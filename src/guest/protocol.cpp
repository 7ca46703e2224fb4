// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/protocol.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <random>

#include "base/decompress.hpp"

namespace klp::guest {

namespace {

struct Form {
    std::string_view key;
    std::size_t words = 0;
    std::size_t numbers_from = 0;  // index of the first word that is a number
    bool content = false;
};

constexpr std::array forms{
    Form{"step", 1, 0, false}, Form{"output", 2, 1, true}, Form{"transition", 1, 0, false}, Form{"hooks", 0, 0, true},
    Form{"reverted"},          Form{"unloaded"},           Form{"fail", 0, 0, true},        Form{"end"},
};

std::vector<std::string> split(std::string_view line) {
    std::vector<std::string> words;
    while (!line.empty()) {
        const std::size_t end = std::min(line.find(' '), line.size());
        words.emplace_back(line.substr(0, end));
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    return words;
}

std::string unpack(std::string_view word) {
    const auto packed = decode_base64(word);
    if (!packed) throw Error("the content is not base64");
    return std::string(as_text(decompress(Compression::gzip, *packed, {})));
}

// The text after the nonce as a record. Error: it is none.
Record parse_record(std::string_view line) {
    std::vector<std::string> words = split(line);
    const std::string key = words.empty() ? "" : words.front();
    const auto* const form = std::ranges::find(forms, key, &Form::key);
    if (form == forms.end()) throw Error("it has no known key");
    const std::size_t expected = 1 + form->words + (form->content ? 1 : 0);
    if (words.size() != expected) throw Error(fmt::format("it has {} words, expected {}", words.size(), expected));
    Record record{.key = key, .words = {}, .content = {}};
    if (form->content) {
        record.content = unpack(words.back());
        words.pop_back();
    }
    record.words.assign(words.begin() + 1, words.end());
    for (std::size_t i = form->numbers_from; i < record.words.size(); ++i)
        if (!parse_number(record.words[i])) throw Error(fmt::format("'{}' is not a number", record.words[i]));
    return record;
}

void parse_line(std::string_view line, std::string_view mark, Transcript& transcript) {
    const std::size_t at = line.find(mark);
    transcript.rest += line.substr(0, at);
    if (at == std::string_view::npos) {
        transcript.rest += '\n';
        return;
    }
    try {
        transcript.records.push_back(parse_record(line.substr(at + mark.size())));
    } catch (const Error& error) {
        transcript.damage.push_back(fmt::format("record {}: {}", transcript.records.size(), error.what()));
    }
}

std::optional<unsigned> base64_digit(char c) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t value = alphabet.find(c);
    return value == std::string_view::npos ? std::nullopt : std::optional(static_cast<unsigned>(value));
}

}  // namespace

Transcript parse_transcript(std::string_view text, std::string_view nonce) {
    std::string plain(text);
    std::erase(plain, '\r');
    const std::string mark = fmt::format("{} ", nonce);
    Transcript transcript;
    std::string_view left = plain;
    for (std::size_t end = left.find('\n'); end != std::string_view::npos; end = left.find('\n')) {
        parse_line(left.substr(0, end), mark, transcript);
        left.remove_prefix(end + 1);
    }
    transcript.rest += left.substr(0, left.find(mark));
    return transcript;
}

std::string make_nonce() {
    std::random_device random;
    std::string nonce;
    for (int i = 0; i < 4; ++i) nonce += fmt::format("{:08x}", std::uint32_t{random()});
    return nonce;
}

std::optional<std::vector<std::byte>> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
    std::vector<std::byte> bytes;
    bytes.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const char c : text) {
        const auto digit = base64_digit(c);
        if (!digit) return std::nullopt;
        bits = (bits << 6) | *digit;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        bytes.push_back(static_cast<std::byte>(bits >> held));
    }
    return bytes;
}

std::optional<std::int64_t> parse_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace klp::guest
