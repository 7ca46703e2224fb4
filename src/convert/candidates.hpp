// SPDX-License-Identifier: GPL-2.0-or-later
// What a name can mean in the objects that a livepatch is about.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernel/selection.hpp"
#include "kernel/symbol_source.hpp"

namespace klp::convert {

struct Candidate {
    std::string object;
    const kernel::SymbolTable* table = nullptr;
    std::size_t index = 0;     // in the table
    std::uint32_t number = 0;  // among the symbols of its name in the object, from 1
    bool gone = false;         // in an init section: not there any more when a livepatch arrives
};

// The kernel names modules with '_' where their files have '-'. nullopt: that is not it.
[[nodiscard]] std::optional<std::string> meant_object(const kernel::SymbolSource& symbols, std::string_view name);

class Candidates {
public:
    // The objects are "vmlinux" or modules that `symbols` knows.
    Candidates(const kernel::SymbolSource& symbols, std::vector<std::string> objects);

    [[nodiscard]] std::vector<Candidate> of(std::string_view name) const;
    [[nodiscard]] std::vector<Candidate> in(std::string_view object, std::string_view name) const;

    // "vmlinux: position 2 (address 0xffffffff81…, namespace.c)"
    [[nodiscard]] std::string describe(const Candidate& candidate) const;
    // Names in the objects that the author may have meant, likely ones first: what the compiler made of the name
    // (foo.isra.0), then names with few letters changed.
    [[nodiscard]] std::vector<std::string> similar(std::string_view name) const;

    [[nodiscard]] const std::vector<std::string>& objects() const noexcept { return objects_; }
    [[nodiscard]] const kernel::SymbolFacts& facts() const noexcept { return facts_; }
    // nullptr where the kernel does not have it.
    [[nodiscard]] const kernel::SymbolTable* table(std::string_view object) const;

private:
    const kernel::SymbolSource& symbols_;
    std::vector<std::string> objects_;
    kernel::SymbolFacts facts_;
};

}  // namespace klp::convert
