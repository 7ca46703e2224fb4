// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/pending_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <random>

#include "base/abandoned.hpp"
#include "base/errno_text.hpp"
#include "base/process.hpp"
#include "base/write.hpp"

namespace klp {

namespace {

[[noreturn]] void cannot_write(const fs::path& path, int number) {
    throw Error({path.string(), {}, {}}, fmt::format("cannot write: {}", errno_text(number)));
}

// By chance, not from the process' number: an earlier process of that number may have left its file behind. Not from
// the destination's name either, which can be as long as a name may be.
fs::path temporary_name(const fs::path& destination) {
    std::random_device chance;
    return destination.parent_path() / fmt::format(".klp-{:08x}{:08x}.tmp", chance(), chance());
}

}  // namespace

PendingFile::PendingFile(const fs::path& destination, fs::perms mode) : destination_(destination) {
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    do {
        name_ = temporary_name(destination);
        file_ = Descriptor(::open(name_.c_str(), flags, static_cast<mode_t>(mode)));
        if (!file_ && errno != EEXIST) cannot_write(destination, errno);
    } while (!file_ || !claim(file_, name_));
    lock_ = Descriptor(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0));
    if (!lock_) {
        const int number = errno;
        ::unlink(name_.c_str());
        cannot_write(destination, number);
    }
}

PendingFile::~PendingFile() {
    if (!name_.empty()) ::unlink(name_.c_str());
}

void PendingFile::write(Bytes bytes) {
    if (const int failure = write_all(file_.get(), bytes)) cannot_write(destination_, failure);
}

void PendingFile::flush() {
    // EINVAL: a file system that has nothing to flush (fsync(2)).
    if (::fsync(file_.get()) != 0 && errno != EINVAL) cannot_write(destination_, errno);
}

void PendingFile::commit() {
    check_interrupted();
    if (file_.close() != 0) cannot_write(destination_, errno);
    if (::rename(name_.c_str(), destination_.c_str()) != 0) cannot_write(destination_, errno);
    name_.clear();
}

}  // namespace klp
