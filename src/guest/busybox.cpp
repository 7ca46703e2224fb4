// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/busybox.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "base/process.hpp"
#include "guest/elf_header.hpp"

namespace klp::guest {

namespace {

constexpr auto how_to_get = "install the package busybox-static, or name another static busybox in KLPKIT_BUSYBOX";

fs::path candidate() {
    if (const char* named = std::getenv("KLPKIT_BUSYBOX"); named != nullptr && *named != '\0') return named;
    if (auto found = find_program("busybox")) return *found;
    throw Error("the guest needs a static busybox, and there is none in PATH").hint(how_to_get);
}

}  // namespace

void check_static_program(const fs::path& path, std::uint16_t machine) {
    const MappedFile file(path);
    const Location where{path.string(), {}, {}};
    const ElfHeader header = read_elf_header(file.bytes(), where);
    if (header.machine != machine)
        throw Error(where,
                    fmt::format("a program for ELF machine {}, expected {}, the guest's", header.machine, machine))
            .hint(how_to_get);
    for (const ProgramHeader& segment : header.segments)
        if (segment.type == segment_interpreter)
            throw Error(where, "the program is dynamically linked, but the guest has no libraries").hint(how_to_get);
}

fs::path find_busybox(std::uint16_t machine) {
    fs::path path = candidate();
    check_static_program(path, machine);
    return path;
}

}  // namespace klp::guest
