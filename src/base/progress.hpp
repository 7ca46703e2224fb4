// SPDX-License-Identifier: GPL-2.0-or-later
// Progress for people, as plain callbacks: libraries report, `cli` prints to standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace klp {

// One line of progress ("downloading linux-source-6.1 (139 MB)"). An empty function is allowed: silence.
class Progress {
public:
    using Sink = std::function<void(std::string_view)>;
    // "source files looked at", how many of how many so far. May be called by several threads at once.
    using CountSink = std::function<void(std::string_view, std::size_t, std::size_t)>;
    Progress() = default;
    explicit Progress(Sink sink, CountSink count = {}) : sink_(std::move(sink)), count_(std::move(count)) {}
    void operator()(std::string_view line) const {
        if (sink_) sink_(line);
    }
    // For a bar, where there is one.
    void count(std::string_view what, std::size_t done, std::size_t all) const {
        if (count_) count_(what, done, all);
    }
    [[nodiscard]] bool has_bar() const { return static_cast<bool>(count_); }

private:
    Sink sink_;
    CountSink count_;
};

// "30 s left", "5 minutes left": for `all` pieces of work at the pace of those `done` in `seconds`. Empty in the first
// two seconds, when these do not stand for all.
[[nodiscard]] std::string time_left(std::size_t done, std::size_t all, double seconds);

// Wall time of named stages, in the order of their first start; a stage timed twice adds up.
class Timings {
public:
    struct Stage {
        std::string name;
        double seconds = 0;
    };
    class Scope {
    public:
        Scope(Timings& timings, std::string_view name);
        ~Scope();
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;

    private:
        Timings& timings_;
        std::size_t index_;
        std::chrono::steady_clock::time_point start_;
    };
    [[nodiscard]] Scope stage(std::string_view name) { return {*this, name}; }
    [[nodiscard]] const std::vector<Stage>& stages() const noexcept { return stages_; }

private:
    std::vector<Stage> stages_;
};

// 70550672 -> "70.6 MB" (powers of ten, as package tools print).
[[nodiscard]] std::string format_size(std::uint64_t bytes);

}  // namespace klp
