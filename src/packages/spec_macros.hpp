// SPDX-License-Identifier: GPL-2.0-or-later
// Macros of .spec files, as far as they are written there. What only rpmbuild could know (the distribution's own
// macros, the output of programs) is unknown, and stays so: three-valued, never guessed.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace klp::packages {

class SpecMacros {
public:
    // Stands for text that is not known.
    static constexpr char unknown = '\x01';

    // `body` is expanded when it is used.
    void define(std::string_view name, std::string_view body);
    void undefine(std::string_view name);
    // It has one of several values.
    void make_unknown(std::string_view name);
    [[nodiscard]] std::string expand(std::string_view text) const { return expand(text, 0); }

private:
    [[nodiscard]] std::string expand(std::string_view text, int depth) const;
    [[nodiscard]] std::string expand_braced(std::string_view inner, int depth) const;
    [[nodiscard]] std::string value_of(std::string_view name, int depth) const;
    // nullopt where that is not known.
    [[nodiscard]] std::optional<bool> is_defined(std::string_view name) const;

    std::map<std::string, std::optional<std::string>, std::less<>> bodies_;  // nullopt: unknown
    std::set<std::string, std::less<>> undefined_;
};

// The condition of an %if, expanded; nullopt where it depends on what is not known.
[[nodiscard]] std::optional<bool> spec_condition(std::string_view expression);

// Whether a name has the form of `pattern`, in which SpecMacros::unknown stands for any text.
[[nodiscard]] bool fits_pattern(std::string_view name, std::string_view pattern);

}  // namespace klp::packages
