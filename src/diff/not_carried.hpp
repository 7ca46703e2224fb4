// SPDX-License-Identifier: GPL-2.0-or-later
// What a patch says that no livepatch does, and that leaves code as it is: what is told of exports and modules, what
// runs or is read but once, where things lie. Each is a note with the id `diff.not-carried`.
#pragma once

#include <string>

#include "base/diagnostics.hpp"
#include "diff/changes.hpp"

namespace klp::diff {

void note_what_is_not_carried(const Changes& changes, Diagnostics& diagnostics);

// Whether that is all there is to the change of a table's entry, of a table that only modpost reads, or of what has
// run.
[[nodiscard]] bool is_only_noted(const Changes& changes, const Piece& patched);

// EXPORT_SYMBOL and its kin, and of what.
[[nodiscard]] bool is_export(const Piece& piece);
[[nodiscard]] std::string exported_name(const Piece& piece);

// An entry that says something of the kernel or module, and that no code depends on.
[[nodiscard]] bool is_only_information(const Piece& piece);

}  // namespace klp::diff
