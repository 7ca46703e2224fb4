// SPDX-License-Identifier: GPL-2.0-or-later
// Appends integers in the byte order of a file; the writing counterpart of klp::Cursor.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.hpp"

namespace klp::elf {

class Sink {
public:
    explicit Sink(ByteOrder order) : order_(order) {}

    void u8(std::uint8_t value) { put(value); }
    void u16(std::uint16_t value) { put(value); }
    void u32(std::uint32_t value) { put(value); }
    void u64(std::uint64_t value) { put(value); }
    void bytes(Bytes bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
    void pad_to(std::uint64_t size) { out_.resize(size); }

    [[nodiscard]] std::uint64_t size() const noexcept { return out_.size(); }
    [[nodiscard]] std::vector<std::byte> take() { return std::move(out_); }

private:
    template <std::unsigned_integral T>
    void put(T value) {
        out_.resize(out_.size() + sizeof(T));
        store<T>(MutableBytes(out_).last(sizeof(T)), value, order_);
    }

    ByteOrder order_;
    std::vector<std::byte> out_;
};

// A string table in the making; equal strings share an entry.
class StringTable {
public:
    std::uint32_t add(const std::string& text) {
        if (text.empty()) return 0;
        const auto [entry, is_new] = offsets_.try_emplace(text, static_cast<std::uint32_t>(bytes_.size()));
        if (is_new) {
            bytes_ += text;
            bytes_ += '\0';
        }
        return entry->second;
    }
    [[nodiscard]] Bytes bytes() const noexcept { return as_bytes(bytes_); }

private:
    std::string bytes_ = std::string(1, '\0');
    std::unordered_map<std::string, std::uint32_t> offsets_;
};

}  // namespace klp::elf
