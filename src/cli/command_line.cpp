// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <span>
#include <sstream>

#include "cli/command.hpp"
#include "report/document.hpp"

namespace klp::cli {

namespace {

// Leaves the action of a command with an exit status other than 0, through CLI11.
class Finished : public CLI::RuntimeError {
public:
    explicit Finished(ExitCode status) : CLI::RuntimeError(static_cast<int>(status)), code(status) {}
    ExitCode code;
};

// CLI11 cannot show a `--` in its line of usage.
class UsageLine : public CLI::Formatter {
public:
    explicit UsageLine(std::string usage) : usage_(std::move(usage)) {}
    std::string make_usage(const CLI::App* /*app*/, std::string /*name*/) const override {
        return "Usage: " + usage_ + "\n";
    }

private:
    std::string usage_;
};

// "klp kernel fetch": the innermost command that was recognised, whose help is the one to read.
std::string command_line_of(const CLI::App& app) {
    std::string name = app.get_name();
    const CLI::App* command = &app;
    while (!command->get_subcommands().empty()) {
        command = command->get_subcommands().back();
        name += " " + command->get_name();
    }
    return name;
}

// The commands that print one for every exit status.
bool prints_documents(const CLI::App& app) {
    const auto commands = app.get_subcommands();
    if (commands.empty()) return false;
    const std::string& name = commands.front()->get_name();
    return name == "build" || name == "explain" || name == "diff";
}

}  // namespace

Option& Option::required() {
    option_.required();
    return *this;
}

Option& Option::type_name(const std::string& name) {
    option_.type_name(name);
    return *this;
}

Option& Option::range(unsigned lowest, unsigned highest) {
    option_.check(CLI::Range(lowest, highest));
    return *this;
}

Option& Option::not_empty() {
    option_.check([](const std::string& text) { return std::string(text.empty() ? "expected a name" : ""); });
    return *this;
}

Option& Option::one_of(std::vector<std::string> words) {
    option_.check(CLI::IsMember(std::move(words)));
    return *this;
}

Option& Option::count(int words) {
    option_.expected(words);
    return *this;
}

Option& Option::excludes(const Option& other) {
    option_.excludes(&other.option_);
    return *this;
}

Option& Option::excludes(const std::string& other) {
    option_.excludes(other);
    return *this;
}

CommandLine CommandLine::command(const std::string& name, const std::string& description) {
    return CommandLine(*app_.add_subcommand(name, description));
}

void CommandLine::require_command() {
    app_.require_subcommand(1);
}

Option CommandLine::flag(const std::string& names, bool& target, const std::string& description) {
    return Option(*app_.add_flag(names, target, description));
}

Option CommandLine::value(const std::string& names, std::string& target, const std::string& description) {
    return Option(*app_.add_option(names, target, description));
}

Option CommandLine::value(const std::string& names, unsigned& target, const std::string& description) {
    return Option(*app_.add_option(names, target, description));
}

Option CommandLine::value(const std::string& names, std::filesystem::path& target, const std::string& description) {
    const auto assign = [&target](const std::string& text) { target = text; };
    return Option(*app_.add_option_function<std::string>(names, assign, description));
}

Option CommandLine::values(const std::string& names, std::vector<std::string>& target, const std::string& description) {
    return Option(*app_.add_option(names, target, description));
}

Option CommandLine::repeated(const std::string& names, std::vector<std::string>& target,
                             const std::string& description) {
    return Option(*app_.add_option(names, target, description)->allow_extra_args(false));
}

// CLI11 knows no end of a list at `--`, but it keeps the `--` among the remaining words: these take a word only when
// that is there, and the other words get the rest. They have to be declared first to be asked first, and have no group
// since the help would list them first too.
void CommandLine::words_after_dashes(std::vector<std::string>& target, const std::string& usage) {
    constexpr int any_number = 1 << 20;
    app_.formatter(std::make_shared<UsageLine>(usage));
    app_.validate_positionals();
    CLI::App& app = app_;
    app_.add_option("COMMAND", target)
        ->expected(1, any_number)
        ->check([&app](const std::string&) {
            const auto rest = app.remaining();
            return std::ranges::find(rest, "--") == rest.end() ? "not after '--'" : "";
        })
        ->group("");
}

void CommandLine::footer(const std::string& text) {
    app_.footer(text);
}

void CommandLine::run(std::function<ExitCode()> action) {
    app_.callback([action = std::move(action)] {
        const ExitCode code = action();
        if (code != ExitCode::done) throw Finished(code);
    });
}

ExitCode parse_and_run(int argc, char** argv, const std::string& description, const std::string& version,
                       const std::function<void(CommandLine&)>& declare) {
    CLI::App app(description, "klp");
    app.set_version_flag("--version", version);
    CommandLine line(app);
    declare(line);
    try {
        app.parse(argc, argv);
        return ExitCode::done;
    } catch (const Finished& finished) {
        return finished.code;
    } catch (const CLI::ParseError& error) {
        // Help and version are exceptions of CLI11's too, with the exit status 0.
        if (error.get_exit_code() == 0) {
            std::ostringstream text;
            app.exit(error, text, text);
            print_result(text.str());
            return ExitCode::done;
        }
        const Error usage = Error(error.what(), ExitCode::usage).hint("see '" + command_line_of(app) + " --help'");
        print_error(usage);
        const std::span words(argv, static_cast<std::size_t>(argc));
        const bool asks_json = std::ranges::find(words, std::string_view("--json")) != words.end();
        if (asks_json && prints_documents(app))
            print_result(report::to_text(report::document({usage.code(), usage}, {}, Json::object())));
        return ExitCode::usage;
    }
}

}  // namespace klp::cli
