// SPDX-License-Identifier: GPL-2.0-or-later
// The command line many times in one process, for tests of thousands of inputs:
//   command_server FOLDER
// A line of standard input is one command, its arguments parted by US (0x1f). What it prints is in FOLDER/out and
// FOLDER/err; its status is the line that comes back.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "cli/command.hpp"

namespace {

void redirect(int descriptor, const std::string& file) {
    const int opened = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (opened < 0 || dup2(opened, descriptor) < 0) throw klp::Error("cannot write " + file);
    close(opened);
}

int run(const std::string& line, const std::string& folder) {
    std::vector<std::string> words(1);
    for (const char each : line) {
        if (each == '\x1f')
            words.emplace_back();
        else
            words.back() += each;
    }
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    redirect(STDOUT_FILENO, folder + "/out");
    redirect(STDERR_FILENO, folder + "/err");
    const int status = klp::cli::run_program(static_cast<int>(words.size()), arguments.data());
    (void)std::fflush(stdout);
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 64;
    const int answers = dup(STDOUT_FILENO);
    const int errors = dup(STDERR_FILENO);  // what a sanitizer says goes there
    for (std::string line; std::getline(std::cin, line);) {
        const std::string answer = std::to_string(run(line, argv[1])) + "\n";
        dup2(errors, STDERR_FILENO);
        if (write(answers, answer.data(), answer.size()) < 0) return 1;
    }
    return 0;
}
