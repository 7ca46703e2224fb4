// SPDX-License-Identifier: GPL-2.0-or-later
// The words that both forms of a simulation's report use.
#pragma once

#include <string>
#include <string_view>

#include "loader/simulation.hpp"

namespace klp::report {

[[nodiscard]] std::string_view word_of(loader::EventKind kind);
[[nodiscard]] std::string_view word_of(loader::Area area);
[[nodiscard]] std::string_view word_of(loader::LogLine::Level level);
[[nodiscard]] std::string_view word_of(loader::RelocationStep::Action action);
[[nodiscard]] std::string_view word_of(arch::WriteKind kind);
[[nodiscard]] std::string_view word_of(kernel::Hook::Where where);
[[nodiscard]] std::string hexadecimal(Bytes bytes);  // "e8000000", in the order of memory
// "1 field", "2 PLT entries"
[[nodiscard]] std::string counted(arch::WriteKind kind, std::size_t count);
// Where a write went. The s390 area before .text has no name.
[[nodiscard]] loader::WrittenSection place_of(const arch::MemoryWrite& write, const loader::RelocationStep& step);

}  // namespace klp::report
