// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/run.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace klp::report {

namespace {

Json output_json(const std::optional<guest::Output>& output) {
    if (!output) return nullptr;
    return {{"stdout", output->stdout_text}, {"status", output->status}};
}

std::string visible(std::string_view text) {
    std::string result;
    for (const char c : text) result += c == '\n' || c == '\t' ? std::string(1, c) : printable({&c, 1});
    return result;
}

std::string section(std::string_view name, const std::optional<guest::Output>& output) {
    if (!output) return {};
    std::string text = fmt::format("== {} (status {})\n{}", name, output->status, visible(output->stdout_text));
    if (!text.ends_with('\n')) text += '\n';
    return text;
}

std::string summary(const std::string& kernel, const guest::Result& result) {
    if (!result.ok()) return {};
    return fmt::format("== loaded, transition complete in {} ms, disabled and unloaded, on {}\n", result.transition_ms,
                       kernel);
}

}  // namespace

Json run_json(const std::string& kernel, const guest::Result& result) {
    Json json;
    json["kernel"] = kernel;
    json["before"] = output_json(result.before);
    json["after"] = output_json(result.after);
    json["reverted"] = output_json(result.reverted);
    json["transition_ms"] = result.transition_complete ? Json(result.transition_ms) : Json(nullptr);
    json["loaded"] = result.loaded;
    json["transition_complete"] = result.transition_complete;
    json["unloaded"] = result.unloaded;
    json["not_replaced"] = result.not_replaced;
    json["failure"] = result.ok() ? Json(nullptr) : Json(result.failure);
    json["warnings"] = result.warnings;
    json["console"] = result.console;
    return json;
}

std::string run_text(const std::string& kernel, const guest::Result& result) {
    return section("before", result.before) + section("after", result.after) + section("reverted", result.reverted) +
           summary(kernel, result);
}

std::string console_tail(const guest::Result& result, std::size_t lines) {
    std::string_view text = result.console;
    while (text.ends_with('\n')) text.remove_suffix(1);
    std::size_t start = text.size();
    for (std::size_t i = 0; i < lines && start != 0 && start != std::string_view::npos; ++i)
        start = text.rfind('\n', start - 1);
    if (start == std::string_view::npos) start = 0;
    if (text.substr(start).starts_with('\n')) ++start;
    return visible(text.substr(start)) + (text.empty() ? "" : "\n");
}

}  // namespace klp::report
