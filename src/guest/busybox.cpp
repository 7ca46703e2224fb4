// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/busybox.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <cstdlib>

#include "base/derived.hpp"
#include "base/process.hpp"
#include "elf/file_header.hpp"
#include "packages/debian.hpp"

namespace klp::guest {

namespace {

constexpr auto how_to_get = "install the package busybox-static, or name another static busybox in KLPKIT_BUSYBOX";

bool is_hosts_machine(std::uint16_t machine) {
    const MappedFile self("/proc/self/exe");
    return elf::read_file_header(self.bytes(), "/proc/self/exe").machine == machine;
}

fs::path installed() {
    if (auto found = find_program("busybox")) return *found;
    throw Error("the guest needs a static busybox, and there is none in PATH").hint(how_to_get);
}

// One of the machine's suites that cannot be had, a mirror being updated, does not matter if another has the package.
packages::Package find_package(packages::Apt& apt, std::string_view debian, const Progress& progress) {
    std::optional<Error> failure;
    try {
        apt.use_own_lists(progress);
    } catch (const Error& error) {
        failure = error;
    }
    if (auto package = apt.show("busybox-static")) return std::move(*package);
    throw failure ? *failure : Error(fmt::format("the archive has no package busybox-static for {}", debian));
}

// The program, somewhere in `folder`.
fs::path download(std::string_view debian, const fs::path& folder, const Progress& progress) {
    packages::Apt apt{std::string(debian)};
    const packages::Package package = find_package(apt, debian, progress);
    progress(fmt::format("downloading busybox-static {} for {}", package.version(), debian));
    packages::unpack_deb(apt.download(package, folder), folder);
    for (const char* const place : {"bin/busybox", "usr/bin/busybox"})
        if (fs::exists(folder / place)) return folder / place;
    throw Error(fmt::format("package busybox-static {} for {} has no busybox", package.version(), debian));
}

bool is_static_program(const fs::path& path, std::uint16_t machine) {
    try {
        check_static_program(path, machine);
        return true;
    } catch (const Error&) {
        return false;
    }
}

// Whether the cache has it, whole. An earlier release of klp noted nothing of the one that it left there.
bool is_kept(const DerivedBlob& kept, const BusyboxKind& kind) {
    if (kept.is_sound()) return true;
    if (kept.has_origin() || !is_static_program(kept.path(), kind.machine)) return false;
    kept.adopt();
    return true;
}

Busybox of_other_machine(const BusyboxKind& kind, const Progress& progress) {
    const DerivedBlob kept(cache_root() / "busybox" / kind.debian, "busybox", {}, {});
    if (is_kept(kept, kind)) return {kept.path()};
    TempDir scratch("klp-busybox");
    try {
        const fs::path program = download(kind.debian, scratch.path(), progress);
        if (kept.store(MappedFile(program).bytes())) return {kept.path()};
        return {program, std::move(scratch)};
    } catch (Error& error) {
        throw std::move(error).hint(fmt::format(
            "the guest needs a static busybox for {}; one that is here already can be named in KLPKIT_BUSYBOX",
            kind.debian));
    }
}

Busybox candidate(const BusyboxKind& kind, const Progress& progress) {
    if (const char* named = std::getenv("KLPKIT_BUSYBOX"); named != nullptr && *named != '\0') return {named};
    return is_hosts_machine(kind.machine) ? Busybox{installed()} : of_other_machine(kind, progress);
}

}  // namespace

void check_static_program(const fs::path& path, std::uint16_t machine) {
    const MappedFile file(path);
    const Location where{path.string(), {}, {}};
    const elf::FileHeader header = elf::read_file_header(file.bytes(), path.string());
    if (header.machine != machine)
        throw Error(where,
                    fmt::format("a program for ELF machine {}, expected {}, the guest's", header.machine, machine))
            .hint(how_to_get);
    for (const elf::Segment& segment : header.segments)
        if (segment.type == PT_INTERP)
            throw Error(where, "the program is dynamically linked, but the guest has no libraries").hint(how_to_get);
}

Busybox find_busybox(const BusyboxKind& kind, const Progress& progress) {
    Busybox busybox = candidate(kind, progress);
    check_static_program(busybox.path, kind.machine);
    return busybox;
}

}  // namespace klp::guest
