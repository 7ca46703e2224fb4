// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/diagnostics.hpp"

#include <algorithm>

namespace klp {

namespace {

void add_once(std::vector<std::string>& texts, std::string text) {
    if (std::ranges::find(texts, text) == texts.end()) texts.push_back(std::move(text));
}

}  // namespace

Finding& Finding::note(std::string text) {
    add_once(notes, std::move(text));
    return *this;
}

Finding& Finding::hint(std::string text) {
    add_once(hints, std::move(text));
    return *this;
}

Finding& Diagnostics::add(Severity severity, std::string id, Location where, std::string message) {
    const auto [first, last] = by_message_.equal_range(message);
    for (auto known = first; known != last; ++known) {
        Finding& same = findings_[known->second];
        if (same.id == id && same.severity == severity && same.where == where) return same;
    }
    by_message_.emplace(message, findings_.size());
    return findings_.emplace_back(Finding{std::move(id), severity, std::move(where), std::move(message), {}, {}, {}});
}

Finding* Diagnostics::add_once(std::string_view subject, Severity severity, std::string id, Location where,
                               std::string message) {
    const auto [said, is_first] = said_.try_emplace({id, std::string(subject)}, severity);
    if (!is_first && said->second >= severity) return nullptr;
    said->second = severity;
    return &add(severity, std::move(id), std::move(where), std::move(message));
}

void Diagnostics::append(const Diagnostics& other) {
    for (const Finding& finding : other.findings_) {
        Finding& added = add(finding.severity, finding.id, finding.where, finding.message);
        for (const std::string& note : finding.notes) added.note(note);
        for (const std::string& hint : finding.hints) added.hint(hint);
        if (added.details.empty()) added.details = finding.details;
    }
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
