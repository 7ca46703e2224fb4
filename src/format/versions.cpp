// SPDX-License-Identifier: GPL-2.0-or-later
#include "format/versions.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace klp::format {

namespace {

constexpr std::uint64_t extended_crc_size = 4;

}  // namespace

std::vector<Version> read_versions(Bytes section, ByteOrder order) {
    std::vector<Version> versions;
    for (std::uint64_t at = 0; at + version_size <= section.size(); at += version_size) {
        const Bytes entry = section.subspan(at, version_size);
        versions.push_back({load<std::uint64_t>(entry, order), c_string(as_text(entry.subspan(version_crc_size))), at});
    }
    return versions;
}

std::vector<Version> read_extended_versions(Bytes crcs, Bytes names, ByteOrder order) {
    std::vector<Version> versions;
    std::string_view rest = as_text(names);
    for (std::uint64_t at = 0; at + extended_crc_size <= crcs.size() && !rest.empty(); at += extended_crc_size) {
        const std::string_view name = c_string(rest);
        versions.push_back({load<std::uint32_t>(crcs.subspan(at, extended_crc_size), order), name, at});
        rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    }
    return versions;
}

std::vector<std::byte> make_versions(std::span<const Version> versions, ByteOrder order) {
    std::vector<std::byte> bytes(versions.size() * version_size);
    for (std::size_t i = 0; i < versions.size(); ++i) {
        const MutableBytes entry = MutableBytes(bytes).subspan(i * version_size, version_size);
        store<std::uint64_t>(entry, versions[i].crc, order);
        std::ranges::copy(as_bytes(versions[i].name), entry.subspan(version_crc_size).begin());
    }
    return bytes;
}

ExtendedVersions make_extended_versions(std::span<const Version> versions, ByteOrder order) {
    ExtendedVersions made;
    for (const Version& each : versions) {
        const std::size_t at = made.crcs.size();
        made.crcs.resize(at + extended_crc_size);
        store<std::uint32_t>(MutableBytes(made.crcs).subspan(at), static_cast<std::uint32_t>(each.crc), order);
        const Bytes name = as_bytes(each.name);
        made.names.insert(made.names.end(), name.begin(), name.end());
        made.names.push_back(std::byte{0});
    }
    return made;
}

}  // namespace klp::format
