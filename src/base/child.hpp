// SPDX-License-Identifier: GPL-2.0-or-later
// A started child process with its pipes; never outlives the object.
#pragma once

#include <sys/types.h>

#include "base/descriptor.hpp"

namespace klp {

struct Command;

class Child {
public:
    explicit Child(const Command& command);  // Error: it cannot be started
    ~Child();                                // kills and reaps it, unless reap() was called
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    // Our ends, none of which blocks.
    Descriptor input;
    Descriptor output;
    Descriptor errors;
    Descriptor exit_event;  // readable once the child has ended

    // Safe until reap(): an unreaped child keeps its process group's number from being reused.
    void kill_group() const noexcept;
    [[nodiscard]] int reap() noexcept;  // waits; the exit status, or 128 + signal number

private:
    pid_t process_ = -1;
};

}  // namespace klp
