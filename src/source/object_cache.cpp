// SPDX-License-Identifier: GPL-2.0-or-later
//
// An entry is a text head and the object behind it:
//     klp object 1 SHA256-OF-ALL-BELOW
//     SIZE MTIME PATH        for each included file
//     (empty line)
//     the object's bytes
#include "source/object_cache.hpp"

#include <fmt/core.h>

#include "base/error.hpp"

namespace klp::source {
namespace {

constexpr std::string_view magic = "klp object 1 ";
constexpr std::size_t digest_size = 64;
constexpr std::size_t head_size = magic.size() + digest_size + 1;

std::string head_of(std::string_view body) {
    return fmt::format("{}{}\n", magic, sha256_hex(as_bytes(body)));
}

// What tells an edited file from the one that was compiled; a missing file has none.
std::string state_of(const fs::path& path) {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    const auto time = error ? fs::file_time_type() : fs::last_write_time(path, error);
    return error ? std::string() : fmt::format("{} {}", size, time.time_since_epoch().count());
}

// `SIZE MTIME PATH`
bool is_unchanged(std::string_view line) {
    const std::size_t second = line.find(' ', line.find(' ') + 1);
    return second != std::string_view::npos && state_of(line.substr(second + 1)) == line.substr(0, second);
}

}  // namespace

fs::path ObjectCache::path_of(std::string_view key) const {
    return folder_ / sha256_hex(as_bytes(key));
}

std::optional<std::vector<std::byte>> ObjectCache::find(std::string_view key) const {
    if (!fs::is_regular_file(path_of(key))) return std::nullopt;
    const std::string entry = read_text(path_of(key));
    if (entry.size() < head_size) return std::nullopt;
    std::string_view body = std::string_view(entry).substr(head_size);
    if (!entry.starts_with(head_of(body))) return std::nullopt;
    while (!body.starts_with('\n')) {
        const std::size_t end = body.find('\n');
        if (end == std::string_view::npos || !is_unchanged(body.substr(0, end))) return std::nullopt;
        body.remove_prefix(end + 1);
    }
    const Bytes object = as_bytes(body.substr(1));
    return std::vector(object.begin(), object.end());
}

void ObjectCache::store(std::string_view key, const fs::path& directory, const std::vector<std::string>& dependencies,
                        Bytes object) const {
    std::string body;
    for (const auto& dependency : dependencies) {
        const fs::path path = directory / dependency;
        body += fmt::format("{} {}\n", state_of(path), path.string());
    }
    body += '\n';
    body += as_text(object);
    try {
        fs::create_directories(folder_);
        write_file(path_of(key), head_of(body) + body);
    } catch (const Error&) {  // the next build compiles it again
    } catch (const fs::filesystem_error&) {
    }
}

}  // namespace klp::source
