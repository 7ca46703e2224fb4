// SPDX-License-Identifier: GPL-2.0-or-later
// Failures: one exception type that says where and why, and which exit code the program ends with.
//
// An exception is for the case in which no value can be had. Findings about the user's input that can be
// collected go to a Diagnostics (diagnostics.hpp) instead, so that one run reports all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace klp {

// What the program's exit status means to a script; documented in docs/exit-codes.md.
enum class ExitCode : int {
    done = 0,       // the command did what was asked
    error = 1,      // bad input, or something outside failed: compiler, network, disk, QEMU
    unsafe = 2,     // the change is unsafe, or cannot be expressed as a livepatch
    unchanged = 3,  // the patch changes no code
    usage = 64,     // wrong usage of the command line (sysexits.h EX_USAGE)
};

// A place in some input. `section` and `offset` (in bytes, from the start of the section, or of the file
// where `section` is empty) are optional. Printed as `file:(.section+0xoff)`, `file:+0xoff` or `file`.
struct Location {
    std::string file;
    std::string section;
    std::optional<std::uint64_t> offset;

    [[nodiscard]] std::string text() const;  // empty for an empty location
    bool operator==(const Location&) const = default;
};

// `what()` is `location: message`, in lower case and without a final period. Hints say what to do about it.
class Error : public std::runtime_error {
public:
    explicit Error(std::string message, ExitCode code = ExitCode::error);
    Error(Location where, std::string message, ExitCode code = ExitCode::error);

    // Chainable: `throw Error("…").hint("install qemu-system-x86")`.
    Error&& hint(std::string text) &&;
    Error& hint(std::string text) &;

    [[nodiscard]] ExitCode code() const noexcept { return code_; }
    [[nodiscard]] const Location& where() const noexcept { return where_; }
    [[nodiscard]] const std::string& message() const noexcept { return message_; }
    [[nodiscard]] const std::vector<std::string>& hints() const noexcept { return hints_; }

private:
    Location where_;
    std::string message_;
    ExitCode code_;
    std::vector<std::string> hints_;
};

// The user pressed Ctrl-C (or the process got SIGTERM): unwinds the stack, so that every temporary goes. It is no
// Error, so that nobody who copes with failures copes with it.
class Interrupted : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override { return "interrupted"; }
};

}  // namespace klp
