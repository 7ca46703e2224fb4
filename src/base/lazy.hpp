// SPDX-License-Identifier: GPL-2.0-or-later
// Values that are made when they are asked for.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>

namespace klp {

// Made on first use, by whichever thread comes first; the others wait. After a failure the next use tries again. Not
// with std::call_once: for an exception to pass it, the C library (pthread_once()) loads libgcc_s, and aborts the
// program where there is no memory for that.
template <typename T>
class Lazy {
public:
    // `make` must not ask for the same value.
    template <typename Make>
    const T& get(const Make& make) {
        if (is_made_.load(std::memory_order_acquire)) return *value_;
        const std::lock_guard lock(mutex_);
        if (!value_) value_.emplace(make());
        is_made_.store(true, std::memory_order_release);
        return *value_;
    }

private:
    std::atomic<bool> is_made_ = false;
    std::mutex mutex_;
    std::optional<T> value_;
};

}  // namespace klp
