// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/sandbox.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/process.hpp"

namespace klp {

namespace {

constexpr const char* bubblewrap = "bwrap";

// The machine's own, or of no use to compilers.
constexpr std::array<std::string_view, 12> not_seen{"dev", "proc",  "sys", "tmp",  "home", "root",
                                                    "mnt", "media", "run", "boot", "srv",  "var"};

// Each by itself: mount points for the machine's folders can be made beside them, and not in them.
void see_root(const fs::path& root, std::vector<std::string>& argv) {
    std::error_code failure;
    std::vector<fs::path> entries;
    for (fs::directory_iterator entry(root, failure), end; !failure && entry != end; entry.increment(failure))
        entries.push_back(entry->path());
    if (failure) throw Error({root.string(), "", {}}, "the root of a toolchain cannot be read: " + failure.message());
    std::ranges::sort(entries);
    for (const fs::path& entry : entries) {
        const std::string name = entry.filename().string();
        if (std::ranges::find(not_seen, name) != not_seen.end()) continue;
        if (fs::is_symlink(entry)) {
            argv.insert(argv.end(), {"--symlink", fs::read_symlink(entry).string(), "/" + name});
        } else if (fs::is_directory(entry)) {
            argv.insert(argv.end(), {"--ro-bind", entry.string(), "/" + name});
        }
    }
}

}  // namespace

std::vector<std::string> sandboxed(const Sandbox& sandbox, const std::vector<std::string>& program) {
    if (!find_program(bubblewrap))
        throw Error(
            fmt::format("the programs in {} run in a sandbox, and bubblewrap is not installed", sandbox.root.string()))
            .hint("apt-get install bubblewrap");
    std::vector<std::string> argv{bubblewrap, "--unshare-all", "--die-with-parent"};
    see_root(sandbox.root, argv);
    argv.insert(argv.end(), {"--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"});
    for (const fs::path& folder : sandbox.readable)
        argv.insert(argv.end(), {"--ro-bind-try", folder.string(), folder.string()});
    for (const fs::path& folder : sandbox.writable)
        argv.insert(argv.end(), {"--bind-try", folder.string(), folder.string()});
    argv.insert(argv.end(), {"--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin", "--setenv", "HOME", "/tmp", "--"});
    argv.insert(argv.end(), program.begin(), program.end());
    return argv;
}

}  // namespace klp
