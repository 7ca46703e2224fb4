// SPDX-License-Identifier: GPL-2.0-or-later
// Functions that differ in nothing but the numbers of their lines, which __LINE__ gives to functions that warn, and
// which -fsanitize=undefined tells its own: objects compiled without #line have other ones below a change.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "diff/compare.hpp"
#include "diff/source_map.hpp"

namespace klp::diff {

class LineNumbers {
public:
    // `pairs` must outlive it.
    explicit LineNumbers(const Correlation& pairs);

    // Whether all that differs is certain to be such a number: a constant that is loaded for one of the kernel's
    // functions that take a line there, and that is the line of the call where the object has debug information; one
    // that it has to be by the debug information, of a function that prints it; or the line in what the sanitizer
    // checks. Error: code that cannot be decoded, damaged debug information.
    [[nodiscard]] bool alone_differ(const Piece& original, const Piece& patched);

private:
    struct Side {
        const Decomposition& object;
        std::optional<std::unique_ptr<SourceMap>> lines{};  // none: not looked for; null: the object has none
    };
    using Ranges = std::vector<arch::Range>;

    // Of differing instructions, from the start of the pieces; nullopt: not all of them load lines.
    [[nodiscard]] std::optional<Ranges> loads_of_lines(const Piece& original, const Piece& patched);
    [[nodiscard]] std::optional<arch::ConstantArgument> line_loaded(Side& side, const Piece& code,
                                                                    std::uint64_t offset);
    // nullopt: the object has no debug information.
    [[nodiscard]] std::optional<bool> is_line_of(Side& side, const Piece& code, const arch::ConstantArgument& loaded);
    [[nodiscard]] bool same_check(const Target& original, const Target& patched) const;

    Side original_, patched_;
    Comparison strict_, comparison_;
};

}  // namespace klp::diff
