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

bool is_seen(const fs::path& top) {
    return std::ranges::find(not_seen, top.string()) == not_seen.end();
}

bool is_below(const fs::path& path, const fs::path& folder) {
    return std::ranges::mismatch(path, folder).in2 == folder.end();
}

// A folder of the machine, and where it is seen. Paths inside have no slash at the start.
struct Mount {
    const char* option;
    fs::path folder;
    fs::path inside;
};

// Links are those of the root: what leads through one is mounted where it leads to, since no mount point can be made
// behind an absolute one.
fs::path place_of(const fs::path& folder, const fs::path& root) {
    fs::path plain = folder.lexically_normal().relative_path();
    if (plain.empty() || !is_seen(*plain.begin())) return plain;
    const auto inside = followed_in(root, folder);
    if (!inside) throw Error({(root / plain).string(), "", {}}, "links without end, where a folder is to be seen");
    return *inside;
}

std::vector<Mount> mounts_of(const Sandbox& sandbox) {
    std::vector<Mount> mounts;
    for (const fs::path& folder : sandbox.readable)
        mounts.push_back({"--ro-bind-try", folder, place_of(folder, sandbox.root)});
    for (const fs::path& folder : sandbox.writable)
        mounts.push_back({"--bind-try", folder, place_of(folder, sandbox.root)});
    return mounts;
}

class RootView {
public:
    RootView(const fs::path& root, const std::vector<Mount>& mounts, std::vector<std::string>& argv)
        : root_(root), mounts_(mounts), argv_(argv) {}

    // The entries of a folder, each by itself: mount points for the machine's folders can be made beside them, and not
    // in them. Where one is to be in an entry, so is that one.
    void see(const fs::path& folder) {
        for (const fs::path& name : entries(folder)) {
            const fs::path inside = folder / name;
            if (folder.empty() && !is_seen(name)) continue;
            const fs::path entry = root_ / inside;
            if (fs::is_symlink(entry)) {
                add({"--symlink", fs::read_symlink(entry).string(), shown(inside)});
            } else if (has_mounts_in(inside) && fs::is_directory(entry)) {
                add({"--dir", shown(inside)});
                if (!is_mount(inside)) see(inside);
            } else if (!has_mounts_in(inside) && (fs::is_directory(entry) || !folder.empty())) {
                add({"--ro-bind", entry.string(), shown(inside)});
            }
        }
    }

private:
    [[nodiscard]] std::vector<fs::path> entries(const fs::path& folder) const {
        std::error_code failure;
        std::vector<fs::path> names;
        for (fs::directory_iterator entry(root_ / folder, failure), end; !failure && entry != end;
             entry.increment(failure))
            names.push_back(entry->path().filename());
        if (failure)
            throw Error({(root_ / folder).string(), "", {}},
                        "the root of a toolchain cannot be read: " + failure.message());
        std::ranges::sort(names);
        return names;
    }
    [[nodiscard]] bool has_mounts_in(const fs::path& inside) const {
        return std::ranges::any_of(mounts_, [&](const Mount& each) { return is_below(each.inside, inside); });
    }
    [[nodiscard]] bool is_mount(const fs::path& inside) const {
        return std::ranges::any_of(mounts_, [&](const Mount& each) { return each.inside == inside; });
    }
    [[nodiscard]] static std::string shown(const fs::path& inside) { return "/" + inside.string(); }
    void add(std::initializer_list<std::string> words) { argv_.insert(argv_.end(), words); }

    const fs::path& root_;
    const std::vector<Mount>& mounts_;
    std::vector<std::string>& argv_;
};

}  // namespace

std::optional<fs::path> followed_in(const fs::path& root, const fs::path& path) {
    constexpr int most_links = 40;  // as the kernel has it (MAXSYMLINKS)
    std::vector<fs::path> ahead(path.begin(), path.end());
    std::ranges::reverse(ahead);
    fs::path inside;
    int links = 0;
    while (!ahead.empty()) {
        const fs::path part = ahead.back();
        ahead.pop_back();
        if (part.empty() || part == "/" || part == ".") continue;
        if (part == "..") {
            inside = inside.parent_path();
            continue;
        }
        const fs::path next = root / inside / part;
        std::error_code failure;
        if (!fs::is_symlink(fs::symlink_status(next, failure))) {
            inside /= part;
            continue;
        }
        if (++links > most_links) return std::nullopt;
        const fs::path target = fs::read_symlink(next);
        if (target.is_absolute()) inside.clear();
        const std::vector<fs::path> parts(target.begin(), target.end());
        ahead.insert(ahead.end(), parts.rbegin(), parts.rend());
    }
    return inside;
}

std::vector<std::string> sandboxed(const Sandbox& sandbox, const std::vector<std::string>& program) {
    if (!find_program(bubblewrap))
        throw Error(
            fmt::format("the programs in {} run in a sandbox, and bubblewrap is not installed", sandbox.root.string()))
            .hint("apt-get install bubblewrap");
    std::vector<std::string> argv{bubblewrap, "--unshare-all", "--die-with-parent"};
    const std::vector<Mount> mounts = mounts_of(sandbox);
    RootView(sandbox.root, mounts, argv).see({});
    argv.insert(argv.end(), {"--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"});
    for (const Mount& mount : mounts)
        argv.insert(argv.end(), {mount.option, mount.folder.string(), "/" + mount.inside.string()});
    argv.insert(argv.end(), {"--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin", "--setenv", "HOME", "/tmp", "--"});
    argv.insert(argv.end(), program.begin(), program.end());
    return argv;
}

}  // namespace klp
