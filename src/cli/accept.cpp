// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/accept.hpp"

#include <fmt/format.h>

namespace klp::cli {

void add_accept_option(CommandLine& command, std::vector<std::string>& target) {
    command
        .repeated("--accept", target,
                  "take a change that is refused otherwise (diff.layout:TYPE); may be given several times")
        .type_name("ID:NAME");
}

std::set<std::string, std::less<>> accepted_layouts(const std::vector<std::string>& words) {
    constexpr std::string_view prefix = "diff.layout:";
    std::set<std::string, std::less<>> names;
    for (const std::string& word : words) {
        std::string_view name = word;
        if (!name.starts_with(prefix) || name.size() == prefix.size())
            throw Error(fmt::format("--accept {}: what can be accepted is diff.layout:TYPE", word), ExitCode::usage);
        name.remove_prefix(prefix.size());
        for (const std::string_view tag : {"struct ", "union ", "enum "})
            if (name.starts_with(tag)) name.remove_prefix(tag.size());
        names.emplace(name);
    }
    return names;
}

}  // namespace klp::cli
