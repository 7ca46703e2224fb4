// SPDX-License-Identifier: GPL-2.0-or-later
// live_code FILE: what is left of a preprocessed unit.
#include "source/live_code.hpp"

#include <cstdio>
#include <exception>

#include "base/file.hpp"

int main(int argc, char** argv) {
    if (argc != 2) return 64;
    try {
        const auto code = klp::source::live_code(klp::read_text(argv[1]));
        if (!code) return 1;
        (void)std::fwrite(code->data(), 1, code->size(), stdout);
        return std::fflush(stdout) == 0 ? 0 : 1;
    } catch (const std::exception& failure) {
        (void)std::fprintf(stderr, "%s\n", failure.what());
        return 1;
    }
}
