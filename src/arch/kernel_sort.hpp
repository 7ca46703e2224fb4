// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's sort() (lib/sort.c): a heap sort, which leaves equal elements in an order of its own. Loaders sort
// relocations, and then apply them in that order; which of two equal ones comes first decides what was written when the
// kernel refuses one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace klp::arch {

// How sort() takes elements off its heap.
enum class HeapSort : std::uint8_t { takes_one, takes_two };  // up to 6.10, since 6.11

// `compare` gives a negative number, zero or a positive one.
template <typename T, typename Compare>
class HeapSorter {
public:
    HeapSorter(std::span<T> all, Compare compare, HeapSort kind) : all_(all), compare_(compare), kind_(kind) {}

    void run() {
        if (all_.size() < 2) return;
        for (std::size_t root = all_.size() / 2; root-- > 0;) sift(root, all_.size());
        if (kind_ == HeapSort::takes_one) {
            take_one_at_a_time();
        } else {
            take_two_at_a_time();
        }
    }

private:
    void swap(std::size_t a, std::size_t b) { std::swap(all_[a], all_[b]); }
    [[nodiscard]] int compare(std::size_t a, std::size_t b) const { return compare_(all_[a], all_[b]); }

    // Down to a leaf by way of the larger children, and up again to where the root's element belongs.
    void sift(std::size_t root, std::size_t size) {
        std::size_t place = root;
        while (2 * place + 2 < size) {
            const std::size_t left = 2 * place + 1;
            const int order = compare(left, left + 1);
            const bool goes_left = kind_ == HeapSort::takes_one ? order >= 0 : order > 0;
            place = goes_left ? left : left + 1;
        }
        if (2 * place + 2 == size) place = 2 * place + 1;
        while (place != root && compare(root, place) >= 0) place = (place - 1) / 2;
        for (std::size_t above = place; above != root;) {
            above = (above - 1) / 2;
            swap(above, place);
        }
    }

    void take_one_at_a_time() {
        for (std::size_t size = all_.size() - 1; size > 0; --size) {
            swap(0, size);
            sift(0, size);
        }
    }

    // The root and the larger of its children, before the heap is mended at both places.
    void take_two_at_a_time() {
        std::size_t size = all_.size();
        while (size > 3) {
            swap(0, --size);
            const std::size_t second = compare(1, 2) <= 0 ? 2 : 1;
            swap(second, --size);
            sift(second, size);
            sift(0, size);
        }
        swap(0, --size);
        if (size == 2 && compare(0, 1) > 0) swap(0, 1);
    }

    std::span<T> all_;
    Compare compare_;
    HeapSort kind_;
};

template <typename T, typename Compare>
void kernel_sort(std::span<T> all, Compare compare, HeapSort kind) {
    HeapSorter<T, Compare>(all, compare, kind).run();
}

}  // namespace klp::arch
