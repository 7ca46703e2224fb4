// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "base/errno_text.hpp"
#include "base/process.hpp"

namespace klp {

namespace {

struct Pipe {
    Descriptor reading;
    Descriptor writing;
};

Pipe make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(fmt::format("cannot make a pipe: {}", errno_text(errno)));
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

Descriptor open_nothing() {
    Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!nothing) throw Error({"/dev/null", {}, {}}, fmt::format("cannot open: {}", errno_text(errno)));
    return nothing;
}

void set_non_blocking(const Descriptor& descriptor) {
    ::fcntl(descriptor.get(), F_SETFL, ::fcntl(descriptor.get(), F_GETFL) | O_NONBLOCK);
}

// Everything that execve() needs, made before fork(): the child of a program with threads must not allocate.
struct Image {
    std::vector<std::string> words;
    std::string program;
    std::vector<std::string> variables;
    std::vector<char*> argv;
    std::vector<char*> envp;
};

std::vector<std::string> environment_of(const Command& command) {
    std::vector<std::string> variables;
    const auto is_replaced = [&](std::string_view variable) {
        for (const auto& [name, value] : command.environment)
            if (variable.starts_with(name + "=")) return true;
        return false;
    };
    if (!command.clear_environment)
        for (char** variable = environ; *variable != nullptr; ++variable)
            if (!is_replaced(*variable)) variables.emplace_back(*variable);
    for (const auto& [name, value] : command.environment) variables.push_back(name + "=" + value);
    return variables;
}

std::string program_path(const std::string& name) {
    // A name with a slash is left to execve(), which sees it from the child's own folder.
    if (name.find('/') != std::string::npos) return name;
    const auto found = find_program(name);
    if (!found) throw Error(fmt::format("cannot run '{}': not found in PATH", name));
    return fs::absolute(*found).string();
}

Image make_image(const Command& command) {
    if (command.argv.empty()) throw Error("cannot run an empty command");
    Image image;
    image.words = command.sandbox ? sandboxed(*command.sandbox, command.argv) : command.argv;
    image.program = program_path(image.words.front());
    image.variables = environment_of(command);
    for (const std::string& word : image.words) image.argv.push_back(const_cast<char*>(word.c_str()));
    for (const std::string& variable : image.variables) image.envp.push_back(const_cast<char*>(variable.c_str()));
    image.argv.push_back(nullptr);
    image.envp.push_back(nullptr);
    return image;
}

// What the child could not do; sent through a pipe that a successful execve() closes.
struct Failure {
    int number = 0;
    bool in_directory = false;
};

// Runs in the child between fork() and execve(): async-signal-safe functions only.
[[noreturn]] void become(const Image& image, const char* directory, pid_t parent, int input, int output, int errors,
                         int report) {
    Failure failure;
    ::setpgid(0, 0);
    // Goes when this program is killed without a chance to clean up; the parent may be gone already.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    for (const int signal : {SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_DFL);
    ::dup2(input, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(errors, STDERR_FILENO);
    if (*directory != '\0' && ::chdir(directory) != 0) {
        failure = {errno, true};
    } else {
        ::execve(image.program.c_str(), image.argv.data(), image.envp.data());
        failure = {errno, false};
    }
    (void)!::write(report, &failure, sizeof failure);
    ::_exit(127);
}

Failure read_failure(const Descriptor& report) {
    Failure failure;
    ssize_t count = 0;
    do count = ::read(report.get(), &failure, sizeof failure);
    while (count < 0 && errno == EINTR);
    return count == sizeof failure ? failure : Failure{};
}

}  // namespace

Child::Child(const Command& command) {
    const Image image = make_image(command);
    // Above 2, so that the child's dup2() calls cannot overwrite one another.
    Pipe in = make_pipe();
    Pipe out = make_pipe();
    Pipe err = make_pipe();
    Pipe report = make_pipe();
    if (command.input.empty()) in.reading = open_nothing();
    const pid_t parent = ::getpid();
    process_ = ::fork();
    if (process_ < 0) throw Error(fmt::format("cannot fork: {}", errno_text(errno)));
    if (process_ == 0)
        become(image, command.directory.c_str(), parent, in.reading.get(), out.writing.get(), err.writing.get(),
               report.writing.get());
    ::setpgid(process_, process_);  // both sides: neither may run ahead of the other
    report.writing.close();
    const Failure failure = read_failure(report.reading);
    const long event = ::syscall(SYS_pidfd_open, process_, 0);
    const int event_error = errno;
    exit_event = Descriptor(static_cast<int>(event));
    if (failure.number != 0 || event < 0) {
        kill_group();
        (void)reap();
        if (failure.in_directory)
            throw Error({command.directory.string(), {}, {}},
                        fmt::format("cannot enter the folder: {}", errno_text(failure.number)));
        throw Error(fmt::format("cannot run '{}': {}", command.argv.front(),
                                errno_text(failure.number != 0 ? failure.number : event_error)));
    }
    input = std::move(in.writing);
    output = std::move(out.reading);
    errors = std::move(err.reading);
    for (const Descriptor* pipe : {&input, &output, &errors}) set_non_blocking(*pipe);
}

Child::~Child() {
    if (process_ < 0) return;
    kill_group();
    (void)reap();
}

void Child::kill_group() const noexcept {
    if (process_ > 0) ::kill(-process_, SIGKILL);
}

int Child::reap() noexcept {
    int status = 0;
    pid_t ended = 0;
    do ended = ::waitpid(process_, &status, 0);
    while (ended < 0 && errno == EINTR);
    process_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace klp
