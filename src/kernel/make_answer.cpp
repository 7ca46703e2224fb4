// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/make_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <system_error>

#include "base/text.hpp"

namespace klp::kernel {

namespace {

constexpr int make_failure = 2;  // GNU make's status for every error that it tells
constexpr int by_signal = 128;

// What the system says where a file or a process cannot be had. make and the shells that it starts go on without a
// result then, for instance without the options that a trial compilation was to find.
constexpr std::array failures{EACCES, EAGAIN, EDQUOT, EINTR, EIO,    EMFILE, ENFILE,
                              ENOMEM, ENOSPC, EPERM,  EROFS, ESTALE, ETXTBSY};

std::vector<std::string> failure_texts() {
    std::vector<std::string> texts{"Cannot fork", "virtual memory exhausted", "Killed", "Terminated"};
    for (const int number : failures) texts.push_back(std::generic_category().message(number));
    return texts;
}

bool tells_failure(std::string_view line) {
    static const std::vector<std::string> texts = failure_texts();
    return std::ranges::any_of(texts, [line](const std::string& text) { return line.find(text) != line.npos; });
}

bool is_place_with_colon(std::string_view text) {
    return text.ends_with(':') && ends_with_place(text.substr(0, text.size() - 1));
}

// `make: *** No rule to make target 'x.o'.  Stop.`, and what a Makefile itself is the source of:
// `FILE:LINE: *** TEXT.  Stop.`, which is how $(error) ends.
bool is_answer(std::string_view line) {
    const std::size_t stars = line.find(" *** ");
    if (stars == std::string_view::npos) return false;
    return line.substr(stars).starts_with(" *** No rule to make target") || is_place_with_colon(line.substr(0, stars));
}

}  // namespace

bool ends_with_place(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    const std::string_view digits = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    return !digits.empty() && std::ranges::all_of(digits, [](unsigned char c) { return std::isdigit(c) != 0; });
}

void check_make_was_able(const CommandResult& result, std::string_view what) {
    for (const std::string_view line : lines_of(result.errors))
        if (tells_failure(line)) throw Error(fmt::format("{}: {}", what, line));
}

bool make_has_rules(const CommandResult& result, std::string_view what) {
    check_make_was_able(result, what);
    const std::vector<std::string_view> lines = lines_of(result.errors);
    if (result.status == 0) return true;
    if (result.status > by_signal)
        throw Error(fmt::format("{}: make was ended by signal {}", what, result.status - by_signal));
    if (result.status == make_failure && std::ranges::any_of(lines, is_answer)) return false;
    throw Error(fmt::format("{}: make failed with status {}{}{}", what, result.status, lines.empty() ? "" : ": ",
                            lines.empty() ? "" : lines.back()));
}

}  // namespace klp::kernel
