// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/explain.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace klp::report {

namespace {

std::string_view explained_word(diff::ExplainedStatus status) {
    switch (status) {
        case diff::ExplainedStatus::changed:
            return "changed";
        case diff::ExplainedStatus::added:
            return "new";
        case diff::ExplainedStatus::carried:
            return "carried";
        case diff::ExplainedStatus::included:
            return "included";
        case diff::ExplainedStatus::copied:
            return "copied";
    }
    return {};
}

std::string_view cause_word(diff::Cause cause) {
    switch (cause) {
        case diff::Cause::code:
            return "code";
        case diff::Cause::part:
            return "part";
        case diff::Cause::constant:
            return "constant";
        case diff::Cause::callee:
            return "callee";
        case diff::Cause::added:
            return "new";
        case diff::Cause::content:
            return "content";
        case diff::Cause::needed:
            return "needed";
        case diff::Cause::other:
            return "other";
    }
    return {};
}

std::string_view use_word(diff::UsedBy::How how) {
    switch (how) {
        case diff::UsedBy::How::call:
            return "call";
        case diff::UsedBy::How::reference:
            return "reference";
        case diff::UsedBy::How::entry:
            return "entry";
    }
    return {};
}

Json known_or_null(const std::string& text) {
    return text.empty() ? Json() : Json(text);
}

Json line_json(const std::optional<diff::SourceLine>& line) {
    if (!line) return nullptr;
    return {{"file", line->file}, {"line", line->line}};
}

Json inlined_json(const std::string& function, const diff::SourceLine& called_at) {
    return {{"function", function}, {"called_at", line_json(called_at)}};
}

Json side_json(const diff::DifferenceSide& side) {
    Json inlined = Json::array();
    for (const auto& each : side.inlined) inlined.push_back(inlined_json(each.function, each.called_at));
    Json instructions = Json::array();
    for (const auto& each : side.instructions)
        instructions.push_back({{"offset", each.offset}, {"text", each.text}, {"differs", each.differs}});
    return {{"line", line_json(side.line)},
            {"inlined", std::move(inlined)},
            {"content", known_or_null(side.content)},
            {"instructions", std::move(instructions)}};
}

Json difference_json(const std::optional<diff::Difference>& difference) {
    if (!difference) return nullptr;
    return {{"offset", difference->offset},
            {"what", difference->what},
            {"table", known_or_null(difference->table)},
            {"member", known_or_null(difference->member)},
            {"type", known_or_null(difference->type)},
            {"original", side_json(difference->original)},
            {"patched", side_json(difference->patched)}};
}

Json piece_json(const diff::ExplainedPiece& piece) {
    Json inlined = Json::array();
    for (const auto& each : piece.inlined) inlined.push_back(inlined_json(each.function, each.called_at));
    Json used_by = Json::array();
    for (const auto& each : piece.used_by) {
        used_by.push_back({{"name", each.name},
                           {"how", use_word(each.how)},
                           {"offset", each.offset},
                           {"line", line_json(each.line)}});
    }
    return {{"name", piece.name},
            {"section", piece.section},
            {"status", explained_word(piece.status)},
            {"cause", cause_word(piece.cause)},
            {"reason", known_or_null(piece.reason)},
            {"subject", known_or_null(piece.subject)},
            {"in_livepatch", piece.is_selected},
            {"in_patch", piece.is_in_patch ? Json(*piece.is_in_patch) : Json()},
            {"declared", line_json(piece.declared)},
            {"difference", difference_json(piece.difference)},
            {"inlined", std::move(inlined)},
            {"used_by", std::move(used_by)}};
}

Json pieces_json(const std::vector<diff::ExplainedPiece>& pieces) {
    Json list = Json::array();
    for (const auto& each : pieces) list.push_back(piece_json(each));
    return list;
}

std::string line_text(const std::optional<diff::SourceLine>& line) {
    return line ? fmt::format("{}:{}", printable(line->file), line->line) : "line not known";
}

std::string side_text(std::string_view title, const diff::DifferenceSide& side) {
    std::string text;
    if (!side.instructions.empty() || side.line) {
        text += fmt::format("      {}, {}", title, line_text(side.line));
        for (const auto& each : side.inlined)
            text += fmt::format(", in '{}' inlined at {}", printable(each.function), line_text(each.called_at));
        text += ":\n";
    }
    for (const auto& each : side.instructions)
        text += fmt::format("      {} +{:#x}  {}\n", each.differs ? '>' : ' ', each.offset, printable(each.text));
    return text;
}

std::string difference_text(const diff::Difference& difference) {
    std::string text = fmt::format("    first difference at +{:#x}", difference.offset);
    if (!difference.table.empty()) text += fmt::format(", entry of {}", printable(difference.table));
    if (!difference.member.empty()) text += fmt::format(", {}", printable(difference.member));
    if (!difference.type.empty()) text += fmt::format(" ({})", printable(difference.type));
    const bool has_content = !difference.original.content.empty() && !difference.patched.content.empty();
    text += has_content ? fmt::format(": {}, was {}\n", printable(difference.patched.content),
                                      printable(difference.original.content))
                        : fmt::format(": {}\n", printable(difference.what));
    return text + side_text("original", difference.original) + side_text("patched", difference.patched);
}

// What comes first: whether the author wrote it.
std::string why_text(const diff::ExplainedPiece& piece) {
    const std::string subject = printable(piece.subject);
    switch (piece.cause) {
        case diff::Cause::added:
            return "the original has none of that name";
        case diff::Cause::part:
            return piece.status == diff::ExplainedStatus::included ? fmt::format("part of '{}'", subject)
                                                                   : fmt::format("its part '{}' differs", subject);
        case diff::Cause::constant:
            return fmt::format("it refers to '{}', which changed and comes along", subject);
        case diff::Cause::callee:
            return fmt::format("it calls '{}', which changed and cannot be hooked", subject);
        case diff::Cause::needed:
            return "whoever refers to it has its own copy";
        case diff::Cause::content:
            return "its content changed";
        case diff::Cause::code:
            if (piece.is_in_patch.value_or(false)) return "the patch changes it";
            if (piece.inlined.empty()) return "its code differs";
            return fmt::format("not in the patch: '{}' is inlined here", printable(piece.inlined.front().function));
        case diff::Cause::other:
            return printable(piece.reason);
    }
    return {};
}

std::string uses_text(const std::vector<diff::UsedBy>& used_by) {
    constexpr std::size_t most_shown = 3;
    std::string text;
    for (std::size_t i = 0; i < std::min(used_by.size(), most_shown); ++i) {
        const diff::UsedBy& each = used_by[i];
        const std::string_view how = each.how == diff::UsedBy::How::call ? "called" : "referred to";
        text += fmt::format("    {} by '{}' at +{:#x}{}{}\n", how, printable(each.name), each.offset,
                            each.line ? ", " : "", each.line ? line_text(each.line) : "");
    }
    if (used_by.size() > most_shown) text += fmt::format("    and in {} more places\n", used_by.size() - most_shown);
    return text;
}

std::string piece_text(const diff::ExplainedPiece& piece) {
    std::string text = fmt::format("  {}: {}{}: {}\n", printable(piece.name), explained_word(piece.status),
                                   piece.is_selected ? "" : " (not in the livepatch)", why_text(piece));
    if (piece.declared) text += fmt::format("    declared at {}\n", line_text(piece.declared));
    for (const auto& each : piece.inlined)
        text += fmt::format("    the patch changes '{}', inlined at {}\n", printable(each.function),
                            line_text(each.called_at));
    if (piece.difference) text += difference_text(*piece.difference);
    return text + uses_text(piece.used_by);
}

std::string unit_text(const pipeline::ExplainedUnit& unit) {
    const auto& [functions, data] = unit.explanation;
    std::string text = printable(unit.source);
    if (!unit.object.empty()) text += fmt::format(" ({})", printable(unit.object));
    if (!unit.reached_by.empty()) text += printable(fmt::format(", includes {}", fmt::join(unit.reached_by, ", ")));
    text += functions.empty() && data.empty() ? ": nothing changed\n" : ":\n";
    for (const auto* pieces : {&functions, &data})
        for (const auto& each : *pieces) text += piece_text(each);
    return text;
}

std::string finding_text(const pipeline::ExplainedFinding& explained) {
    const auto& [finding, source] = explained;
    const std::string place = source ? line_text(source) : printable(finding.where.text());
    return fmt::format("  {}: {}{}{} [{}]\n", word_of(finding.severity), place, place.empty() ? "" : ": ",
                       printable(finding.message), finding.id);
}

}  // namespace

Json explanation_json(const pipeline::ExplainedBuild& explained) {
    Json units = Json::array();
    for (const auto& each : explained.units) {
        units.push_back({{"source", each.source},
                         {"object", known_or_null(each.object)},
                         {"reached_by", each.reached_by},
                         {"functions", pieces_json(each.explanation.functions)},
                         {"data", pieces_json(each.explanation.data)}});
    }
    Json findings = Json::array();
    for (const auto& [finding, source] : explained.findings) {
        findings.push_back({{"id", finding.id},
                            {"severity", word_of(finding.severity)},
                            {"message", finding.message},
                            {"file", source ? source->file : finding.where.file},
                            {"line", source ? Json(source->line) : Json()}});
    }
    return {{"disassembler", explained.disassembler}, {"units", std::move(units)}, {"findings", std::move(findings)}};
}

std::string explanation_text(const pipeline::ExplainedBuild& explained) {
    std::string text;
    for (const auto& each : explained.units) text += unit_text(each);
    if (!explained.findings.empty()) text += "findings:\n";
    for (const auto& each : explained.findings) text += finding_text(each);
    return text;
}

}  // namespace klp::report
