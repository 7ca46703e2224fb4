// SPDX-License-Identifier: GPL-2.0-or-later
// How code comes to a function that ftrace cannot hook: whoever calls it has to be replaced in its stead.
#pragma once

#include <string>
#include <vector>

#include "diff/decomposition.hpp"

namespace klp::diff {

struct Ways {
    std::vector<const Piece*> callers;   // functions of the running kernel that call it, each once
    std::vector<std::string> obstacles;  // why these are not all ways, for people
};

class WaysIn {
public:
    // `object` must outlive it. `is_module`: its __exit code is there, and runs when the module goes. Error: code of
    // it cannot be decoded.
    WaysIn(const Decomposition& object, bool is_module);

    [[nodiscard]] Ways of(const Piece& function) const;

private:
    struct Way {
        const Piece* holder = nullptr;
        const Field* field = nullptr;
        const SpecialEntry* entry = nullptr;  // of the holder, that has the field
    };

    void judge(const Piece& function, const Way& way, Ways& ways, std::vector<const Piece*>& waiting) const;
    void judge_code(const Way& way, Ways& ways, std::vector<const Piece*>& waiting) const;
    [[nodiscard]] bool is_branch(const Way& way) const;

    const Decomposition& object_;
    bool is_module_;
    std::vector<std::vector<Way>> ways_;  // by index of the piece that they lead to
};

}  // namespace klp::diff
