// SPDX-License-Identifier: GPL-2.0-or-later
// What `klp run` says about a guest.
#pragma once

#include <string>

#include "guest/guest.hpp"
#include "report/text.hpp"

namespace klp::report {

// The keys are described in docs/json.md.
[[nodiscard]] Json run_json(const std::string& kernel, const guest::Result& result);

// The outputs under headings, and one line that sums up. Control characters in outputs are made visible, but for
// newlines and tabs.
[[nodiscard]] std::string run_text(const std::string& kernel, const guest::Result& result);

// The last lines of the guest's console.
[[nodiscard]] std::string console_tail(const guest::Result& result, std::size_t lines);

}  // namespace klp::report
