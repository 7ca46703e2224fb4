// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bytes.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/process.hpp"

namespace klp {

Bytes as_bytes(std::string_view text) noexcept {
    return std::as_bytes(std::span(text));
}

std::string_view as_text(Bytes bytes) noexcept {
    const void* start = bytes.data();
    return {static_cast<const char*>(start), bytes.size()};
}

Cursor::Cursor(Bytes bytes, ByteOrder order, Location where) : bytes_(bytes), order_(order), where_(std::move(where)) {}

void Cursor::fail(std::string message) const {
    Location at = where_;
    at.offset = at.offset.value_or(0) + position_;
    throw Error(std::move(at), std::move(message));
}

void Cursor::seek(std::uint64_t position) {
    if (position > bytes_.size())
        fail(fmt::format("offset 0x{:x} is past the end (0x{:x} bytes)", position, bytes_.size()));
    position_ = position;
}

void Cursor::skip(std::uint64_t count) {
    (void)need(count);
}

Bytes Cursor::need(std::uint64_t count) {
    check_interrupted();
    if (count > remaining()) fail(fmt::format("truncated: expected {} more bytes, {} are left", count, remaining()));
    const Bytes piece = bytes_.subspan(position_, count);
    position_ += count;
    return piece;
}

std::uint8_t Cursor::u8() {
    return load<std::uint8_t>(need(1), order_);
}
std::uint16_t Cursor::u16() {
    return load<std::uint16_t>(need(2), order_);
}
std::uint32_t Cursor::u32() {
    return load<std::uint32_t>(need(4), order_);
}
std::uint64_t Cursor::u64() {
    return load<std::uint64_t>(need(8), order_);
}
std::int64_t Cursor::i64() {
    return static_cast<std::int64_t>(u64());
}
Bytes Cursor::take(std::uint64_t count) {
    return need(count);
}

std::string_view Cursor::c_string() {
    check_interrupted();
    const std::string_view rest = as_text(bytes_.subspan(position_));
    const std::size_t length = rest.find('\0');
    if (length == std::string_view::npos) fail("string without a terminating zero");
    position_ += length + 1;
    return rest.substr(0, length);
}

Bytes slice(Bytes bytes, std::uint64_t offset, std::uint64_t size, const Location& where) {
    if (offset > bytes.size() || size > bytes.size() - offset) {
        Location at = where;
        at.offset = at.offset.value_or(0) + offset;
        throw Error(std::move(at), fmt::format("0x{:x} bytes reach past the end (0x{:x} bytes)", size, bytes.size()));
    }
    return bytes.subspan(offset, size);
}

std::optional<std::size_t> find(Bytes haystack, Bytes needle, std::size_t from) {
    if (from > haystack.size()) return std::nullopt;
    const Bytes rest = haystack.subspan(from);
    if (needle.empty()) return from;
    if (rest.size() < needle.size()) return std::nullopt;  // also: no pointer at all
    const void* hit = ::memmem(rest.data(), rest.size(), needle.data(), needle.size());
    if (hit == nullptr) return std::nullopt;
    return from + static_cast<std::size_t>(static_cast<const std::byte*>(hit) - rest.data());
}

std::string sha256_hex(Bytes bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    bool done = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
    constexpr std::size_t piece = std::size_t{8} << 20;
    for (; done && !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), piece))) {
        check_interrupted();
        done = EVP_DigestUpdate(context.get(), bytes.data(), std::min(bytes.size(), piece)) == 1;
    }
    done = done && EVP_DigestFinal_ex(context.get(), digest.data(), &length) == 1;
    if (!done) throw Error("SHA-256 failed in the crypto library");
    std::string text;
    for (unsigned int i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
}

}  // namespace klp
