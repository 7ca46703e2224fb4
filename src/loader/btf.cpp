// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/btf.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace klp::loader {

namespace {

constexpr int not_supported = 524;  // ENOTSUPP, which user space does not know
constexpr std::uint16_t btf_magic = 0xeb9f;
constexpr std::uint8_t btf_version = 1;
constexpr std::uint64_t header_length_end = 8, header_size = 24;
constexpr std::uint32_t most_string_bytes = 0x0100'0000;

struct BtfHeader {
    std::uint16_t magic = 0;
    std::uint8_t version = 0, flags = 0;
    std::uint32_t length = 0, type_offset = 0, type_length = 0, string_offset = 0, string_length = 0;
};

// What the header is too short for is zero.
BtfHeader read_header(Bytes data, ByteOrder order) {
    const auto length = load<std::uint32_t>(data.subspan(4), order);
    std::array<std::byte, header_size> copy{};
    std::ranges::copy(data.first(std::min<std::uint64_t>(length, header_size)), copy.begin());
    const Bytes bytes(copy);
    const auto word = [&](std::uint64_t at) { return load<std::uint32_t>(bytes.subspan(at), order); };
    return {load<std::uint16_t>(bytes, order),
            std::to_integer<std::uint8_t>(bytes[2]),
            std::to_integer<std::uint8_t>(bytes[3]),
            word(4),
            word(8),
            word(12),
            word(16),
            word(20)};
}

// btf_check_sec_info(): the two parts follow each other, and nothing follows them.
std::optional<BtfFault> find_part_fault(const BtfHeader& header, std::uint64_t size) {
    std::array<std::pair<std::uint32_t, std::uint32_t>, 2> parts{
        {{header.type_offset, header.type_length}, {header.string_offset, header.string_length}}};
    std::ranges::sort(parts);
    const std::uint64_t expected = size - header.length;
    std::uint64_t total = 0;
    for (const auto& [offset, length] : parts) {
        if (expected < offset) return BtfFault{EINVAL, "Invalid section offset"};
        if (total < offset) return BtfFault{EINVAL, "Unsupported section found"};
        if (total > offset) return BtfFault{EINVAL, "Section overlap found"};
        if (expected - total < length) return BtfFault{EINVAL, "Total section length too long"};
        total += length;
    }
    if (expected != total) return BtfFault{EINVAL, "Unsupported section found"};
    return std::nullopt;
}

// btf_parse_str_sec()
std::optional<BtfFault> find_string_fault(const BtfHeader& header, Bytes data) {
    const std::uint64_t end = std::uint64_t{header.length} + header.string_offset + header.string_length;
    if (end != data.size()) return BtfFault{EINVAL, "String section is not at the end"};
    if (header.string_length == 0) return std::nullopt;
    if (header.string_length > most_string_bytes || data.back() != std::byte{0})
        return BtfFault{EINVAL, "Invalid string section"};
    return std::nullopt;
}

}  // namespace

// btf_parse_hdr()
std::optional<BtfFault> find_btf_fault(Bytes data, ByteOrder order) {
    if (data.size() < header_length_end) return BtfFault{EINVAL, "hdr_len not found"};
    const auto length = load<std::uint32_t>(data.subspan(4), order);
    if (data.size() < length) return BtfFault{EINVAL, "btf_header not found"};
    const auto is_zero = [](std::byte each) { return each == std::byte{0}; };
    if (length > header_size && !std::ranges::all_of(data.subspan(header_size, length - header_size), is_zero))
        return BtfFault{E2BIG, "Unsupported btf_header"};
    const BtfHeader header = read_header(data, order);
    if (header.magic != btf_magic) return BtfFault{EINVAL, "Invalid magic"};
    if (header.version != btf_version) return BtfFault{not_supported, "Unsupported version"};
    if (header.flags != 0) return BtfFault{not_supported, "Unsupported flags"};
    if (const auto fault = find_part_fault(header, data.size())) return fault;
    return find_string_fault(header, data);
}

}  // namespace klp::loader
