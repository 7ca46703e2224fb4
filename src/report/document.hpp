// SPDX-License-Identifier: GPL-2.0-or-later
// What every JSON document that is an object begins with, so that a program knows who speaks, and how it ended.
#pragma once

#include <optional>

#include "base/diagnostics.hpp"
#include "report/text.hpp"

namespace klp::report {

// Of the documents. A higher one means that a key has another meaning or is gone; new keys do not change it.
inline constexpr int schema_version = 1;

// {"klp": VERSION, "schema": schema_version}, then the keys of `result`.
[[nodiscard]] Json document(const Json& result);

struct Ending {
    ExitCode status = ExitCode::done;
    std::optional<Error> error{};  // what ended the command; none where it came to its end
};
// With "status", "error" (null, or {"message", "file", "section", "offset", "hints"}) and "findings" before the keys of
// `result`.
[[nodiscard]] Json document(const Ending& ending, const Diagnostics& findings, const Json& result);

}  // namespace klp::report
