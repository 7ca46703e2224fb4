// SPDX-License-Identifier: GPL-2.0-or-later
// Why each function and each piece of data is in the livepatch, as a value that is printed elsewhere
// (report/explain.hpp). It is made of the comparison's result, also where that is refused, and of the debug information
// of both objects.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "diff/changes.hpp"
#include "diff/disassembly.hpp"
#include "diff/select.hpp"
#include "diff/source_map.hpp"

namespace klp::diff {

enum class Cause : std::uint8_t {
    code,      // its own instructions, or the entries of special sections that belong to them
    part,      // those of its .cold part, or of the function that it is such a part of
    constant,  // a constant that it refers to changed, and a copy of it comes along
    callee,    // a changed function that it calls cannot be hooked, and comes along with it
    added,     // the original has no such thing
    content,   // data: its bytes, or what it refers to
    needed,    // data without identity: whoever refers to it has a copy of its own
    other,     // the reason alone says it
};

// An instruction near a difference.
struct ShownInstruction {
    std::uint64_t offset = 0;  // from the start of the function
    std::string text;
    bool differs = false;  // it is the first that does
};

struct DifferenceSide {
    std::optional<SourceLine> line;
    std::vector<InlinedCall> inlined;  // the functions whose code it is, outermost first
    std::vector<ShownInstruction> instructions;
    std::string content;  // of data, and of references: `"text"`, `42 (0x2a)`, `foo`; empty: not known
};

struct Difference {
    std::uint64_t offset = 0;  // from the start of the function, or of the data
    std::string what;
    std::string table;   // the special section whose entry for that place differs; empty: none
    std::string member;  // of data: ".ops[2].show"; empty: not known, or the whole
    std::string type;    // of the member
    DifferenceSide original, patched;
};

// A function that the patch changes, and that has no code of its own there.
struct InlinedChange {
    std::string function;
    SourceLine called_at;
};

struct UsedBy {
    enum class How : std::uint8_t { call, reference, entry };  // entry: of a special section
    std::string name;
    How how = How::reference;
    std::uint64_t offset = 0;  // from the start of the one that refers to it
    std::optional<SourceLine> line;
};

// As FunctionStatus and DataStatus.
enum class ExplainedStatus : std::uint8_t { changed, added, carried, included, copied };

struct ExplainedPiece {
    std::string name;
    std::string section;  // in the patched object
    ExplainedStatus status = ExplainedStatus::changed;
    Cause cause = Cause::other;
    std::string reason;       // what the comparison says, for people
    std::string subject;      // the constant, the part or the callee that it is about
    bool is_selected = true;  // false: it changed, and can or need not come along
    std::optional<SourceLine> declared;
    std::optional<bool> is_in_patch;  // whether the patch changes lines of it; nullopt: not known
    std::optional<Difference> difference;
    std::vector<InlinedChange> inlined;  // functions that the patch changes
    std::vector<UsedBy> used_by;         // what of the livepatch refers to it
};

struct Explanation {
    std::vector<ExplainedPiece> functions;
    std::vector<ExplainedPiece> data;
};

// Lines of an original file that a patch removes, both ends included, or the two that it adds some between.
struct LineRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    bool is_gap = false;
};
// By file.
using TouchedLines = std::map<std::string, std::vector<LineRange>, std::less<>>;

struct ExplainOptions {
    const Disassembler& disassembler;
    const SourceMap* original = nullptr;  // null: no debug information
    const SourceMap* patched = nullptr;
    const TouchedLines* touched = nullptr;  // null: not known
};

// Error: the disassembler fails.
[[nodiscard]] Explanation explain(const Changes& changes, const Selection& selection, const ExplainOptions& options);

}  // namespace klp::diff
