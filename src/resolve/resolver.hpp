// SPDX-License-Identifier: GPL-2.0-or-later
// One unit's references, one by one: what the module loader can resolve itself, and what the livepatch core
// has to look up by object, name and position.
#pragma once

#include <optional>
#include <vector>

#include "resolve/resolve.hpp"

namespace klp::resolve {

class Resolver {
public:
    Resolver(const Unit& unit, const NamesByObject& brought, Diagnostics& diagnostics);

    // A failed one is reported, and returned without an object.
    [[nodiscard]] Resolution resolve(const diff::Reference& reference);

private:
    using Indices = std::vector<std::size_t>;

    [[nodiscard]] std::optional<Resolution> by_other_unit(const diff::Reference& reference) const;
    [[nodiscard]] std::optional<Resolution> by_export(const diff::Reference& reference);
    [[nodiscard]] std::optional<Resolution> by_proof(const diff::Reference& reference);
    [[nodiscard]] std::optional<Resolution> by_witness(const diff::Reference& reference);
    [[nodiscard]] std::optional<Resolution> by_name(const diff::Reference& reference, const kernel::SymbolTable& table);
    [[nodiscard]] Resolution of_module(const diff::Reference& reference, std::string_view module);

    [[nodiscard]] Indices plausible(const diff::Reference& reference, const kernel::SymbolTable& table,
                                    const Indices& candidates) const;
    [[nodiscard]] Resolution chosen(const diff::Reference& reference, const kernel::SymbolTable& table,
                                    std::size_t index, std::string how);
    [[nodiscard]] Resolution ambiguous(const diff::Reference& reference, const kernel::SymbolTable& table,
                                       const Indices& candidates);
    [[nodiscard]] Resolution unresolved(const diff::Reference& reference);
    [[nodiscard]] Location where() const;

    const Unit& unit_;
    const NamesByObject& brought_;
    Diagnostics& diagnostics_;
    std::vector<std::string> dependencies_;  // of the patched module
};

}  // namespace klp::resolve
