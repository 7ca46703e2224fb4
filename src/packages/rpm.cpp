// SPDX-License-Identifier: GPL-2.0-or-later
// A lead of 96 bytes, which has nothing that counts but its magic number; a header with signatures and sizes, filled up
// to 8 bytes; the header with the tags; the payload. A header is an index of (tag, type, offset, count) and the data
// that it points into. All numbers are big-endian (rpm: docs/manual/format_v4.md).
#include "packages/rpm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "base/align.hpp"
#include "base/progress.hpp"

namespace klp::packages {

namespace {

constexpr std::array lead_magic{std::byte{0xed}, std::byte{0xab}, std::byte{0xee}, std::byte{0xdb}};
constexpr std::uint64_t lead_size = 96;
constexpr std::uint32_t header_magic = 0x8eade801;
// Those of rpm itself.
constexpr std::uint32_t tag_limit = 0x0000ffff;
constexpr std::uint32_t data_limit = 0x0fffffff;

enum class RpmTag : std::uint32_t {
    signature_long_size = 270,
    signature_size = 1000,
    name = 1000,
    version = 1001,
    release = 1002,
    vendor = 1011,
    source = 1018,
    patch = 1019,
    arch = 1022,
    source_rpm = 1044,
    payload_digest = 5092,
    payload_digest_algorithm = 5093,
};

enum class RpmType : std::uint32_t { int32 = 4, int64 = 5, string = 6, string_array = 8, i18n_string = 9 };

constexpr std::uint32_t digest_sha256 = 8;  // RFC 4880, section 9.4

class RpmTags {
public:
    // From the position of `cursor`, which is behind them then.
    RpmTags(Cursor& cursor, Location where);

    [[nodiscard]] std::vector<std::string> strings(RpmTag tag) const;
    [[nodiscard]] std::string string(RpmTag tag) const;  // empty where there is none
    [[nodiscard]] std::optional<std::uint64_t> number(RpmTag tag) const;

private:
    struct Entry {
        std::uint32_t type = 0;
        std::uint32_t offset = 0;
        std::uint32_t count = 0;
    };
    [[nodiscard]] Cursor at(const Entry& entry) const;

    Location where_;
    Bytes data_;
    std::map<std::uint32_t, Entry> entries_;
};

RpmTags::RpmTags(Cursor& cursor, Location where) : where_(std::move(where)) {
    const std::uint64_t begin = cursor.position();
    if (cursor.u32() != header_magic) {
        cursor.seek(begin);
        cursor.fail("no header of an rpm package");
    }
    cursor.skip(4);
    const std::uint32_t count = cursor.u32();
    const std::uint32_t size = cursor.u32();
    if (count > tag_limit || size > data_limit) {
        cursor.seek(begin);
        cursor.fail(fmt::format("a header of {} tags and {} bytes, which is more than rpm allows", count, size));
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t tag = cursor.u32();
        Entry entry{.type = cursor.u32()};
        entry.offset = cursor.u32();
        entry.count = cursor.u32();
        entries_.try_emplace(tag, entry);
    }
    where_.offset = cursor.position();
    data_ = cursor.take(size);
}

Cursor RpmTags::at(const Entry& entry) const {
    Cursor cursor(data_, ByteOrder::big, where_);
    cursor.seek(entry.offset);
    return cursor;
}

std::vector<std::string> RpmTags::strings(RpmTag tag) const {
    const auto found = entries_.find(static_cast<std::uint32_t>(tag));
    if (found == entries_.end()) return {};
    const Entry& entry = found->second;
    Cursor cursor = at(entry);
    const auto type = static_cast<RpmType>(entry.type);
    if (type != RpmType::string && type != RpmType::string_array && type != RpmType::i18n_string)
        cursor.fail(fmt::format("tag {} has type {}, expected strings", found->first, entry.type));
    std::vector<std::string> strings;
    for (std::uint32_t i = 0; i < entry.count; ++i) strings.emplace_back(cursor.c_string());
    return strings;
}

std::string RpmTags::string(RpmTag tag) const {
    const auto all = strings(tag);
    return all.empty() ? std::string() : all.front();
}

std::optional<std::uint64_t> RpmTags::number(RpmTag tag) const {
    const auto found = entries_.find(static_cast<std::uint32_t>(tag));
    if (found == entries_.end() || found->second.count == 0) return std::nullopt;
    Cursor cursor = at(found->second);
    if (static_cast<RpmType>(found->second.type) == RpmType::int32) return cursor.u32();
    if (static_cast<RpmType>(found->second.type) == RpmType::int64) return cursor.u64();
    cursor.fail(fmt::format("tag {} has type {}, expected a number", found->first, found->second.type));
}

// What follows the signatures, cut to the length that they say.
Bytes signed_part(Bytes bytes, const RpmTags& signature, std::uint64_t begin, const Location& where) {
    const Bytes rest = bytes.subspan(begin);
    auto size = signature.number(RpmTag::signature_long_size);
    if (!size) size = signature.number(RpmTag::signature_size);
    if (!size) return rest;
    if (*size > rest.size())
        throw Error(where, fmt::format("the package is cut short: it has {} of {} bytes", bytes.size(), begin + *size));
    return rest.first(*size);
}

void check_payload(const RpmTags& tags, Bytes payload, const Location& where) {
    const std::string digest = tags.string(RpmTag::payload_digest);
    if (digest.empty() || tags.number(RpmTag::payload_digest_algorithm) != digest_sha256) return;
    if (sha256_hex(payload) != digest) throw Error(where, "the package is damaged: its files do not fit its checksum");
}

std::string needed(const RpmTags& tags, RpmTag tag, std::string_view what, const Location& where) {
    std::string text = tags.string(tag);
    if (text.empty()) throw Error(where, fmt::format("a package without a {}", what));
    return text;
}

}  // namespace

bool is_rpm(Bytes bytes) {
    return bytes.size() >= lead_magic.size() && std::ranges::equal(bytes.first(lead_magic.size()), lead_magic);
}

RpmHeader read_rpm(Bytes bytes, const Location& where) {
    Cursor cursor(bytes, ByteOrder::big, where);
    cursor.skip(lead_size);
    const RpmTags signature(cursor, where);
    cursor.skip(align_up(cursor.position(), 8) - cursor.position());
    const std::uint64_t begin = cursor.position();
    const Bytes rest = signed_part(bytes, signature, begin, where);
    const RpmTags tags(cursor, where);
    if (cursor.position() - begin > rest.size()) cursor.fail("the header is longer than the package");
    RpmHeader header{.name = needed(tags, RpmTag::name, "name", where),
                     .version = needed(tags, RpmTag::version, "version", where),
                     .release = needed(tags, RpmTag::release, "release", where),
                     .arch = needed(tags, RpmTag::arch, "architecture", where),
                     .vendor = tags.string(RpmTag::vendor),
                     .source_rpm = tags.string(RpmTag::source_rpm),
                     .sources = tags.strings(RpmTag::source),
                     .patches = tags.strings(RpmTag::patch),
                     .payload = rest.subspan(cursor.position() - begin)};
    check_payload(tags, header.payload, where);
    return header;
}

}  // namespace klp::packages
