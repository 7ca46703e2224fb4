// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/derived.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/stamp.hpp"
#include "base/text.hpp"

namespace klp {

namespace {

fs::path origin_path(const fs::path& path) {
    return path.string() + ".origin";
}

// Whether a write that serves the next command alone was possible.
template <typename Write>
bool can_be_kept(const fs::path& path, const Write& write) {
    try {
        std::error_code failure;
        fs::create_directories(path.parent_path(), failure);
        if (failure) return false;
        write();
        return true;
    } catch (const Error&) {
        return false;
    }
}

}  // namespace

DerivedFile::DerivedFile(fs::path path, std::string_view kind, const std::vector<std::string>& made_from)
    : path_(std::move(path)), kind_(kind) {
    for (std::string line : made_from) {
        std::ranges::replace(line, '\n', ' ');
        if (!line.empty()) origin_ += line + '\n';
    }
    origin_ += '\n';
}

std::string DerivedFile::first_line(std::string_view rest) const {
    return fmt::format("klp derived 1 {} {}\n", kind_, sha256_hex(as_bytes(rest)));
}

std::optional<std::string> DerivedFile::load() const {
    try {
        std::error_code failure;
        if (!fs::is_regular_file(path_, failure)) return std::nullopt;
        std::string text = read_text(path_);
        const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
        const std::string_view rest = std::string_view(text).substr(end);
        if (!rest.starts_with(origin_) || !text.starts_with(first_line(rest))) return std::nullopt;
        text.erase(0, end + origin_.size());
        return text;
    } catch (const Error&) {
        return std::nullopt;
    }
}

bool DerivedFile::store(std::string_view content) const {
    return can_be_kept(path_, [&] {
        const std::string rest = origin_ + std::string(content);
        keep_file(path_, first_line(rest) + rest);
    });
}

std::string DerivedFile::get(const std::function<std::string()>& make) const {
    if (auto kept = load()) return *std::move(kept);
    std::string made = make();
    store(made);
    return made;
}

DerivedBlob::DerivedBlob(fs::path path, std::string_view kind, const std::vector<std::string>& made_from,
                         std::vector<fs::path> files)
    : path_(std::move(path)), origin_(origin_path(path_), kind, made_from), files_(std::move(files)) {}

bool DerivedBlob::has_origin() const {
    std::error_code failure;
    return fs::exists(origin_.path(), failure);
}

// The origin has a stamp a line: of the file itself, then of those that it was made from.
bool DerivedBlob::is_sound() const {
    const std::string text = origin_.load().value_or("");
    const auto lines = lines_of(text);
    if (lines.size() != 1 + files_.size()) return false;
    std::string now;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        auto stamp = FileStamp::parse(lines[i]);
        if (!stamp || stamp->path() != (i == 0 ? path_ : files_[i - 1])) return false;
        if (stamp->look() == FileStamp::Look::changed) return false;
        now += stamp->line() + "\n";
    }
    if (now != text) origin_.store(now);
    return true;
}

bool DerivedBlob::note(std::string_view digest) const {
    try {
        const FileStamp stamp = FileStamp::of(path_);
        if (!stamp.is_of_a_file() || (!digest.empty() && stamp.digest() != digest)) return false;
        std::string text = stamp.line() + "\n";
        for (const fs::path& file : files_) text += FileStamp::of(file).line() + "\n";
        return origin_.store(text);
    } catch (const Error&) {
        return false;
    }
}

bool DerivedBlob::adopt() const {
    return note({});
}

// Read back: another process may have put something else there meanwhile.
bool DerivedBlob::store(Bytes content, fs::perms mode) const {
    return can_be_kept(path_, [&] { keep_file(path_, content, mode); }) && note(sha256_hex(content));
}

}  // namespace klp
