// SPDX-License-Identifier: GPL-2.0-or-later
// For each relocation of a hand-written livepatch: whether the livepatch core has to apply it, and how.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/diagnostics.hpp"
#include "convert/annotations.hpp"
#include "convert/candidates.hpp"
#include "convert/ownership.hpp"
#include "kernel/selection.hpp"
#include "link/livepatch_relocations.hpp"

namespace klp::convert {

struct Choice {
    link::LivepatchTarget target;
    bool annotated = false;
};

// The livepatch as it came, and what is known about it.
struct ConvertInput {
    const elf::Object& module;
    const arch::Arch& arch;
    const kernel::SymbolSource& symbols;
    std::vector<format::PatchedObject> objects;  // as the tables of the module say, and the request
    bool linked = true;                          // after the last link
    // Kernels 4.6 to 5.7: relocations of vmlinux symbols are late as well, and special sections have a form of theirs.
    bool arch_sections = false;
};

class Chooser {
public:
    Chooser(const ConvertInput& input, std::vector<std::string> objects, Diagnostics& diagnostics);

    // nullopt: the relocation is the module loader's, or there was a finding.
    [[nodiscard]] std::optional<Choice> choose(const elf::Section& target, const elf::Relocation& relocation);
    // Findings on annotations that were not used.
    void check_annotations();

    [[nodiscard]] const Annotations& annotations() const noexcept { return annotations_; }
    [[nodiscard]] const Ownership& ownership();

private:
    struct Use {
        const elf::Section& section;
        const elf::Relocation& relocation;
        Location where;
    };

    // What the module loader makes of a symbol.
    struct Import {
        bool is_ordinary = true;  // it finds it, or has no need to; else the livepatch core has to
        const kernel::Export* found = nullptr;
        kernel::Content content = kernel::Content::unknown;  // of what it finds
    };
    [[nodiscard]] const Import& import_of(const elf::Symbol& symbol);
    [[nodiscard]] Import look_up(const elf::Symbol& symbol);
    [[nodiscard]] std::vector<Candidate> own_of(const Use& use, const kernel::Export& found);
    [[nodiscard]] std::optional<Choice> choose_imported(const Use& use, const Import& import);
    [[nodiscard]] std::optional<Choice> accept(const Use& use, std::optional<Choice> choice);
    [[nodiscard]] bool is_sensible(const Use& use, std::string_view name, kernel::Content content);
    [[nodiscard]] std::optional<Choice> choose_annotated(const Use& use, const Annotation& annotation);
    [[nodiscard]] std::optional<Choice> choose_by_name(const Use& use);
    [[nodiscard]] std::optional<Choice> choose_among(const Use& use, const std::vector<Candidate>& candidates);
    [[nodiscard]] const std::vector<Candidate>& candidates_of(const elf::Symbol& symbol);

    [[nodiscard]] std::optional<format::SymbolName> name_of(const Location& where, const std::string& symbol,
                                                            const Candidate& candidate);
    [[nodiscard]] std::optional<format::SymbolName> check_meaning(const Annotation& annotation);
    [[nodiscard]] bool check_object(const Annotation& annotation, const std::string& object, bool patched);
    [[nodiscard]] std::optional<std::string> applied_with(const Use& use, const format::SymbolName& symbol,
                                                          const Annotation* annotation);
    [[nodiscard]] std::optional<std::string> module_applied_with(const Use& use, const format::SymbolName& symbol,
                                                                 const Annotation* annotation, const Owners& owners);
    [[nodiscard]] std::optional<std::string> old_applied_with(const Use& use, const format::SymbolName& symbol,
                                                              const Owners& owners);

    [[nodiscard]] bool is_patched(const std::string& object) const;
    [[nodiscard]] bool is_there_with(const std::string& module, const std::string& patched_object);
    // Objects whose code may run while `module` is not there.
    [[nodiscard]] std::vector<std::string> early(const std::vector<std::string>& owners, const std::string& module);
    // Whether code alone reads the place: it is code, or has the addresses by which code comes to symbols.
    [[nodiscard]] bool is_code(const Use& use) const;
    [[nodiscard]] Owners owners(const Use& use) { return ownership().owners(use.section, use.relocation.offset); }

    // Diagnostics::add_once().
    [[nodiscard]] Finding* report(Severity severity, const char* id, const Location& where, const std::string& subject,
                                  std::string message);
    void warn_of_hidden(const elf::Symbol& symbol, std::string_view exporter);
    void warn_of_foreign(const Use& use, const Owners& who, const Choice& choice);
    void report_selection(const Use& use, const format::SymbolName& name, const kernel::Selection& selection);
    void report_unknown(const Use& use);
    void report_ambiguous(const Use& use, const std::vector<Candidate>& candidates);
    void report_early(Severity severity, const Use& use, const std::string& symbol, const std::string& module,
                      const std::vector<std::string>& objects);

    const ConvertInput& input_;
    Diagnostics& diagnostics_;
    Candidates candidates_;
    Annotations annotations_;
    std::unique_ptr<Ownership> ownership_;
    std::vector<std::string> depends_;  // of the livepatch itself
    kernel::SymbolUses uses_;
    std::unordered_map<const elf::Symbol*, Import> imports_;
    std::map<std::string, std::pair<kernel::Selection, kernel::Content>> selections_;  // by livepatch symbol
    std::unordered_map<const elf::Symbol*, std::vector<Candidate>> by_symbol_;
    std::unordered_map<const Annotation*, std::optional<format::SymbolName>> meanings_;
    std::map<std::string, std::vector<std::string>> dependencies_;
};

}  // namespace klp::convert
