// SPDX-License-Identifier: GPL-2.0-or-later
// Changes that no livepatch can make, each a finding with its own id.
#pragma once

#include "base/diagnostics.hpp"
#include "diff/changes.hpp"
#include "diff/diff.hpp"

namespace klp::diff {

// Objects that cannot be compared at all: assembly, link-time optimisation, no function sections.
void refuse_unsuitable_object(const elf::Object& object, Diagnostics& diagnostics);

// Whether functions that ftrace does not list are taken for such that it cannot hook.
[[nodiscard]] bool judges_tracing(const Options& options, const Decomposition& original);

// Changed data, code that has run already, code that ftrace cannot hook, tables that the kernel has read.
void refuse_inexpressible_changes(const Changes& changes, const Options& options, Diagnostics& diagnostics);

// Names of functions and variables that others refer to and that lead to another one now.
void refuse_other_aliases(const Changes& changes, Diagnostics& diagnostics);

// What stays and has an address inside of a function that changed.
void refuse_ways_inside(const Changes& changes, Diagnostics& diagnostics);

// Data without an original that may be what the original object has by another name.
void refuse_renamed_data(const Changes& changes, Diagnostics& diagnostics);

}  // namespace klp::diff
