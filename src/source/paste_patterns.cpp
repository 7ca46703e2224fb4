// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/paste_patterns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <unordered_set>

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

bool has_literal(const Chain& chain) {
    return std::ranges::any_of(chain, [](const Piece& piece) { return !piece.literal.empty(); });
}

std::string pattern_of(const Chain& chain) {
    std::string pattern;
    for (const Piece& piece : chain) {
        if (!piece.literal.empty())
            pattern += piece.literal;
        else if (!pattern.ends_with('*'))
            pattern += '*';
    }
    return pattern;
}

// Chains of parameters alone, by the macro's name: what a call makes depends on its arguments.
using Generics = std::map<std::string, std::set<Chain>, std::less<>>;

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

// Calls of generic macros in a text, whose macro (or none) is given.
class CallReader {
public:
    CallReader(const Generics& generics, const std::unordered_set<WordSum>& macros, const CMacro& macro)
        : generics_(generics), macros_(macros), macro_(macro) {}

    std::vector<Chain> chains_in(const CTokens& tokens) const {
        std::vector<Chain> found;
        for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
            if (tokens[i + 1] != "(" || !generics_.contains(tokens[i])) continue;
            const CTokens call(tokens.begin() + static_cast<std::ptrdiff_t>(i),
                               tokens.begin() + static_cast<std::ptrdiff_t>(behind_group(tokens, i + 1)));
            for (Chain& chain : chains_of_call(call)) found.push_back(std::move(chain));
        }
        return found;
    }

private:
    // `call`: the name, and its arguments with their parentheses.
    [[nodiscard]] std::vector<Chain> chains_of_call(const CTokens& call) const {
        std::vector<Chain> found;
        if (call.back() != ")") return {{Piece{}}};  // it goes on in another line
        const auto arguments = arguments_of(call);
        for (const Chain& chain : generics_.find(call.front())->second) {
            Chain made;
            for (const Piece& piece : chain) {
                const auto index = static_cast<std::size_t>(piece.parameter);
                const bool is_known = piece.parameter != any_text && index < arguments.size();
                const Chain pieces = is_known ? pieces_of_argument(arguments[index]) : Chain{Piece{}};
                made.insert(made.end(), pieces.begin(), pieces.end());
            }
            found.push_back(std::move(made));
        }
        return found;
    }

    [[nodiscard]] static std::vector<CTokens> arguments_of(const CTokens& call) {
        std::vector<CTokens> arguments(1);
        for (std::size_t i = 2; i + 1 < call.size();) {
            if (call[i] == ",") {
                arguments.emplace_back();
                ++i;
                continue;
            }
            const std::size_t end = call[i] == "(" ? behind_group(call, i) : i + 1;
            for (; i < end && i + 1 < call.size(); ++i) arguments.back().push_back(call[i]);
        }
        return arguments;
    }

    // An argument may be a macro, and a macro anything.
    [[nodiscard]] Chain pieces_of_argument(const CTokens& argument) const {
        if (argument.empty()) return {};
        if (argument.size() == 1) {
            const Piece piece = piece_of(macro_, argument.front());
            const bool is_plain = is_word(argument.front()) && !macros_.contains(word_sum(argument.front()));
            return {piece.parameter != any_text || is_plain ? piece : Piece{}};
        }
        const bool is_call = argument[1] == "(" && behind_group(argument, 1) == argument.size();
        if (is_call && generics_.contains(argument.front())) {
            const auto chains = chains_of_call(argument);
            if (chains.size() == 1) return chains.front();
        }
        return {Piece{}};
    }

    const Generics& generics_;
    const std::unordered_set<WordSum>& macros_;
    const CMacro& macro_;
};

class PatternFinder {
public:
    PatternFinder(const WordIndex& index, const std::function<std::string(const std::string&)>& read, unsigned jobs)
        : index_(index), read_(read), jobs_(jobs) {}

    PastePatterns find(const std::vector<std::string>& files) {
        collect_macros(files);
        each_file(index_.files_with({word_sum("##")}), [&](const std::string& file, const std::string& text) {
            for (const std::string& line : code_lines(text)) {
                if (line.find("##") == std::string::npos) continue;
                const CMacro macro = parse_definition(line);
                add(macro, file, pasted_chains(macro));
            }
        });
        while (!fresh_.empty()) follow_calls();
        return {{makers_.begin(), makers_.end()}};
    }

private:
    void each_file(const std::vector<std::string>& files,
                   const std::function<void(const std::string&, const std::string&)>& use) {
        parallel_for(files.size(), jobs_, [&](std::size_t i) {
            check_interrupted();
            use(files[i], read_(files[i]));
        });
    }

    void collect_macros(const std::vector<std::string>& files) {
        each_file(files, [&](const std::string&, const std::string& text) {
            const auto sums = macro_sums(text);
            const std::lock_guard guard(lock_);
            macros_.insert(sums.begin(), sums.end());
        });
    }

    void add(const CMacro& macro, const std::string& file, std::vector<Chain> chains) {
        const std::lock_guard guard(lock_);
        for (Chain& chain : chains) {
            if (has_literal(chain) || macro.name.empty())
                makers_.insert({pattern_of(chain), std::string(macro.name), file});
            else if (generics_[std::string(macro.name)].insert(std::move(chain)).second)
                fresh_.insert(std::string(macro.name));
        }
    }

    // Macros of parameters alone that a macro calls make it one, too, until no more are found.
    void follow_calls() {
        std::set<WordSum> wanted;
        for (const std::string& name : fresh_) wanted.insert(word_sum(name));
        Generics called;
        for (const std::string& name : std::exchange(fresh_, {})) called[name] = generics_[name];
        const Generics all = generics_;
        each_file(index_.files_with(wanted), [&](const std::string& file, const std::string& text) {
            for (const std::string& line : code_lines(text)) {
                const CTokens tokens = c_tokens(line);
                const bool is_concerned =
                    std::ranges::any_of(tokens, [&](std::string_view token) { return called.contains(token); });
                if (!is_concerned) continue;
                const CMacro macro = parse_definition(line);
                const CallReader reader(all, macros_, macro);
                add(macro, file, reader.chains_in(macro.name.empty() ? tokens : macro.body));
            }
        });
    }

    const WordIndex& index_;
    const std::function<std::string(const std::string&)>& read_;
    unsigned jobs_;
    std::mutex lock_;
    std::unordered_set<WordSum> macros_;
    std::set<PastePatterns::Maker> makers_;
    Generics generics_;
    std::set<std::string> fresh_;  // generic macros whose calls are still to be looked at
};

}  // namespace

bool matches_pattern(std::string_view name, std::string_view pattern) {
    const std::size_t star = pattern.find('*');
    if (star == std::string_view::npos) return name == pattern;
    if (!name.starts_with(pattern.substr(0, star))) return false;
    name.remove_prefix(star);
    pattern.remove_prefix(star + 1);
    for (std::size_t next = pattern.find('*'); next != std::string_view::npos; next = pattern.find('*')) {
        const std::size_t at = name.find(pattern.substr(0, next));
        if (at == std::string_view::npos) return false;
        name.remove_prefix(at + next);
        pattern.remove_prefix(next + 1);
    }
    return name.ends_with(pattern);
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

PastePatterns find_paste_patterns(const std::vector<std::string>& files, const WordIndex& index,
                                  const std::function<std::string(const std::string&)>& read, unsigned jobs) {
    return PatternFinder(index, read, jobs).find(files);
}

}  // namespace klp::source
