// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/kernel_names.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace klp {

namespace {

constexpr std::string_view module_suffix = ".ko";

std::string_view without_compression(std::string_view name) {
    for (const std::string_view suffix : {".xz", ".zst", ".gz"}) {
        if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
    }
    return name;
}

}  // namespace

bool is_module_name_character(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_module_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= longest_module_name && std::ranges::all_of(name, is_module_name_character);
}

std::string with_underscores(std::string_view name) {
    std::string result(name);
    std::ranges::replace(result, '-', '_');
    return result;
}

bool is_module_file(std::string_view path) noexcept {
    return without_compression(path).ends_with(module_suffix);
}

std::string module_name_of_path(std::string_view path) {
    std::string_view name = without_compression(path.substr(path.rfind('/') + 1));  // npos + 1 is 0
    if (name.ends_with(module_suffix)) name.remove_suffix(module_suffix.size());
    return with_underscores(name);
}

std::vector<std::string_view> modinfo_values(std::string_view content, std::string_view key) {
    std::vector<std::string_view> values;
    for (const std::string_view entry : c_strings(content)) {
        if (entry.size() > key.size() && entry.starts_with(key) && entry[key.size()] == '=')
            values.push_back(entry.substr(key.size() + 1));
    }
    return values;
}

}  // namespace klp
