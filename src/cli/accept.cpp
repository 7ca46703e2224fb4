// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/accept.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace klp::cli {

void add_accept_option(CommandLine& command, std::vector<std::string>& target) {
    command
        .repeated("--accept", target,
                  "take a change of a type (diff.layout:TYPE), or leave out what is refused otherwise "
                  "(diff.init-code:FUNCTION); may be given several times")
        .type_name("ID:NAME");
}

Accepted accepted_changes(const std::vector<std::string>& words) {
    Accepted accepted;
    for (const std::string& word : words) {
        const std::size_t colon = std::min(word.find(':'), word.size());
        const std::string rule = word.substr(0, colon);
        std::string_view name = std::string_view(word).substr(std::min(colon + 1, word.size()));
        if (name.empty() || (rule != "diff.layout" && !diff::may_be_left_out(rule)))
            throw Error(fmt::format("--accept {}: what can be accepted is diff.layout:TYPE, and diff.init-code, "
                                    "diff.exit-code, diff.init-data, diff.table, diff.data-changed or "
                                    "diff.constant-identity with a name",
                                    word),
                        ExitCode::usage);
        if (rule != "diff.layout") {
            accepted.left_out.insert({rule, std::string(name)});
            continue;
        }
        for (const std::string_view tag : {"struct ", "union ", "enum "})
            if (name.starts_with(tag)) name.remove_prefix(tag.size());
        accepted.layouts.emplace(name);
    }
    return accepted;
}

}  // namespace klp::cli
