// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <set>

#include "base/abandoned.hpp"
#include "base/errno_text.hpp"
#include "base/error.hpp"

namespace klp {

namespace {

// What killed processes left there goes before this process adds to it.
void clean_once(const fs::path& folder) {
    static std::mutex mutex;
    static std::set<fs::path> cleaned;
    const std::lock_guard lock(mutex);
    if (cleaned.insert(folder).second) remove_abandoned(folder);
}

}  // namespace

fs::path temporary_folder() {
    const char* variable = std::getenv("TMPDIR");
    const bool usable = variable != nullptr && *variable != '\0' && is_plain_path(fs::absolute(variable));
    return usable ? variable : "/tmp";
}

TempDir::TempDir(std::string_view prefix, const fs::path& parent) {
    const fs::path folder = parent.empty() ? temporary_folder() : parent;
    clean_once(folder);
    while (!lock_) {
        std::string name = fs::absolute(folder / fmt::format("{}.klpkit-XXXXXX", prefix)).string();
        if (::mkdtemp(name.data()) == nullptr)
            throw Error({folder.string(), {}, {}},
                        fmt::format("cannot make a temporary folder: {}", errno_text(errno)));
        path_ = name;
        try {
            lock_ = claim(path_);
        } catch (const Error&) {
            fs::remove(path_);
            throw;
        }
    }
}

TempDir::~TempDir() {
    if (!path_.empty()) remove_tree(path_);
}

TempDir::TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(lock_, other.lock_);
    return *this;
}

}  // namespace klp
