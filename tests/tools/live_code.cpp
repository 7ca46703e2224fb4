// SPDX-License-Identifier: GPL-2.0-or-later
// live_code FILE: what is left of a preprocessed unit.
// live_code FILE BEFORE AFTER: "unaffected" if no word of the unit is among those that a header's change touches; "?"
// otherwise.
#include "source/live_code.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>

#include "base/file.hpp"
#include "source/touched_names.hpp"

namespace {

void print(const std::string& text) {
    (void)std::fwrite(text.data(), 1, text.size(), stdout);
}

bool is_unaffected(const std::string& code, const std::string& preprocessed, const char* before, const char* after) {
    const auto touched = klp::source::touched_names(klp::read_text(before), klp::read_text(after));
    if (!touched || touched->makes_macros) return false;
    const auto words = klp::source::live_words(code, preprocessed);
    return std::ranges::none_of(touched->names, [&](const std::string& name) {
        return std::ranges::binary_search(words, klp::source::word_sum(name));
    });
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2 && argc != 4) return 64;
    try {
        const std::string preprocessed = klp::read_text(argv[1]);
        const auto code = klp::source::live_code(preprocessed);
        if (!code) return 1;
        if (argc == 2) print(*code);
        if (argc == 4) print(is_unaffected(*code, preprocessed, argv[2], argv[3]) ? "unaffected\n" : "?\n");
        return std::fflush(stdout) == 0 ? 0 : 1;
    } catch (const std::exception& failure) {
        (void)std::fprintf(stderr, "%s\n", failure.what());
        return 1;
    }
}
