// SPDX-License-Identifier: GPL-2.0-or-later
// What goes into a guest: its user space, the modules, the user's files, and the steps.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "guest/guest.hpp"
#include "guest/machine.hpp"
#include "guest/script.hpp"

namespace klp::guest {

struct Payload {
    std::string initramfs;
    std::vector<Step> steps;
};

// Error: a file or module does not exist, cannot be decompressed, or its name is taken in the guest.
[[nodiscard]] Payload make_payload(const kernel::Kernel& kernel, const Request& request, const Machine& machine,
                                   std::string_view nonce, const Progress& progress);

}  // namespace klp::guest
