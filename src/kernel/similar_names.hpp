// SPDX-License-Identifier: GPL-2.0-or-later
// What somebody may have meant who wrote a name that is not there.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/kallsyms.hpp"

namespace klp::kernel {

class SimilarNames {
public:
    explicit SimilarNames(std::string_view name) : name_(name) {}

    // Looks for names in one object: what the compiler made of the name (foo.isra.0), and names with few letters
    // changed.
    void add(const SymbolTable& symbols);
    // "'foo.isra.0' of vmlinux", likely ones first; a few of them.
    [[nodiscard]] std::vector<std::string> texts() const;

private:
    std::string_view name_;
    std::set<std::pair<std::size_t, std::string>> found_;  // by distance
};

}  // namespace klp::kernel
