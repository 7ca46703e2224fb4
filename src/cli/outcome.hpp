// SPDX-License-Identifier: GPL-2.0-or-later
// For commands that print one JSON document for every exit status.
#pragma once

#include <functional>
#include <string>

#include "base/diagnostics.hpp"
#include "base/json.hpp"

namespace klp::cli {

// What is known of a command that runs.
struct Outcome {
    Diagnostics findings;
    std::function<Json()> result = [] { return Json::object(); };  // the command's own keys, as far as they are known
    bool is_printed = false;                                       // set by whoever prints the document at the end

    // The document of a command that came to its end.
    [[nodiscard]] std::string document(ExitCode status = ExitCode::done);
};

// Runs `action`. What leaves it as an exception is told in a document as well, where `is_json` and none was printed;
// `output` is the file of -o, which may be standard output.
ExitCode with_document(bool is_json, const std::string& output, const std::function<ExitCode(Outcome&)>& action);

}  // namespace klp::cli
