// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel's .config (scripts/kconfig/confdata.c writes it).
#include "base/text.hpp"
#include "kernel/kernel.hpp"

namespace klp::kernel {

namespace {

// kconfig escapes only the quote and the backslash (scripts/kconfig/symbol.c:sym_escape_string).
std::string unquoted(std::string_view value) {
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::string(value);
    std::string text;
    for (std::size_t i = 1; i + 1 < value.size(); ++i) {
        if (value[i] == '\\' && i + 2 < value.size()) ++i;
        text += value[i];
    }
    return text;
}

}  // namespace

Config Config::read(const fs::path& path) {
    const std::string text = read_text(path);
    Config config;
    std::uint64_t offset = 0;
    for (const std::string_view line : lines_of(text)) {
        if (line.starts_with("CONFIG_")) {
            const std::size_t equals = line.find('=');
            if (equals == std::string_view::npos) {
                throw Error({path.string(), "", offset}, "not a line of a kernel config: '" + std::string(line) + "'");
            }
            config.values_[std::string(line.substr(0, equals))] = unquoted(line.substr(equals + 1));
        }
        offset += line.size() + 1;
    }
    if (config.values_.empty()) throw Error({path.string(), "", {}}, "not a kernel config: it sets no CONFIG_ option");
    return config;
}

std::optional<std::string_view> Config::value(std::string_view name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->second;
}

bool Config::enabled(std::string_view name) const {
    const auto text = value(name);
    return text == "y" || text == "m";
}

}  // namespace klp::kernel
