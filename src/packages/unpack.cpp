// SPDX-License-Identifier: GPL-2.0-or-later
// No link is made before all files are written: so none can redirect a write.
#include "packages/unpack.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <vector>

#include "base/descriptor.hpp"
#include "base/errno_text.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "base/write.hpp"

namespace klp::packages {

namespace {

constexpr std::size_t entry_limit = 1'000'000;

struct Symlink {
    fs::path path;
    std::string target;
};

class Unpacker {
public:
    Unpacker(ArchiveReader& archive, fs::path folder, const Location& where, const UnpackRules& rules)
        : archive_(archive), folder_(std::move(folder)), where_(where), rules_(rules), buffer_(256 << 10) {}
    void run();

private:
    void take(const ArchiveEntry& entry);
    [[nodiscard]] std::string inside(const std::string& path) const;
    [[nodiscard]] fs::path place(const fs::path& path) const;
    void write(const fs::path& path, const ArchiveEntry& entry);
    void link(const fs::path& path, const ArchiveEntry& entry);
    void copy_content(int descriptor, const fs::path& path);
    void count(std::uint64_t bytes);
    void make_symlinks() const;
    [[noreturn]] void refuse(std::string_view path, std::string_view why) const {
        throw Error(where_, fmt::format("'{}' in it {}", path, why));
    }

    ArchiveReader& archive_;
    fs::path folder_;
    const Location& where_;
    const UnpackRules& rules_;
    std::vector<std::byte> buffer_;
    std::vector<Symlink> symlinks_;
    std::uint64_t written_ = 0;
    std::size_t entries_ = 0;
};

// The path below the folder, of its plain parts: "usr/src/x". Empty for the folder itself.
std::string Unpacker::inside(const std::string& path) const {
    std::string plain;
    bool strip = rules_.strip_first;
    for (const std::string_view part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        if (part == "..") refuse(path, "lies outside of it");
        if (std::exchange(strip, false)) continue;
        if (!plain.empty()) plain += '/';
        plain += part;
    }
    return plain;
}

// What a file is written to: its folders are made, and an earlier file of that name is gone.
fs::path Unpacker::place(const fs::path& path) const {
    std::error_code failure;
    fs::create_directories((folder_ / path).parent_path(), failure);
    if (failure) refuse(path.string(), "cannot be unpacked: " + errno_text(failure.value()));
    if (fs::is_directory(fs::symlink_status(folder_ / path))) refuse(path.string(), "is a folder and a file");
    fs::remove(folder_ / path, failure);
    return folder_ / path;
}

void Unpacker::count(std::uint64_t bytes) {
    if (bytes > rules_.size_limit || written_ > rules_.size_limit - bytes)
        throw Error(where_, fmt::format("it has more than {} of files", format_size(rules_.size_limit)));
    written_ += bytes;
}

void Unpacker::copy_content(int descriptor, const fs::path& path) {
    while (const std::size_t size = archive_.read(buffer_)) {
        if (const int failure = write_all(descriptor, Bytes(buffer_).first(size)))
            throw Error({(folder_ / path).string(), "", {}}, "cannot be written: " + errno_text(failure));
    }
}

void Unpacker::write(const fs::path& path, const ArchiveEntry& entry) {
    const fs::path target = place(path);
    const Descriptor file(
        ::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, entry.executable ? 0755 : 0644));
    if (!file) throw Error({target.string(), "", {}}, "cannot be made: " + errno_text(errno));
    copy_content(file.get(), path);
    // make compares the times of sources and of what was made from them.
    const timespec modified{.tv_sec = entry.modified, .tv_nsec = 0};
    const timespec times[2] = {modified, modified};
    static_cast<void>(::futimens(file.get(), times));
}

// Of the names of a file, tar has the content with the first, cpio with the last.
void Unpacker::link(const fs::path& path, const ArchiveEntry& entry) {
    const fs::path original = folder_ / inside(entry.target);
    if (!fs::is_regular_file(fs::symlink_status(original))) {
        if (rules_.wanted && !rules_.wanted(inside(entry.target))) {
            if (entry.size > 0) write(path, entry);
            return;
        }
        refuse(path.string(), fmt::format("is a link to '{}', which it has not", entry.target));
    }
    if (original != folder_ / path) {
        const fs::path target = place(path);
        std::error_code failure;
        fs::create_hard_link(original, target, failure);
        if (failure) throw Error({target.string(), "", {}}, "cannot be made: " + errno_text(failure.value()));
    }
    if (entry.size == 0) return;
    const Descriptor file(::open(original.c_str(), O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC));
    if (!file) throw Error({original.string(), "", {}}, "cannot be written: " + errno_text(errno));
    copy_content(file.get(), path);
}

void Unpacker::take(const ArchiveEntry& entry) {
    if (++entries_ > entry_limit) throw Error(where_, fmt::format("it has more than {} files", entry_limit));
    // Content that is skipped has to be decompressed, too.
    count(entry.size);
    const std::string path = inside(entry.path);
    if (path.empty() || (rules_.wanted && !rules_.wanted(path))) return;
    std::error_code failure;
    switch (entry.kind) {
        case ArchiveEntry::Kind::file:
            write(path, entry);
            break;
        case ArchiveEntry::Kind::hard_link:
            link(path, entry);
            break;
        case ArchiveEntry::Kind::symlink:
            symlinks_.push_back({folder_ / path, entry.target});
            break;
        case ArchiveEntry::Kind::device:
            refuse(entry.path, "is neither a file, a folder nor a link");
            break;
        case ArchiveEntry::Kind::folder:
            fs::create_directories(folder_ / path, failure);
            if (failure) refuse(entry.path, "cannot be unpacked: " + errno_text(failure.value()));
            break;
    }
}

// All their folders are there before the first of them is.
void Unpacker::make_symlinks() const {
    std::error_code failure;
    for (const Symlink& link : symlinks_) fs::create_directories(link.path.parent_path(), failure);
    for (const Symlink& link : symlinks_) {
        if (link.target.empty() || link.target.front() == '/') continue;
        if (fs::exists(fs::symlink_status(link.path, failure))) continue;
        fs::create_symlink(link.target, link.path, failure);
    }
}

void Unpacker::run() {
    while (const auto entry = archive_.next()) take(*entry);
    make_symlinks();
    remove_outward_links(folder_);
}

bool leads_out(const fs::path& link, const fs::path& folder) {
    std::error_code failure;
    if (fs::read_symlink(link, failure).is_absolute()) return true;
    const fs::path end = fs::weakly_canonical(link, failure);
    if (failure) return true;
    const fs::path relative = end.lexically_relative(folder);
    return relative.empty() || *relative.begin() == "..";
}

}  // namespace

void remove_outward_links(const fs::path& folder) {
    const fs::path root = fs::canonical(folder);
    std::vector<fs::path> links;
    for (const auto& entry : fs::recursive_directory_iterator(root))
        if (entry.is_symlink()) links.push_back(entry.path());
    for (const fs::path& link : links)
        if (leads_out(link, root)) fs::remove(link);
}

void unpack(ArchiveReader& archive, const fs::path& folder, const Location& where, const UnpackRules& rules) {
    Unpacker(archive, folder, where, rules).run();
}

}  // namespace klp::packages
