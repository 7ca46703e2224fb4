// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/ftrace_records.hpp"

#include <algorithm>
#include <bit>

namespace klp::kernel {

namespace {

// How many records the next group has room for (ftrace_allocate_records()), where memory is not short: the largest
// power of two of pages that the records left over fill.
std::uint64_t room_of_group(std::uint64_t left, const FtraceSizes& sizes) {
    const std::uint64_t in_page = std::max<std::uint64_t>(sizes.page / sizes.record, 1);
    const std::uint64_t pages = (left + in_page - 1) / in_page;
    return std::max<std::uint64_t>(std::bit_floor(pages) * sizes.page / sizes.record, 1);
}

}  // namespace

FtraceRecords::FtraceRecords(const std::vector<std::uint64_t>& calls, std::uint64_t entries, const FtraceSizes& sizes)
    : sizes_(sizes) {
    std::uint64_t left = std::max<std::uint64_t>(entries, calls.size());
    for (auto next = calls.begin(); next != calls.end();) {
        const std::uint64_t room = room_of_group(left, sizes);
        left -= std::min(left, room);
        const auto count = std::min<std::uint64_t>(room, static_cast<std::uint64_t>(calls.end() - next));
        const auto end = next + static_cast<std::ptrdiff_t>(count);
        groups_.emplace_back(next, end);
        next = end;
    }
}

void FtraceRecords::free(std::uint64_t begin, std::uint64_t end) {
    if (begin >= end) return;
    for (Group& group : groups_)
        std::erase_if(group, [&](std::uint64_t record) { return compare(begin, end - 1, record) == 0; });
    std::erase_if(groups_, [](const Group& group) { return group.empty(); });
}

std::optional<std::uint64_t> FtraceRecords::location(std::uint64_t begin, std::uint64_t end) const {
    if (const auto exact = look_up(begin, begin)) return exact;
    return end > begin ? look_up(begin, end - 1) : std::nullopt;
}

// ftrace_cmp_recs(): zero where the instruction of the record touches the addresses from `first` to `last`.
int FtraceRecords::compare(std::uint64_t first, std::uint64_t last, std::uint64_t record) const noexcept {
    if (last < record) return -1;
    return first >= record + sizes_.instruction ? 1 : 0;
}

// lib/bsearch.c: which of several that touch the addresses is met depends on the middles that it tries.
std::optional<std::uint64_t> FtraceRecords::search(const Group& group, std::uint64_t first,
                                                   std::uint64_t last) const noexcept {
    std::size_t base = 0;
    for (std::size_t count = group.size(); count > 0; count >>= 1) {
        const std::size_t middle = base + (count >> 1);
        const int order = compare(first, last, group[middle]);
        if (order == 0) return group[middle];
        if (order > 0) {
            base = middle + 1;
            --count;
        }
    }
    return std::nullopt;
}

// lookup_rec()
std::optional<std::uint64_t> FtraceRecords::look_up(std::uint64_t first, std::uint64_t last) const noexcept {
    for (const Group& group : groups_) {
        if (last < group.front() || first >= group.back() + sizes_.instruction) continue;
        if (const auto found = search(group, first, last)) return found;
    }
    return std::nullopt;
}

}  // namespace klp::kernel
