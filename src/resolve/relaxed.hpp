// SPDX-License-Identifier: GPL-2.0-or-later
// Functions in which the assembler shortened branches. The kernel is built without -ffunction-sections, so that a
// jump to a near function of the same file stays inside one section: gas resolves it, in the short form
// where that reaches. Recompiled, the same jump leaves its section and keeps the long form with a relocation. All
// else is the same, instruction by instruction; branches inside the function span the change.
#pragma once

#include <cstdint>
#include <optional>

#include "arch/arch.hpp"
#include "resolve/image.hpp"
#include "resolve/originals.hpp"
#include "resolve/proof.hpp"

namespace klp::resolve {

// How the function lies at the place if shortened branches are the only difference. `room` are the bytes there up
// to the function's end, or to the next name.
[[nodiscard]] std::optional<Fit> fit_relaxed(const arch::Arch& arch, const Image& image, const Originals& originals,
                                             const Piece& function, const Place& shipped, std::uint64_t room);

}  // namespace klp::resolve
