// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/hunks.hpp"

#include <algorithm>

#include "base/process.hpp"

namespace klp::source {
namespace {

std::vector<std::string_view> lines_without(const Hunk& hunk, HunkLine::Kind absent) {
    std::vector<std::string_view> lines;
    for (const auto& line : hunk.lines) {
        if (line.kind != absent) lines.emplace_back(line.text);
    }
    return lines;
}

}  // namespace

std::vector<std::string_view> lines_before(const Hunk& hunk) {
    return lines_without(hunk, HunkLine::Kind::added);
}

std::vector<std::string_view> lines_after(const Hunk& hunk) {
    return lines_without(hunk, HunkLine::Kind::removed);
}

// `@@ -N,0` means "after line N" (diff(1), "Detailed Unified").
std::size_t stated_place(const Hunk& hunk) {
    if (hunk.old_count == 0) return hunk.old_start;
    return hunk.old_start == 0 ? 0 : hunk.old_start - 1;
}

bool LineFinder::matches(const std::vector<std::string_view>& expected, std::size_t at) const {
    return std::equal(expected.begin(), expected.end(), file_.begin() + static_cast<std::ptrdiff_t>(at),
                      [](std::string_view want, const Line& have) { return want == have.text; });
}

Place LineFinder::find(const std::vector<std::string_view>& expected, std::size_t wanted, std::size_t begin) {
    if (expected.size() > file_.size()) return {};
    const bool is_inside = wanted >= begin && wanted <= file_.size() - expected.size();
    if (is_inside && matches(expected, wanted)) return {wanted, false};
    return expected.empty() ? Place{} : find_nearest(expected, wanted, begin);
}

// Goes through the places of the line that the file has least often, from `wanted` outwards.
Place LineFinder::find_nearest(const std::vector<std::string_view>& expected, std::size_t wanted, std::size_t begin) {
    make_index();
    const auto positions_of = [this](std::string_view text) -> const Positions& {
        static const Positions none;
        const auto found = index_.find(text);
        return found == index_.end() ? none : found->second;
    };
    const auto rarest =
        std::ranges::min_element(expected, {}, [&](std::string_view text) { return positions_of(text).size(); });
    const auto line = static_cast<std::size_t>(rarest - expected.begin());
    const Positions& positions = positions_of(*rarest);

    const auto lowest = std::ranges::lower_bound(positions, begin + line);
    const auto beyond = std::ranges::upper_bound(positions, file_.size() - expected.size() + line);
    auto below = std::clamp(std::ranges::upper_bound(positions, wanted + line), lowest, std::max(lowest, beyond));
    auto above = below;  // one behind the next one on that side
    while (below < beyond || above > lowest) {
        check_interrupted();
        const std::size_t down = below < beyond ? *below - line - wanted : SIZE_MAX;
        const std::size_t up = above > lowest ? wanted + line - *(above - 1) : SIZE_MAX;
        const bool fits_below = down <= up && matches(expected, wanted + down);
        const bool fits_above = up <= down && matches(expected, wanted - up);
        if (fits_below && fits_above) return {{}, true};
        if (fits_below) return {wanted + down, false};
        if (fits_above) return {wanted - up, false};
        if (down <= up) ++below;
        if (up <= down) --above;
    }
    return {};
}

void LineFinder::make_index() {
    if (!index_.empty()) return;
    for (std::size_t i = 0; i < file_.size(); ++i) index_[file_[i].text].push_back(i);
}

std::vector<Line> with_hunks(std::vector<Line> file, const std::vector<Hunk>& hunks,
                             const std::vector<std::size_t>& places) {
    std::vector<Line> result;
    result.reserve(file.size());
    auto from = file.begin();
    const auto keep_until = [&](std::vector<Line>::iterator end) {
        result.insert(result.end(), std::make_move_iterator(from), std::make_move_iterator(end));
        from = end;
    };
    for (std::size_t i = 0; i < hunks.size(); ++i) {
        keep_until(file.begin() + static_cast<std::ptrdiff_t>(places[i]));
        for (const auto& line : hunks[i].lines) {
            if (line.kind == HunkLine::Kind::added) result.push_back({line.text, 0});
            if (line.kind == HunkLine::Kind::context) keep_until(from + 1);
            if (line.kind == HunkLine::Kind::removed) ++from;
        }
    }
    keep_until(file.end());
    return result;
}

}  // namespace klp::source
