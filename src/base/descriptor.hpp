// SPDX-License-Identifier: GPL-2.0-or-later
// An owned file descriptor.
#pragma once

#include <unistd.h>

#include <utility>

namespace klp {

class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() { close(); }
    Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int get() const noexcept { return number_; }
    [[nodiscard]] explicit operator bool() const noexcept { return number_ >= 0; }
    int release() noexcept { return std::exchange(number_, -1); }
    int close() noexcept { return number_ >= 0 ? ::close(release()) : 0; }

private:
    int number_ = -1;
};

}  // namespace klp
