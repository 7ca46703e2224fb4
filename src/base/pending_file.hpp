// SPDX-License-Identifier: GPL-2.0-or-later
// A file that is not there yet: written under another name beside its place.
#pragma once

#include "base/descriptor.hpp"
#include "base/file.hpp"

namespace klp {

// Removed again unless it was committed; where the process is killed, by remove_abandoned(). Every failure is an Error
// that names the destination.
class PendingFile {
public:
    // `mode` as open() takes it: the user's umask applies.
    PendingFile(const fs::path& destination, fs::perms mode);
    ~PendingFile();
    PendingFile(const PendingFile&) = delete;
    PendingFile& operator=(const PendingFile&) = delete;

    void write(Bytes bytes);
    void flush();   // to the disk
    void commit();  // gives it its name; what has that name goes

    [[nodiscard]] int descriptor() const noexcept { return file_.get(); }

private:
    fs::path destination_;
    fs::path name_;
    Descriptor file_;
    Descriptor lock_;  // the same open file, which holds the lock after file_ was closed
};

}  // namespace klp
