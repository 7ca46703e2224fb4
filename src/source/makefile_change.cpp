// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/makefile_change.hpp"

#include <algorithm>
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

// `LIST-… += a.o b.o`, whatever decides whether it counts. `list`: "foo" of foo-y, foo-objs and foo-$(CONFIG_X).
struct ObjectList {
    std::string target;  // with the operator
    std::string list;
    std::multiset<std::string> objects;
};

std::optional<ObjectList> object_list(const std::string& statement) {
    const std::size_t assignment = statement.find('=');
    if (assignment == std::string::npos || assignment == 0 || statement.starts_with('\t')) return std::nullopt;
    ObjectList found;
    std::string words = statement.substr(assignment + 1);
    for (const char c : statement.substr(0, assignment + 1))
        if (c != ' ' && c != '\t') found.target += c;
    const std::size_t dash = found.target.find_last_of('-', found.target.find("$("));
    if (dash == std::string::npos || found.target.find_first_of("$()") < dash) return std::nullopt;
    found.list = found.target.substr(0, dash);
    for (std::size_t at = 0; at < words.size();) {
        const std::size_t begin = words.find_first_not_of(" \t", at);
        if (begin == std::string::npos) break;
        at = std::min(words.find_first_of(" \t", begin), words.size());
        found.objects.insert(words.substr(begin, at - begin));
    }
    return found;
}

// Those of `from` that are not in `other`.
std::vector<std::string> only_in(const std::vector<std::string>& from, const std::vector<std::string>& other) {
    std::multiset<std::string> left(other.begin(), other.end());
    std::vector<std::string> found;
    for (const auto& each : from) {
        const auto place = left.find(each);
        if (place == left.end())
            found.push_back(each);
        else
            left.erase(place);
    }
    return found;
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

std::optional<std::set<std::string>> added_objects(std::string_view before, std::string_view after) {
    const auto original = statements(before);
    const auto patched = statements(after);
    std::vector<ObjectList> gone;
    std::set<std::string> lists;
    for (const auto& statement : original)
        if (const auto list = object_list(statement); list && !list->objects.empty()) lists.insert(list->list);
    for (const auto& statement : only_in(original, patched)) {
        auto list = object_list(statement);
        if (!list) return std::nullopt;
        gone.push_back(*std::move(list));
    }
    std::set<std::string> added;
    for (const auto& statement : only_in(patched, original)) {
        auto list = object_list(statement);
        // A first list of foo-y takes the place of foo.c.
        if (!list || (list->list != "obj" && !lists.contains(list->list))) return std::nullopt;
        const auto same = std::ranges::find(gone, list->target, &ObjectList::target);
        if (same != gone.end()) {
            for (const auto& object : same->objects) {
                const auto place = list->objects.find(object);
                if (place == list->objects.end()) return std::nullopt;
                list->objects.erase(place);
            }
            gone.erase(same);
        } else if (!list->target.ends_with("+=")) {
            return std::nullopt;
        }
        for (const auto& object : list->objects) {
            if (!object.ends_with(".o") || object.find_first_of("$/") != std::string::npos) return std::nullopt;
            added.insert(object);
        }
    }
    if (!gone.empty() || added.empty()) return std::nullopt;
    return added;
}

}  // namespace klp::source
