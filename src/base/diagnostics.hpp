// SPDX-License-Identifier: GPL-2.0-or-later
// Findings about the user's input, collected so that one run reports them all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace klp {

enum class Severity { note, warning, error };

// `id` is stable from release to release (`diff.init-code`, `resolve.ambiguous`), lower case with dots and
// hyphens; the text may change.
struct Finding {
    std::string id;
    Severity severity = Severity::error;
    Location where;
    std::string message;
    std::vector<std::string> notes;
    std::vector<std::string> hints;

    Finding& note(std::string text);
    Finding& hint(std::string text);
};

class Diagnostics {
public:
    // The reference stays valid until the next call that adds a finding.
    Finding& add(Severity severity, std::string id, Location where, std::string message);
    Finding& error(std::string id, Location where, std::string message);
    Finding& warning(std::string id, Location where, std::string message);

    [[nodiscard]] const std::vector<Finding>& findings() const noexcept { return findings_; }
    [[nodiscard]] bool has_errors() const noexcept;

    // The checkpoint between two stages: throws an Error with `code` and `summary` if any finding is an error.
    // The findings themselves are printed by the caller that owns the collector.
    void stop_on_errors(std::string_view summary, ExitCode code = ExitCode::unsafe) const;

private:
    std::vector<Finding> findings_;
};

}  // namespace klp
