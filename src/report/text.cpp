// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace klp::report {

namespace {

std::string line_of(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths, std::size_t indent) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const bool last = i + 1 == cells.size();
        line += last ? cells[i] : fmt::format("{:<{}}  ", cells[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line + '\n';
}

}  // namespace

std::string to_text(const Json& value) {
    return value.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string_view word_of(Severity severity) {
    switch (severity) {
        case Severity::note:
            return "note";
        case Severity::warning:
            return "warning";
        case Severity::error:
            return "error";
    }
    return {};
}

std::string printable(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            result += fmt::format("\\x{:02x}", byte);
        } else {
            result += c;
        }
    }
    return result;
}

void Table::add(std::vector<std::string> row) {
    std::ranges::transform(row, row.begin(), printable);
    rows_.push_back(std::move(row));
}

std::string Table::text(std::size_t indent) const {
    if (rows_.empty()) return {};
    std::vector<std::size_t> widths(headings_.size());
    const auto widen = [&](const std::vector<std::string>& cells) {
        for (std::size_t i = 0; i < cells.size() && i < widths.size(); ++i)
            widths[i] = std::max(widths[i], cells[i].size());
    };
    widen(headings_);
    std::ranges::for_each(rows_, widen);
    std::string result = line_of(headings_, widths, indent);
    for (const auto& row : rows_) result += line_of(row, widths, indent);
    return result;
}

}  // namespace klp::report
