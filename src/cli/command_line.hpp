// SPDX-License-Identifier: GPL-2.0-or-later
// What a command takes: options and words, declared one by one. The parser (CLI11) is behind this header, since each
// unit that instantiates its templates takes seconds to compile.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace klp::cli {

// Refers to an option of a CommandLine, to say more of it.
class Option {
public:
    explicit Option(CLI::Option& option) : option_(option) {}

    Option& required();
    Option& type_name(const std::string& name);  // as the help shows the value: "FILE.ko"
    Option& range(unsigned lowest, unsigned highest);
    Option& not_empty();  // "-o $UNSET" is no wish to do without
    Option& one_of(std::vector<std::string> words);
    Option& count(int words);  // exactly so many words follow
    Option& excludes(const Option& other);
    Option& excludes(const std::string& other);

private:
    CLI::Option& option_;
};

// The program, or one of its commands. `target`s must live until the command has run.
class CommandLine {
public:
    explicit CommandLine(CLI::App& app) : app_(app) {}

    // The first form is for a group of commands, one of which has to be given.
    CommandLine command(const std::string& name, const std::string& description);
    void require_command();

    // "--json" or "-v,--verbose"; a name without a dash is of words that are no options.
    Option flag(const std::string& names, bool& target, const std::string& description);
    Option value(const std::string& names, std::string& target, const std::string& description);
    Option value(const std::string& names, unsigned& target, const std::string& description);
    Option value(const std::string& names, std::filesystem::path& target, const std::string& description);
    Option values(const std::string& names, std::vector<std::string>& target, const std::string& description);
    // An option that is given once for each value, so that the words behind it are not taken for more of them.
    Option repeated(const std::string& names, std::vector<std::string>& target, const std::string& description);
    // The words behind `--`; the help's first line is then `usage`.
    void words_after_dashes(std::vector<std::string>& target, const std::string& usage);

    void footer(const std::string& text);
    // What the command does; the program's exit status.
    void run(std::function<ExitCode()> action);

private:
    CLI::App& app_;
};

// Parses the arguments and runs what they ask for. `declare` adds options and commands. Wrong usage, help and version
// are dealt with here; what the action throws leaves.
[[nodiscard]] ExitCode parse_and_run(int argc, char** argv, const std::string& description, const std::string& version,
                                     const std::function<void(CommandLine&)>& declare);

}  // namespace klp::cli
