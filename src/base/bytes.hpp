// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes of some input: byte order bound once, every read checked against the end.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace klp {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

enum class ByteOrder : std::uint8_t { little, big };

// Unchecked conversions for spans of known size; `bytes.size() >= sizeof(T)`.
template <std::unsigned_integral T>
[[nodiscard]] T load(Bytes bytes, ByteOrder order) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        const std::size_t at = order == ByteOrder::little ? sizeof(T) - 1 - i : i;
        value = (value << 8) | std::to_integer<std::uint64_t>(bytes[at]);
    }
    return static_cast<T>(value);
}

template <std::unsigned_integral T>
void store(MutableBytes bytes, T value, ByteOrder order) noexcept {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        const std::size_t shift = order == ByteOrder::little ? i : sizeof(T) - 1 - i;
        bytes[i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * shift));
    }
}

[[nodiscard]] Bytes as_bytes(std::string_view text) noexcept;
[[nodiscard]] std::string_view as_text(Bytes bytes) noexcept;

// A bounds-checked reading position. Each failure is an Error that names `where`, with the offset at which
// the read began. Reading throws Interrupted, too.
class Cursor {
public:
    Cursor(Bytes bytes, ByteOrder order, Location where = {});

    [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
    [[nodiscard]] std::uint64_t remaining() const noexcept { return bytes_.size() - position_; }
    [[nodiscard]] bool at_end() const noexcept { return remaining() == 0; }
    [[nodiscard]] ByteOrder order() const noexcept { return order_; }

    void seek(std::uint64_t position);  // from the start; the end itself is allowed
    void skip(std::uint64_t count);

    std::uint8_t u8();
    std::uint16_t u16();
    std::uint32_t u32();
    std::uint64_t u64();
    std::int64_t i64();
    Bytes take(std::uint64_t count);
    std::string_view c_string();  // up to the terminating zero, which is consumed and must exist

    // An Error at the current position.
    [[noreturn]] void fail(std::string message) const;

private:
    Bytes need(std::uint64_t count);

    Bytes bytes_;
    ByteOrder order_;
    Location where_;
    std::uint64_t position_ = 0;
};

// A slice that is checked; `where` names the input in the message.
[[nodiscard]] Bytes slice(Bytes bytes, std::uint64_t offset, std::uint64_t size, const Location& where);

// The position of `needle` at or after `from`.
[[nodiscard]] std::optional<std::size_t> find(Bytes haystack, Bytes needle, std::size_t from = 0);

// SHA-256 as 64 lower-case hexadecimal digits; names entries of the object cache.
[[nodiscard]] std::string sha256_hex(Bytes bytes);

}  // namespace klp
