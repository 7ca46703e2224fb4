// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/makefile_change.hpp"

#include <string>
#include <vector>

#include "base/text.hpp"

namespace klp::source {
namespace {

// Logical lines without comments and blanks at the ends; recipes keep their tab, and with it their meaning.
std::vector<std::string> statements(std::string_view text) {
    std::vector<std::string> found;
    std::string statement;
    for (std::string_view line : lines_of(text)) {
        const bool continues = line.ends_with('\\');
        if (continues) line.remove_suffix(1);
        statement += line;
        if (continues) {
            statement += ' ';
            continue;
        }
        if (!statement.starts_with('\t'))
            if (const std::size_t comment = statement.find('#'); comment != std::string::npos)
                statement.resize(comment);
        while (statement.ends_with(' ') || statement.ends_with('\t')) statement.pop_back();
        if (!statement.empty()) found.push_back(std::move(statement));
        statement.clear();
    }
    if (!statement.empty()) found.push_back(std::move(statement));
    return found;
}

// `NAME-$(CONFIG_X) += …` with an option that is not enabled.
bool is_without_effect(const std::string& statement, const std::function<bool(std::string_view)>& is_enabled) {
    static constexpr std::string_view opening = "-$(CONFIG_";
    const std::size_t at = statement.find(opening);
    const std::size_t end = at == std::string::npos ? at : statement.find(')', at);
    if (end == std::string::npos) return false;
    const bool is_plain_name = statement.find_first_of(" \t:=$(") >= at + 1;
    const std::size_t next = statement.find_first_not_of(" \t", end + 1);
    const bool is_assignment =
        next != std::string::npos &&
        (statement[next] == '=' || statement.compare(next, 2, "+=") == 0 || statement.compare(next, 2, ":=") == 0);
    const std::size_t name = at + std::string_view("-$(").size();
    return is_plain_name && is_assignment && !is_enabled(std::string_view(statement).substr(name, end - name));
}

}  // namespace

bool is_makefile(std::string_view path) {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    return name == "Makefile" || name == "Kbuild";
}

bool is_for_other_configurations(std::string_view before, std::string_view after,
                                 const std::function<bool(std::string_view)>& is_enabled) {
    const auto matters = [&](const std::vector<std::string>& all) {
        std::vector<std::string> kept;
        for (const auto& statement : all)
            if (!is_without_effect(statement, is_enabled)) kept.push_back(statement);
        return kept;
    };
    return matters(statements(before)) == matters(statements(after));
}

}  // namespace klp::source
