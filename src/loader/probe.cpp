// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/probe.hpp"

#include <algorithm>

namespace klp::loader {

bool has_text(const kernel::Kernel& kernel, std::string_view text) {
    return std::ranges::any_of(kernel.vmlinux().sections(), [&](const auto& section) {
        if (!section->is_alloc() || section->is_code()) return false;
        return find(section->content(), as_bytes(text)).has_value();
    });
}

}  // namespace klp::loader
