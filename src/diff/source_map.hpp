// SPDX-License-Identifier: GPL-2.0-or-later
// From places in an object to its source, by its debug information: lines, inlined functions, members of variables.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diff/debug_image.hpp"
#include "diff/dwarf_die.hpp"
#include "elf/object.hpp"

namespace klp::diff {

struct SourceLine {
    std::string file;
    std::uint64_t line = 0;  // counts from 1

    bool operator==(const SourceLine&) const = default;
};

// A call that the compiler has put the callee's body in the place of.
struct InlinedCall {
    std::string function;
    SourceLine called_at;

    bool operator==(const InlinedCall&) const = default;
};

// The lines of a file that a function is made of, as far as they have code; to its closing brace.
struct SourceExtent {
    std::string file;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
};

// A part of a variable.
struct SourceMember {
    std::string path;  // ".ops[2].show"; empty: the variable itself
    std::string type;  // as C has it, roughly
    std::uint64_t offset = 0;
    std::uint64_t size = 0;  // bytes
    bool is_text = false;    // an array of characters
    bool is_signed = false;  // a number that may be negative
};

// A place in the object. Symbols tell sections of one name apart.
struct ObjectPlace {
    std::string_view section;
    std::string_view symbol;
    std::uint64_t offset = 0;  // in the section
};

class SourceMap {
public:
    // How the file is to be called that the debug information names so.
    using FileName = std::function<std::string(const std::string&)>;

    // The object is not needed afterwards. Error: the debug information is damaged. Precondition: DebugImage::is_in().
    SourceMap(const elf::Object& object, const FileName& file_name);

    // nullopt throughout: the debug information does not say.
    [[nodiscard]] std::optional<SourceLine> line_at(const ObjectPlace& place) const;
    // The inlined functions whose code is there, outermost first.
    [[nodiscard]] std::vector<InlinedCall> inlined_at(const ObjectPlace& place) const;
    // Those of which there is code in `size` bytes from there on, by place.
    [[nodiscard]] std::vector<InlinedCall> inlined_in(const ObjectPlace& place, std::uint64_t size) const;
    // Where the function or variable is declared that begins there.
    [[nodiscard]] std::optional<SourceLine> declaration_at(const ObjectPlace& place) const;
    // What a finding about that place is about: the declaration of what begins there, else the line of the code, which
    // is where a header's function is called that is inlined there, else the declaration of the variable around it.
    [[nodiscard]] std::optional<SourceLine> about(const Location& where) const;
    // What is `offset` bytes behind the start of the variable that begins there.
    [[nodiscard]] std::optional<SourceMember> member_at(const ObjectPlace& place, std::uint64_t offset) const;
    // By the function's name in C.
    [[nodiscard]] std::optional<SourceExtent> extent_of(std::string_view function) const;

private:
    [[nodiscard]] std::optional<SourceLine> declaration_around(const ObjectPlace& place) const;

    using Address = std::uint64_t;  // sections stand one behind the other
    struct Row {
        Address begin = 0;
        Address end = 0;
        std::size_t file = 0;  // of files_
        std::uint64_t line = 0;
    };
    struct Code {  // a range of a function, or of an inlined one
        Address begin = 0;
        Address end = 0;
        int depth = 0;  // 0: not inlined
        std::string function;
        SourceLine declared;
        SourceLine called_at;
    };

    struct Variable {
        Die die;
        SourceLine declared;
    };

    [[nodiscard]] SectionAddresses place_sections(const elf::Object& object);
    void read_unit(const Die& unit, const FileName& file_name);
    void read_rows(const Die& unit, const FileName& file_name);
    void read_entries(const Die& parent, int depth);
    void read_code(const Die& die, int depth);
    void make_extents();
    [[nodiscard]] std::size_t file_index(const std::string& name, const FileName& file_name);
    [[nodiscard]] SourceLine line_of(const Die& die, unsigned file, unsigned line) const;
    [[nodiscard]] std::optional<Address> address_of(const ObjectPlace& place) const;

    struct PlacedSection {
        Address begin = 0;
        std::vector<std::string> symbols;
    };
    std::multimap<std::string, PlacedSection, std::less<>> sections_;
    std::unique_ptr<DebugImage> image_;
    std::vector<std::string> files_;
    std::map<std::string, std::size_t> file_indices_;  // by the name in the debug information
    std::vector<std::string> unit_files_;              // of the unit that is being read, by number
    std::vector<Row> rows_;                            // by address
    std::vector<Code> code_;                           // outer before inner
    std::map<Address, Variable> variables_;
    std::map<std::string, SourceExtent, std::less<>> extents_;
};

}  // namespace klp::diff
