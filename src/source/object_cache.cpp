// SPDX-License-Identifier: GPL-2.0-or-later
//
// The content of an entry, which is a derived file:
//     a stamp for each file that the compilation read, a line each
//     (empty line)
//     the size in bytes of what is known of its types, and then that, compressed
//     the object's bytes
#include "source/object_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/compress.hpp"
#include "base/decompress.hpp"
#include "base/derived.hpp"
#include "base/stamp.hpp"

namespace klp::source {
namespace {

// The stamps of an entry as they are by now; nullopt where one of the files holds something else. `content` is left
// with the object.
std::optional<std::string> take_stamps(std::string_view& content) {
    std::string stamps;
    while (!content.starts_with('\n')) {
        const std::size_t end = content.find('\n');
        if (end == std::string_view::npos) return std::nullopt;
        auto stamp = FileStamp::parse(content.substr(0, end));
        if (!stamp || stamp->look() == FileStamp::Look::changed) return std::nullopt;
        stamps += stamp->line() + '\n';
        content.remove_prefix(end + 1);
    }
    content.remove_prefix(1);
    return stamps;
}

// The rest of an entry; nullopt where it is none.
std::optional<ObjectCache::Product> take_product(std::string_view content, const Location& where) {
    const std::size_t line = content.find('\n');
    std::size_t size = 0;
    if (line == std::string_view::npos) return std::nullopt;
    const auto [end, error] = std::from_chars(content.data(), content.data() + line, size);
    if (error != std::errc{} || end != content.data() + line || size > content.size() - line - 1) return std::nullopt;
    content.remove_prefix(line + 1);
    const auto types = decompress(Compression::zstd, as_bytes(content.substr(0, size)), where);
    const Bytes object = as_bytes(content.substr(size));
    return ObjectCache::Product{{object.begin(), object.end()}, std::string(as_text(types))};
}

}  // namespace

DerivedFile ObjectCache::entry(std::string_view key) const {
    const std::string digest = sha256_hex(as_bytes(key));
    return {folder_ / digest, "typed-object", {digest}};
}

std::optional<ObjectCache::Product> ObjectCache::find(std::string_view key) const {
    const DerivedFile file = entry(key);
    const auto content = file.load();
    if (!content) return std::nullopt;
    std::string_view rest = *content;
    const auto stamps = take_stamps(rest);
    if (!stamps) return std::nullopt;
    if (!content->starts_with(*stamps)) file.store(*stamps + "\n" + std::string(rest));
    return take_product(rest, {file.path().string(), {}, {}});
}

void ObjectCache::store(std::string_view key, const Compilation& compilation, Bytes object,
                        std::string_view types) const {
    std::string content;
    try {
        for (const auto& dependency : compilation.dependencies) {
            const FileStamp stamp = FileStamp::of(compilation.directory / dependency);
            if (stamp.is_newer_than(compilation.began)) return;  // which text did the compiler see?
            content += stamp.line() + '\n';
        }
    } catch (const Error&) {  // one of them is gone: the object is not to be kept
        return;
    }
    const auto compressed = compress_zstd(as_bytes(types));
    content += fmt::format("\n{}\n{}", compressed.size(), as_text(compressed));
    content += as_text(object);
    entry(key).store(content);
}

void ObjectCache::drop_oldest(std::size_t most) const {
    std::error_code ignored;  // others may do the same just now
    std::vector<std::pair<fs::file_time_type, fs::path>> entries;
    for (const auto& file : fs::directory_iterator(folder_, ignored))
        entries.emplace_back(file.last_write_time(ignored), file.path());
    if (entries.size() <= most) return;
    std::ranges::sort(entries);
    entries.resize(entries.size() - most);
    for (const auto& [time, path] : entries) fs::remove(path, ignored);
}

}  // namespace klp::source
