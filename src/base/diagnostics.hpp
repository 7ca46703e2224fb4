// SPDX-License-Identifier: GPL-2.0-or-later
// Findings about the user's input, collected so that one run reports them all.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
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
    std::string details{};  // the same for programs, as JSON; empty: the message says all

    // What it says already it does not say again.
    Finding& note(std::string text);
    Finding& hint(std::string text);
};

class Diagnostics {
public:
    // The reference stays valid until the next call that adds a finding. A finding that is there already, with the same
    // severity and words at the same place, is not added again.
    Finding& add(Severity severity, std::string id, Location where, std::string message);
    Finding& error(std::string id, Location where, std::string message);
    Finding& warning(std::string id, Location where, std::string message);

    // What is said of a subject (a symbol, whoever refers to it) at its first place alone: null where that has been
    // said under this id with the same severity or a higher one. An error is never held back by a warning.
    Finding* add_once(std::string_view subject, Severity severity, std::string id, Location where, std::string message);

    // All of another collector, in its order.
    void append(const Diagnostics& other);

    [[nodiscard]] const std::vector<Finding>& findings() const noexcept { return findings_; }
    [[nodiscard]] bool has_errors() const noexcept;

    // The checkpoint between two stages: throws an Error with `code` and `summary` if any finding is an error.
    // The findings themselves are printed by the caller that owns the collector.
    void stop_on_errors(std::string_view summary, ExitCode code = ExitCode::unsafe) const;

private:
    std::vector<Finding> findings_;
    std::unordered_multimap<std::string, std::size_t> by_message_;  // indices of findings_
    std::map<std::pair<std::string, std::string>, Severity> said_;  // the highest, by id and subject
};

}  // namespace klp
