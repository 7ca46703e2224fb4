// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/process.hpp"

namespace klp {

namespace {

// Hands out indices until one job fails, and keeps the failure of the lowest index.
class JobQueue {
public:
    JobQueue(std::size_t count, const std::function<void(std::size_t)>& job) : count_(count), job_(job) {}

    void work() {
        for (std::size_t index = next_++; index < count_ && !failed_; index = next_++) {
            try {
                check_interrupted();
                job_(index);
            } catch (...) {
                keep(index, std::current_exception());
            }
        }
    }

    void rethrow() const {
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    void keep(std::size_t index, std::exception_ptr failure) {
        const std::lock_guard lock(mutex_);
        failed_ = true;
        if (failure_ && failed_index_ < index) return;
        failure_ = std::move(failure);
        failed_index_ = index;
    }

    std::size_t count_;
    const std::function<void(std::size_t)>& job_;
    std::atomic<std::size_t> next_ = 0;
    std::atomic<bool> failed_ = false;
    std::mutex mutex_;
    std::exception_ptr failure_;
    std::size_t failed_index_ = 0;
};

}  // namespace

void parallel_for(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& job) {
    if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
    JobQueue queue(count, job);
    {
        std::vector<std::jthread> helpers;  // joined at the end of the block
        for (std::size_t i = 1; i < std::min<std::size_t>(threads, count); ++i)
            helpers.emplace_back([&queue] { queue.work(); });
        queue.work();
    }
    queue.rethrow();
}

}  // namespace klp
