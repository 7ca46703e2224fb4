// SPDX-License-Identifier: GPL-2.0-or-later
// Child processes: no shell, output captured, none left behind, interruption seen while waiting.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/sandbox.hpp"

namespace klp {

struct Command {
    std::vector<std::string> argv;  // argv[0] is looked up in PATH
    fs::path directory{};           // empty: the current one
    // Names and values; when `clear_environment`, these are the whole environment, else they are added.
    std::vector<std::pair<std::string, std::string>> environment{};
    bool clear_environment = false;
    std::string input{};  // standard input; empty means /dev/null
    std::optional<std::chrono::milliseconds> time_limit{};
    // Called with each piece of standard output as it arrives (it is captured as well).
    std::function<void(std::string_view)> on_output{};
    // It is a program of another distribution: `directory` is one of the sandbox's folders, or below one.
    std::optional<Sandbox> sandbox{};

    [[nodiscard]] std::string text() const;  // quoted for a shell, for messages
};

struct CommandResult {
    int status = 0;          // exit status; 128 + signal number where a signal ended it
    bool timed_out = false;  // the time limit ended it
    std::string output;      // standard output
    std::string errors;      // standard error
};

// Runs to the end. The child gets a process group of its own, which is killed as a whole on the time limit,
// and on interruption (then Interrupted is thrown). Error: the program cannot be started (not found, …).
[[nodiscard]] CommandResult run(const Command& command);

// As run(), but a status other than 0 is an Error that has the last lines of standard error.
CommandResult run_checked(const Command& command, std::string_view what);

// The path of a program in PATH.
[[nodiscard]] std::optional<fs::path> find_program(std::string_view name);

// Installs handlers for SIGINT, SIGTERM and SIGHUP, which set a flag; SIGPIPE and SIGXFSZ are ignored, so that writing
// tells why it failed. For main() alone.
void install_interrupt_handlers();
// Fills those of the descriptors 0, 1 and 2 that are closed with what cannot be used: the next file that is opened
// would get the number, and results would be written into it. For main() alone.
void fill_standard_descriptors();
[[nodiscard]] bool interrupted() noexcept;
// Throws Interrupted if the flag is set; to be called in long loops.
void check_interrupted();

}  // namespace klp
