// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/kallsyms_tables.hpp"

#include <algorithm>

#include "base/align.hpp"
#include "base/kernel_names.hpp"

namespace klp::kernel {

namespace {

constexpr std::uint64_t alignment = 4;        // the smallest of any layout
constexpr std::uint64_t longest_padding = 7;  // before an 8-aligned table
constexpr std::uint64_t longest_token = symbol_name_size;
constexpr std::uint64_t longest_name = symbol_name_size + 2;  // compressed: two bytes of length
constexpr std::uint64_t names_a_marker = 256;
constexpr std::uint64_t token_index_size = 512;  // 256 of 2 bytes

bool is_padding(Bytes bytes) {
    return bytes.size() <= longest_padding &&
           std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

// A section as tables are looked for in it: positions are checked by the callers.
struct View {
    Bytes bytes;
    ByteOrder order;

    [[nodiscard]] std::uint64_t size() const { return bytes.size(); }
    [[nodiscard]] bool holds(std::uint64_t at, std::uint64_t count) const {
        return at <= size() && count <= size() - at;
    }
    template <typename T>
    [[nodiscard]] T value(std::uint64_t at) const {
        return load<T>(bytes.subspan(at, sizeof(T)), order);
    }
    [[nodiscard]] std::uint8_t byte(std::uint64_t at) const { return std::to_integer<std::uint8_t>(bytes[at]); }
    [[nodiscard]] Bytes between(std::uint64_t begin, std::uint64_t end) const {
        return bytes.subspan(begin, end - begin);
    }
};

using Index = std::array<std::uint16_t, 256>;

// 256 numbers from 0 on, each greater than the one before (a token has at least its terminating zero).
std::optional<Index> index_at(const View& view, std::uint64_t at) {
    if (view.bytes[at] != std::byte{0} || view.bytes[at + 1] != std::byte{0}) return std::nullopt;
    Index index{};
    for (std::size_t i = 1; i < index.size(); ++i) {
        index[i] = view.value<std::uint16_t>(at + 2 * i);
        if (index[i] <= index[i - 1] || index[i] > index[i - 1] + longest_token) return std::nullopt;
    }
    return index;
}

// The strings of a token table at `begin`, if it is one that ends right before its index.
std::optional<TokenTable> tokens_at(const View& view, std::uint64_t begin, const Index& index, std::uint64_t index_at) {
    TokenTable table{begin, index_at + token_index_size, {}};
    for (std::size_t i = 0; i < index.size(); ++i) {
        const std::string_view rest = as_text(view.between(begin + index[i], index_at));
        const std::size_t length = rest.find('\0');
        if (length == std::string_view::npos) return std::nullopt;
        const bool is_last = i + 1 == index.size();
        if (!is_last && index[i + 1] != index[i] + length + 1) return std::nullopt;
        if (is_last && !is_padding(view.between(begin + index[i] + length + 1, index_at))) return std::nullopt;
        table.tokens[i] = rest.substr(0, length);
    }
    return table;
}

// The numbers of `width` bytes from `at` on that can be markers: the first is 0, and between two are 256 names.
// (Markers were of 8 bytes up to 4.19.)
std::vector<std::uint64_t> markers_at(const View& view, std::uint64_t at, std::uint64_t end, std::uint64_t width) {
    std::vector<std::uint64_t> markers;
    for (; at + width <= end; at += width) {
        const std::uint64_t marker = width == 4 ? view.value<std::uint32_t>(at) : view.value<std::uint64_t>(at);
        const bool fits = markers.empty() ? marker == 0
                                          : marker >= markers.back() + 2 * names_a_marker &&
                                                marker <= markers.back() + longest_name * names_a_marker;
        if (!fits) break;
        markers.push_back(marker);
    }
    return markers;
}

// `count` compressed names from `at` on, with the markers given.
std::optional<NamesTable> names_at(const View& view, std::uint64_t at, std::uint32_t count,
                                   const std::vector<std::uint64_t>& markers, std::uint64_t end) {
    NamesTable names;
    names.count = count;
    names.starts.reserve(count);
    names.sizes.reserve(count);
    std::uint64_t position = at;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (i % names_a_marker == 0 && markers[i / names_a_marker] != position - at) return std::nullopt;
        if (position + 2 > end) return std::nullopt;
        std::uint32_t length = view.byte(position++);
        // From 6.1 on the length is ULEB128 of at most two bytes; no name was of 128 bytes before.
        if (length >= 0x80) length = (length & 0x7f) | static_cast<std::uint32_t>(view.byte(position++)) << 7;
        if (length == 0 || length > end - position) return std::nullopt;
        names.starts.push_back(static_cast<std::uint32_t>(position));
        names.sizes.push_back(static_cast<std::uint16_t>(length));
        position += length;
    }
    if (!is_padding(view.between(position, end))) return std::nullopt;
    return names;
}

// num_syms before names at `at`: a 32-bit number, with padding behind it or not. (A 64-bit one, up to 4.19,
// reads the same in both byte orders.)
std::vector<std::pair<std::uint64_t, std::uint32_t>> counts_before(const View& view, std::uint64_t at) {
    std::vector<std::pair<std::uint64_t, std::uint32_t>> counts;
    if (at >= 4) counts.emplace_back(at - 4, view.value<std::uint32_t>(at - 4));
    if (at >= 8 && at % 8 == 0) {
        const std::uint32_t padding = view.value<std::uint32_t>(at - 4);
        const std::uint32_t value = view.value<std::uint32_t>(at - 8);
        if (padding == 0)
            counts = {{at - 8, value}};
        else if (value == 0)
            counts = {{at - 8, padding}};
    }
    return counts;
}

// The names that end where their markers begin.
std::optional<NamesTable> names_before(const View& view, std::uint64_t markers_begin,
                                       const std::vector<std::uint64_t>& markers) {
    const std::uint64_t last_block = markers.back();
    const std::uint64_t most = (markers.size() * names_a_marker);
    if (markers_begin < last_block + 2) return std::nullopt;
    const std::uint64_t highest = (markers_begin - last_block - 2) / alignment * alignment;
    const std::uint64_t reach = longest_name * names_a_marker + longest_padding;
    const std::uint64_t lowest = std::max(alignment, highest > reach ? highest - reach : 0);
    for (std::uint64_t at = highest; at >= lowest; at -= alignment) {
        for (const auto& [position, count] : counts_before(view, at)) {
            if (count == 0 || count > most || count <= most - names_a_marker) continue;
            auto names = names_at(view, at, count, markers, markers_begin);
            if (!names) continue;
            names->num_syms_at = position;
            return names;
        }
    }
    return std::nullopt;
}

// Between markers and token table is nothing but padding, or (6.2 and 6.3) seqs_of_names, 3 bytes a name.
bool gap_fits(std::uint64_t gap, std::uint32_t count) {
    const std::uint64_t seqs = 3 * std::uint64_t{count};
    return gap <= longest_padding || (gap >= seqs && gap <= seqs + 2 * longest_padding);
}

bool gap_may_fit(std::uint64_t gap, std::size_t markers) {
    const std::uint64_t most = 3 * names_a_marker * markers;
    return gap <= longest_padding || (gap > most - 3 * names_a_marker && gap <= most + 2 * longest_padding);
}

using Addresses = std::optional<std::vector<std::uint64_t>>;

// `address_of(i)` for each symbol; nullopt where they do not ascend.
template <typename AddressOf>
Addresses ascending(std::uint32_t count, const AddressOf& address_of) {
    std::vector<std::uint64_t> addresses(count);
    std::uint64_t last = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        addresses[i] = address_of(i);
        if (addresses[i] < last) return std::nullopt;
        last = addresses[i];
    }
    return addresses;
}

class AddressFinder {
public:
    AddressFinder(const View& view, std::uint64_t section_address, std::uint32_t count)
        : view_(view), section_address_(section_address), count_(count) {}

    std::vector<std::vector<std::uint64_t>> found;

    // kernel/kallsyms.c:kallsyms_sym_address with CONFIG_KALLSYMS_BASE_RELATIVE.
    void base_relative(std::uint64_t offsets, std::uint64_t base_at) {
        if (!view_.holds(offsets, 4 * std::uint64_t{count_}) || !view_.holds(base_at, 8)) return;
        const std::uint64_t base = view_.value<std::uint64_t>(base_at);
        const auto offset = [&](std::uint32_t i) { return view_.value<std::uint32_t>(offsets + 4 * std::uint64_t{i}); };
        keep(ascending(count_, [&](std::uint32_t i) { return base + offset(i); }));
        // With CONFIG_KALLSYMS_ABSOLUTE_PERCPU: what is not negative is an address itself, all else counts down.
        keep(ascending(count_, [&](std::uint32_t i) {
            const auto value = static_cast<std::int32_t>(offset(i));
            return value >= 0 ? static_cast<std::uint64_t>(value)
                              : base - 1 - static_cast<std::uint64_t>(std::int64_t{value});
        }));
    }

    // kernel/kallsyms.c:kallsyms_sym_address from 7.0 on: each offset counts from its own place.
    void place_relative(std::uint64_t offsets) {
        if (!view_.holds(offsets, 4 * std::uint64_t{count_})) return;
        keep(ascending(count_, [&](std::uint32_t i) {
            const std::uint64_t at = offsets + 4 * std::uint64_t{i};
            const auto offset = static_cast<std::int32_t>(view_.value<std::uint32_t>(at));
            return section_address_ + at + static_cast<std::uint64_t>(std::int64_t{offset});
        }));
    }

    void absolute(std::uint64_t addresses) {
        if (!view_.holds(addresses, 8 * std::uint64_t{count_})) return;
        keep(ascending(count_,
                       [&](std::uint32_t i) { return view_.value<std::uint64_t>(addresses + 8 * std::uint64_t{i}); }));
    }

private:
    void keep(Addresses addresses) {
        if (addresses) found.push_back(std::move(*addresses));
    }

    const View& view_;
    std::uint64_t section_address_;
    std::uint32_t count_;
};

}  // namespace

std::optional<TokenTable> find_tokens(Bytes section, ByteOrder order, std::uint64_t from) {
    const View view{section, order};
    for (std::uint64_t at = align_up(from, alignment); view.holds(at, token_index_size); at += alignment) {
        const auto index = index_at(view, at);
        if (!index || at <= index->back()) continue;
        const std::uint64_t highest = (at - index->back() - 1) / alignment * alignment;
        const std::uint64_t reach = longest_token + longest_padding;
        const std::uint64_t lowest = highest > reach ? highest - reach : 0;
        for (std::uint64_t begin = highest; begin >= lowest; begin -= alignment) {
            if (auto tokens = tokens_at(view, begin, *index, at)) return tokens;
            if (begin < alignment) break;
        }
    }
    return std::nullopt;
}

std::optional<NamesTable> find_names(Bytes section, ByteOrder order, const TokenTable& tokens) {
    const View view{section, order};
    for (std::uint64_t at = tokens.begin / alignment * alignment; at >= alignment; at -= alignment) {
        for (const std::uint64_t width : {4U, 8U}) {
            const auto markers = markers_at(view, at, tokens.begin, width);
            if (markers.empty()) continue;
            const std::uint64_t gap = tokens.begin - at - width * markers.size();
            if (!gap_may_fit(gap, markers.size())) continue;
            auto names = names_before(view, at, markers);
            if (names && gap_fits(gap, names->count)) return names;
        }
    }
    return std::nullopt;
}

std::vector<std::vector<std::uint64_t>> find_addresses(Bytes section, std::uint64_t section_address, ByteOrder order,
                                                       const TokenTable& tokens, const NamesTable& names) {
    const View view{section, order};
    AddressFinder finder(view, section_address, names.count);
    const std::uint64_t offsets_size = align_up(4 * std::uint64_t{names.count}, 8);
    // In front of num_syms, as up to 6.3 …
    const std::uint64_t base_before = names.num_syms_at - 8;
    if (names.num_syms_at >= offsets_size + 8) finder.base_relative(base_before - offsets_size, base_before);
    if (names.num_syms_at >= 8 * std::uint64_t{names.count})
        finder.absolute(names.num_syms_at - 8 * std::uint64_t{names.count});
    // … and behind token_index, as from 6.4 on.
    const std::uint64_t after = align_up(tokens.end, 8);
    finder.base_relative(after, after + offsets_size);
    finder.place_relative(tokens.end);
    finder.absolute(after);
    return std::move(finder.found);
}

}  // namespace klp::kernel
