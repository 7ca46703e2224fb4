// SPDX-License-Identifier: GPL-2.0-or-later
// The names under which the linker joins the parts.
//
// `ld -r` knows global symbols by name alone, so whatever crosses the border of a unit gets a name of ours for
// the time of the link: references, which carry their resolution to the other side, and the definitions that
// others refer to. All other definitions become local: two units may both have a `show()`, and an exported
// function that one unit changes must not catch the references of the next.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/diagnostics.hpp"
#include "link/link.hpp"

namespace klp::link {

// A symbol that the livepatch core resolves, and the code that needs it.
struct LivepatchReference {
    std::string patched_object;  // of the unit that refers to it
    std::string object;          // where the symbol is
    std::string name;
    std::uint32_t sympos = 0;
    auto operator<=>(const LivepatchReference&) const = default;
};

class LinkNames {
public:
    // Findings: `make.twice` (two units define what a third refers to), `make.undefined`.
    LinkNames(const ModuleRequest& request, Diagnostics& diagnostics);

    // Of a function of ModuleRequest: a replacement or a callback.
    [[nodiscard]] const std::string& of_function(const elf::Symbol& symbol) const { return definitions_.at(&symbol); }
    // nullptr for other names.
    [[nodiscard]] const LivepatchReference* reference(const std::string& link_name) const;
    [[nodiscard]] const std::string* plain_name(const std::string& link_name) const;

    // Gives the unit's symbols their names and bindings of the link for as long as it lives.
    class Renaming {
    public:
        Renaming(const LinkNames& names, const UnitPart& unit);
        ~Renaming();
        Renaming(const Renaming&) = delete;
        Renaming& operator=(const Renaming&) = delete;

    private:
        struct Saved {
            elf::Symbol* symbol;
            std::string name;
            std::uint8_t binding;
        };
        std::vector<Saved> saved_;
    };

private:
    const std::string& name_definition(const elf::Symbol& symbol);
    void name_shared(const ModuleRequest& request, Diagnostics& diagnostics);
    void name_references(const UnitPart& unit);

    std::map<const elf::Symbol*, std::string> definitions_;  // link names of definitions, and
    std::map<std::string, std::string> plain_names_;         // the way back
    std::map<const elf::Symbol*, std::string> undefined_;    // link names of references
    std::map<LivepatchReference, std::string> reference_names_;
    std::map<std::string, LivepatchReference> references_;
};

}  // namespace klp::link
