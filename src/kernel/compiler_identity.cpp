// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/compiler_identity.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <set>

#include "base/derived.hpp"
#include "base/process.hpp"
#include "base/stamp.hpp"
#include "base/text.hpp"
#include "kernel/shell_words.hpp"
#include "kernel/toolchain.hpp"

namespace klp::kernel {

namespace {

// The stamps of programs: cc1 alone has 30 MB.
class ProgramStamps {
public:
    ProgramStamps() : file_(cache_root() / "programs", "programs", {}) {
        const std::string text = file_.load().value_or("");
        for (const std::string_view line : lines_of(text)) {
            if (auto stamp = FileStamp::parse(line)) stamps_.insert_or_assign(stamp->path(), std::move(*stamp));
        }
    }

    std::string digest_of(const fs::path& program) {
        const auto known = stamps_.find(program);
        if (known != stamps_.end() && known->second.look() == FileStamp::Look::same) return known->second.digest();
        FileStamp stamp = FileStamp::of(program);
        std::string digest = stamp.digest();
        stamps_.insert_or_assign(program, std::move(stamp));
        store();
        return digest;
    }

private:
    void store() const {
        std::string text;
        std::error_code failure;
        for (const auto& [path, stamp] : stamps_)
            if (fs::exists(path, failure)) text += stamp.line() + "\n";
        file_.store(text);
    }

    DerivedFile file_;
    std::map<fs::path, FileStamp> stamps_;
};

// What the compiler would run to make an object, one command a line that begins with a space (gcc(1), -###). With
// -pipe no names of temporary files are among the words.
std::string commands_of(const Compiler& compiler) {
    Command command;
    command.argv = {compiler.program, "-###", "-pipe", "-c", "-x", "c", "/dev/null", "-o", "/dev/null"};
    for (const char* name : {"PATH", "HOME"})  // as it is run for the kernel's sources
        if (const char* text = std::getenv(name)) command.environment.emplace_back(name, text);
    command.environment.emplace_back("LC_ALL", "C");
    command.clear_environment = true;
    command.sandbox = compiler.sandbox({}, {});
    return run_checked(command, "the compiler does not say which programs it runs").errors;
}

// The driver behind a wrapper, and what it runs.
std::set<std::string> programs_in(std::string_view commands) {
    constexpr std::string_view driver = "COLLECT_GCC=";
    std::set<std::string> programs;
    for (const std::string_view line : lines_of(commands)) {
        if (line.starts_with(driver)) programs.emplace(line.substr(driver.size()));
        if (!line.starts_with(' ')) continue;
        const ShellWords words = shell_words(line);
        if (!words.empty()) programs.insert(words.front());
    }
    return programs;
}

}  // namespace

std::optional<fs::path> program_of(const Compiler& compiler, const std::string& name) {
    return compiler.root.empty() ? find_program(name) : program_in(compiler.root, name);
}

std::string program_digest(const Compiler& compiler, const std::string& name) {
    const auto found = program_of(compiler, name);
    if (!found) throw Error(fmt::format("cannot find the program '{}'", name));
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    return ProgramStamps().digest_of(fs::canonical(*found));
}

std::string compiler_identity(const Compiler& compiler) {
    const std::string commands = commands_of(compiler);
    std::set<std::string> programs = programs_in(commands);
    programs.insert(compiler.program);
    std::string parts = commands;
    for (const std::string& program : programs)
        parts += fmt::format("{} {}\n", program, program_digest(compiler, program));
    return sha256_hex(as_bytes(parts));
}

}  // namespace klp::kernel
