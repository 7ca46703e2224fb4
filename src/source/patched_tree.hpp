// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "source/apply.hpp"
#include "source/overlay.hpp"

namespace klp::source {

// Puts the changed files into an overlay of their tree, with #line directives.
void write_patched(Overlay& overlay, const PatchedFiles& files);

}  // namespace klp::source
