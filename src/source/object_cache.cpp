// SPDX-License-Identifier: GPL-2.0-or-later
//
// The content of an entry, which is a derived file:
//     a stamp for each file that the compilation read, a line each
//     (empty line)
//     the object's bytes
#include "source/object_cache.hpp"

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

}  // namespace

DerivedFile ObjectCache::entry(std::string_view key) const {
    const std::string digest = sha256_hex(as_bytes(key));
    return {folder_ / digest, "object", {digest}};
}

std::optional<std::vector<std::byte>> ObjectCache::find(std::string_view key) const {
    const auto content = entry(key).load();
    if (!content) return std::nullopt;
    std::string_view object = *content;
    const auto stamps = take_stamps(object);
    if (!stamps) return std::nullopt;
    if (!content->starts_with(*stamps)) entry(key).store(*stamps + "\n" + std::string(object));
    const Bytes bytes = as_bytes(object);
    return std::vector(bytes.begin(), bytes.end());
}

void ObjectCache::store(std::string_view key, const Compilation& compilation, Bytes object) const {
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
    content += '\n';
    content += as_text(object);
    entry(key).store(content);
}

}  // namespace klp::source
