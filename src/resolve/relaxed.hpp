// SPDX-License-Identifier: GPL-2.0-or-later
// Functions that are the same instruction by instruction, though not byte by byte, for two reasons.
//
// The assembler shortened branches. The kernel is built without -ffunction-sections, so that a
// jump to a near function of the same file stays inside one section: gas resolves it, in the short form
// where that reaches. Recompiled, the same jump leaves its section and keeps the long form with a relocation.
//
// It aligned loops more strictly than functions are aligned (gcc 14: hot and tight loops to 32 or 64 bytes). How many
// nops that takes depends on where the function lies, which is not the same in a section of its own.
//
// Branches inside the function span the changes.
#pragma once

#include <cstdint>
#include <optional>

#include "arch/arch.hpp"
#include "resolve/image.hpp"
#include "resolve/originals.hpp"
#include "resolve/proof.hpp"

namespace klp::resolve {

// How the function lies at the place if shortened branches and nops before aligned code are the only differences.
// `room` are the bytes there up to the function's end, or to the next name.
[[nodiscard]] std::optional<Fit> fit_relaxed(const arch::Arch& arch, const Image& image, const Originals& originals,
                                             const Piece& function, const Place& shipped, std::uint64_t room);

}  // namespace klp::resolve
