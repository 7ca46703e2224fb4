// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/diagnostics.hpp"

#include <algorithm>

namespace klp {

Finding& Finding::note(std::string text) {
    notes.push_back(std::move(text));
    return *this;
}

Finding& Finding::hint(std::string text) {
    hints.push_back(std::move(text));
    return *this;
}

Finding& Diagnostics::add(Severity severity, std::string id, Location where, std::string message) {
    return findings_.emplace_back(Finding{std::move(id), severity, std::move(where), std::move(message), {}, {}});
}

Finding& Diagnostics::error(std::string id, Location where, std::string message) {
    return add(Severity::error, std::move(id), std::move(where), std::move(message));
}

Finding& Diagnostics::warning(std::string id, Location where, std::string message) {
    return add(Severity::warning, std::move(id), std::move(where), std::move(message));
}

bool Diagnostics::has_errors() const noexcept {
    return std::any_of(findings_.begin(), findings_.end(),
                       [](const Finding& finding) { return finding.severity == Severity::error; });
}

void Diagnostics::stop_on_errors(std::string_view summary, ExitCode code) const {
    if (has_errors()) throw Error(std::string(summary), code);
}

}  // namespace klp
