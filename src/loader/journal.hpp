// SPDX-License-Identifier: GPL-2.0-or-later
// What happens in the course of one event: the report as it grows, and the two ways out of the kernel's code.
#pragma once

#include <string>
#include <utility>

#include "base/error.hpp"
#include "loader/simulation.hpp"

namespace klp::loader {

// The kernel's functions return a negative errno; its messages have been logged before.
struct Refused {
    int error = 0;  // positive
};

// The model cannot tell what the kernel does.
struct Undefined {
    std::string what;
    bool no_tables = false;  // EventReport::no_tables
};

// Runs the model's own reading of a module: where that is led astray, so is the kernel.
template <typename Work>
decltype(auto) as_undefined(Work work) {
    try {
        return work();
    } catch (const Error& error) {
        throw Undefined{error.what()};
    }
}

class Journal {
public:
    explicit Journal(EventReport& report) : report_(report) {}

    [[nodiscard]] EventReport& report() noexcept { return report_; }
    void error(std::string text) { add(LogLine::Level::error, std::move(text)); }
    void warning(std::string text) { add(LogLine::Level::warning, std::move(text)); }
    void notice(std::string text) { add(LogLine::Level::notice, std::move(text)); }
    [[noreturn]] void refuse(int error_number, std::string text) {
        error(std::move(text));
        throw Refused{error_number};
    }

private:
    void add(LogLine::Level level, std::string text) { report_.log.push_back({level, std::move(text)}); }

    EventReport& report_;
};

}  // namespace klp::loader
