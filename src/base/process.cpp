// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/child.hpp"
#include "base/errno_text.hpp"

namespace klp {

namespace {

using Clock = std::chrono::steady_clock;

// A signal reaches one thread only; the others see the flag when their wait ends.
constexpr std::chrono::milliseconds longest_wait{50};

std::string quote(const std::string& word) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./:,@%";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

// What is left of the captured text once complete lines beyond the last `count` are dropped.
std::string last_lines(std::string_view text, int count) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    std::size_t start = text.size();
    for (int lines = 0; lines < count && start != std::string_view::npos && start != 0; ++lines)
        start = text.rfind('\n', start - 1);
    if (start == std::string_view::npos) start = 0;
    while (text.substr(start).starts_with('\n')) ++start;
    return std::string(text.substr(start));
}

// The conversation with one child until it has ended and its pipes are read out.
class Session {
public:
    explicit Session(const Command& command) : command_(command), child_(command) {
        if (command.time_limit) deadline_ = Clock::now() + *command.time_limit;
        if (command.input.empty()) child_.input.close();
    }

    CommandResult finish() {
        while (!ended_) step();
        child_.kill_group();  // whatever it left behind holds the pipes open
        drain(child_.output, &result_.output);
        drain(child_.errors, &result_.errors);
        result_.status = child_.reap();
        return std::move(result_);
    }

private:
    void step() {
        // poll() ignores entries whose descriptor is -1.
        std::array<pollfd, 4> events{{{child_.exit_event.get(), POLLIN, 0},
                                      {child_.output.get(), POLLIN, 0},
                                      {child_.errors.get(), POLLIN, 0},
                                      {child_.input.get(), POLLOUT, 0}}};
        const int ready = ::poll(events.data(), events.size(), wait_milliseconds());
        if (ready < 0 && errno != EINTR) throw Error(fmt::format("poll: {}", errno_text(errno)));
        check_interrupted();
        if (deadline_ && Clock::now() >= *deadline_) stop_for_time();
        if (ready <= 0) return;
        if (events[1].revents != 0) read_some(child_.output, &result_.output);
        if (events[2].revents != 0) read_some(child_.errors, &result_.errors);
        if (events[3].revents != 0) write_some();
        if (events[0].revents != 0) ended_ = true;
    }

    [[nodiscard]] int wait_milliseconds() const {
        auto wait = longest_wait;
        if (deadline_) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - Clock::now());
            wait = std::clamp(left, std::chrono::milliseconds(0), longest_wait);
        }
        return static_cast<int>(wait.count());
    }

    void stop_for_time() {
        result_.timed_out = true;
        deadline_.reset();
        child_.kill_group();
    }

    // False at the end of the pipe, or when nothing is there to read.
    bool read_some(Descriptor& pipe, std::string* into) {
        std::array<char, 65536> buffer;
        const ssize_t count = ::read(pipe.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) return true;
        if (count < 0 && errno == EAGAIN) return false;
        if (count < 0)
            throw Error(fmt::format("cannot read what '{}' prints: {}", command_.argv.front(), errno_text(errno)));
        if (count == 0) {
            pipe.close();
            return false;
        }
        const std::string_view piece(buffer.data(), static_cast<std::size_t>(count));
        into->append(piece);
        if (into == &result_.output && command_.on_output) command_.on_output(piece);
        return true;
    }

    void drain(Descriptor& pipe, std::string* into) {
        while (pipe && read_some(pipe, into)) {
        }
    }

    void write_some() {
        const std::string_view rest = std::string_view(command_.input).substr(written_);
        const ssize_t count = ::write(child_.input.get(), rest.data(), rest.size());
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
        // EPIPE: the program does not want the rest, which is its own affair.
        if (count > 0) written_ += static_cast<std::size_t>(count);
        if (count < 0 || written_ == command_.input.size()) child_.input.close();
    }

    const Command& command_;
    Child child_;
    CommandResult result_;
    std::optional<Clock::time_point> deadline_;
    std::size_t written_ = 0;
    bool ended_ = false;
};

volatile sig_atomic_t interrupt_flag = 0;

void note_interrupt(int /*signal*/) {
    interrupt_flag = 1;
}

}  // namespace

std::string Command::text() const {
    std::string text;
    for (const auto& [variable, value] : environment) text += fmt::format("{}={} ", variable, quote(value));
    for (const std::string& word : argv) text += (&word == argv.data() ? "" : " ") + quote(word);
    return text;
}

CommandResult run(const Command& command) {
    check_interrupted();
    return Session(command).finish();
}

CommandResult run_checked(const Command& command, std::string_view what) {
    CommandResult result = run(command);
    if (result.timed_out)
        throw Error(
            fmt::format("{}: '{}' did not end within {} ms", what, command.argv.front(), command.time_limit->count()));
    if (result.status == 0) return result;
    const std::string ending = result.status > 128 ? fmt::format("was ended by signal {}", result.status - 128)
                                                   : fmt::format("failed with status {}", result.status);
    const std::string said = last_lines(result.errors.empty() ? result.output : result.errors, 12);
    throw Error(fmt::format("{}: '{}' {}{}{}", what, command.argv.front(), ending, said.empty() ? "" : ":\n", said));
}

std::optional<fs::path> find_program(std::string_view name) {
    const auto runnable = [](const fs::path& path) {
        std::error_code ignored;
        return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
    };
    if (name.empty()) return std::nullopt;
    if (name.find('/') != std::string_view::npos) return runnable(name) ? std::optional<fs::path>(name) : std::nullopt;
    const char* variable = std::getenv("PATH");
    std::string_view folders = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
    while (!folders.empty()) {
        const std::string_view folder = folders.substr(0, folders.find(':'));
        folders.remove_prefix(std::min(folders.size(), folder.size() + 1));
        fs::path candidate = fs::path(folder.empty() ? "." : folder) / name;
        if (runnable(candidate)) return candidate;
    }
    return std::nullopt;
}

void install_interrupt_handlers() {
    struct sigaction action {};
    action.sa_handler = note_interrupt;
    ::sigemptyset(&action.sa_mask);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction before {};
        // nohup and background jobs ignore some of them on purpose.
        if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
        ::sigaction(signal, &action, nullptr);
    }
    action.sa_handler = SIG_IGN;
    for (const int signal : {SIGPIPE, SIGXFSZ}) ::sigaction(signal, &action, nullptr);
}

void fill_standard_descriptors() {
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
        // open() gives out the lowest free number. Reading from the one and writing to the others fails as when closed.
        (void)!::open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
}

bool interrupted() noexcept {
    return interrupt_flag != 0;
}

void check_interrupted() {
    if (interrupted()) throw Interrupted();
}

}  // namespace klp
