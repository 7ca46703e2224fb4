// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/write.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/process.hpp"

namespace klp {

namespace {

// A pipe that poll() calls writable takes so much without waiting for its reader (pipe(7)). Files take what they get.
constexpr std::size_t pipe_piece = PIPE_BUF, file_piece = std::size_t{1} << 20;
constexpr int poll_milliseconds = 50;

bool is_file(int descriptor) {
    struct stat info {};
    return ::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
}

// 0 when it can be written to, or can say why not.
int wait_for_reader(int descriptor) {
    pollfd event{descriptor, POLLOUT, 0};
    for (;;) {
        check_interrupted();
        const int ready = ::poll(&event, 1, poll_milliseconds);
        if (ready > 0) return 0;
        if (ready < 0 && errno != EINTR) return errno;
    }
}

}  // namespace

int write_all(int descriptor, Bytes bytes) {
    const std::size_t piece = is_file(descriptor) ? file_piece : pipe_piece;
    while (!bytes.empty()) {
        if (const int failure = wait_for_reader(descriptor)) return failure;
        const ssize_t count = ::write(descriptor, bytes.data(), std::min(bytes.size(), piece));
        if (count < 0 && errno != EINTR && errno != EAGAIN) return errno;
        if (count > 0) bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return 0;
}

}  // namespace klp
