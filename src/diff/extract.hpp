// SPDX-License-Identifier: GPL-2.0-or-later
// The selected pieces as a relocatable object of their own.
#pragma once

#include "diff/select.hpp"

namespace klp::diff {

// Fills functions, data, references and the extracted object.
[[nodiscard]] Result extract(const Changes& changes, const Selection& selection);

}  // namespace klp::diff
