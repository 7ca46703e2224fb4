// SPDX-License-Identifier: GPL-2.0-or-later
// The guest's user space is one statically linked program.
#pragma once

#include <optional>

#include "base/file.hpp"
#include "base/progress.hpp"

namespace klp::guest {

// What to look for: a busybox for that ELF machine, out of Debian's package for that architecture ("ppc64el").
struct BusyboxKind {
    std::uint16_t machine = 0;
    std::string_view debian;
};

struct Busybox {
    fs::path path;
    std::optional<TempDir> folder{};  // of one that cannot be kept in the cache
};

// $KLPKIT_BUSYBOX; else, for a guest of the host's own machine, `busybox` in PATH; for another guest that of Debian's
// package busybox-static, which is downloaded once and kept in the cache. Error: there is none, or it would not run in
// the guest without anything else.
[[nodiscard]] Busybox find_busybox(const BusyboxKind& kind, const Progress& progress);

// Error where the file is not a statically linked 64-bit ELF program for that machine.
void check_static_program(const fs::path& path, std::uint16_t machine);

}  // namespace klp::guest
