// SPDX-License-Identifier: GPL-2.0-or-later
// From a module's file to its memory.
#pragma once

#include "loader/features.hpp"
#include "loader/module.hpp"

namespace klp::loader {

// Headers, symbols and relocations, with what rewrite_section_headers() and layout_and_allocate() change in the
// headers. Error: tables that lead out of the file.
void build_image(Module& module, const arch::Arch& arch, const Features& features);
[[nodiscard]] LayoutRequest layout_request(const Module& module, const Features& features, std::uint64_t reserved_text);
// kernel/module/main.c:move_module. The blocks have their addresses; each is as many whole pages as it needs.
void move_module(Module& module, std::uint64_t page_bytes);

}  // namespace klp::loader
