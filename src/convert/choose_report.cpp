// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "convert/choose.hpp"

namespace klp::convert {
namespace {

constexpr std::size_t most_candidates = 40;

}  // namespace

Finding* Chooser::report(Severity severity, const char* id, const Location& where, const std::string& subject,
                         std::string message) {
    return diagnostics_.add_once(subject, severity, id, where, std::move(message));
}

// A static symbol of a patched object hides an export of the same name from the code that was copied.
void Chooser::warn_of_hidden(const elf::Symbol& symbol, std::string_view exporter) {
    std::vector<Candidate> hidden = candidates_of(symbol);
    std::erase_if(hidden, [](const Candidate& each) { return each.gone; });
    const auto exported = std::ranges::find(hidden, exporter, &Candidate::object);
    const bool is_alone = exported != hidden.end() && std::ranges::count(hidden, exporter, &Candidate::object) == 1;
    if (is_alone) hidden.erase(exported);
    if (hidden.empty()) return;
    Finding* finding =
        report(Severity::warning, "convert.export-taken", {input_.module.display_name(), {}, {}}, symbol.name,
               fmt::format("'{}' is taken to be what {} exports, but there are others", symbol.name, exporter));
    if (finding == nullptr) return;
    for (const Candidate& each : hidden) finding->note(candidates_.describe(each));
    finding->hint(fmt::format("KLP_RELOC_SYMBOL_POS(PATCHED_OBJECT, OBJECT, {}, POSITION) takes another", symbol.name));
}

// The compiler has inlined the static that the copied code meant, and another object has a symbol of its name. What
// alternatives bring along is assembly, which names no statics.
void Chooser::warn_of_foreign(const Use& use, const Owners& who, const Choice& choice) {
    const format::SymbolName& name = choice.target.symbol;
    const bool is_own = who.objects.empty() || std::ranges::find(who.objects, name.object) != who.objects.end();
    if (is_own || input_.arch.is_code_pool(use.section.name) || !early(who.objects, name.object).empty()) return;
    Finding* finding =
        report(Severity::warning, "convert.foreign-symbol", use.where, name.symbol,
               fmt::format("code for {} alone takes '{}', which it does not have, from {}, which does not export it",
                           fmt::join(who.objects, ", "), name.symbol, name.object));
    if (finding == nullptr) return;
    for (const Candidate& each : candidates_.in(name.object, name.symbol)) finding->note(candidates_.describe(each));
    finding->note("where the code was copied from there, its own may have been inlined: copy that, too");
    finding->hint(fmt::format("KLP_RELOC_SYMBOL({}, {}, {}) says that it is meant", choice.target.applied_with,
                              name.object, name.symbol));
}

void Chooser::report_selection(const Use& use, const format::SymbolName& name, const kernel::Selection& selection) {
    const bool is_null = selection.problem == kernel::Selection::Problem::missing && selection.count != 0;
    (void)report(
        Severity::error, is_null ? "convert.symbol" : "convert.position", use.where, name.symbol,
        is_null ? fmt::format("'{}' of {} has the address 0, which the kernel takes for a symbol that is not there",
                              name.symbol, name.object)
                : fmt::format("position {} selects no symbol '{}' of {} for certain", name.sympos, name.symbol,
                              name.object));
}

void Chooser::report_unknown(const Use& use) {
    const std::string& symbol = use.relocation.symbol->name;
    Finding* finding = report(
        Severity::error, "convert.unknown-symbol", use.where, symbol,
        fmt::format("'{}' is neither exported nor a symbol of {}", symbol, fmt::join(candidates_.objects(), ", ")));
    if (finding == nullptr) return;
    for (const std::string& name : candidates_.similar(symbol)) finding->note("there is " + name);
    if (const kernel::Export* other = input_.symbols.find_export(symbol))
        finding->note(
            fmt::format("module '{}' exports it, which the livepatch neither patches nor depends on", other->module));
    if (!input_.symbols.config("CONFIG_KALLSYMS_ALL"))
        finding->note("the kernel lists functions alone (no CONFIG_KALLSYMS_ALL)");
    finding->hint("it may have been inlined everywhere, or be in a module that the livepatch does not patch");
}

void Chooser::report_ambiguous(const Use& use, const std::vector<Candidate>& candidates) {
    const std::string& symbol = use.relocation.symbol->name;
    Finding* finding = report(Severity::error, "convert.ambiguous", use.where, symbol,
                              fmt::format("'{}' could be any of {} symbols", symbol, candidates.size()));
    if (finding == nullptr) return;
    for (std::size_t i = 0; i < candidates.size() && i < most_candidates; ++i)
        finding->note(candidates_.describe(candidates[i]));
    if (candidates.size() > most_candidates)
        finding->note(fmt::format("and {} more", candidates.size() - most_candidates));
    finding->hint(
        fmt::format("say which: KLP_MODULE_RELOC(OBJECT) relocs[] = {{ KLP_SYMPOS({}, POSITION) }};", symbol));
}

void Chooser::report_early(Severity severity, const Use& use, const std::string& symbol, const std::string& module,
                           const std::vector<std::string>& objects) {
    Finding* finding = report(severity, "convert.module-symbol", use.where, symbol,
                              fmt::format("code for {} refers to '{}' of module '{}', which need not be loaded then",
                                          fmt::join(objects, ", "), symbol, module));
    if (finding != nullptr && severity == Severity::error)
        finding->hint("call it from a function that replaces one of that module, or from its callbacks");
}

}  // namespace klp::convert
