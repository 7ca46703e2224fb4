// SPDX-License-Identifier: GPL-2.0-or-later
#include "convert/candidates.hpp"

#include <fmt/format.h>

#include "base/kernel_names.hpp"
#include "kernel/similar_names.hpp"
#include "link/livepatch_relocations.hpp"

namespace klp::convert {

std::optional<std::string> meant_object(const kernel::SymbolSource& symbols, std::string_view name) {
    std::string meant = with_underscores(name);
    if (meant == name || symbols.module(meant) == nullptr) return std::nullopt;
    return meant;
}

Candidates::Candidates(const kernel::SymbolSource& symbols, std::vector<std::string> objects)
    : symbols_(symbols), objects_(std::move(objects)), facts_(symbols.vmlinux()) {}

const kernel::SymbolTable* Candidates::table(std::string_view object) const {
    return object == vmlinux ? &symbols_.vmlinux() : symbols_.module(object);
}

std::vector<Candidate> Candidates::in(std::string_view object, std::string_view name) const {
    std::vector<Candidate> found;
    const kernel::SymbolTable* table = this->table(object);
    if (table == nullptr) return found;
    for (const std::size_t index : table->find(name)) {
        const bool gone = facts_.is_gone(table->symbols()[index]);
        found.push_back({std::string(object), table, index, static_cast<std::uint32_t>(found.size() + 1), gone});
    }
    return found;
}

std::vector<Candidate> Candidates::of(std::string_view name) const {
    std::vector<Candidate> found;
    for (const std::string& object : objects_) {
        auto more = in(object, name);
        found.insert(found.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    return found;
}

std::string Candidates::describe(const Candidate& candidate) const {
    const kernel::KernelSymbol& symbol = candidate.table->symbols()[candidate.index];
    const bool in_module = symbol.section != nullptr;
    std::string place = in_module ? fmt::format("{}+0x{:x}", symbol.section->name, symbol.address)
                                  : fmt::format("address 0x{:x}", symbol.address);
    const std::string_view file = in_module ? std::string_view() : symbols_.source_file(candidate.index);
    if (!file.empty()) place += fmt::format(", {}", file);
    if (candidate.gone) place += ", gone after init";
    return fmt::format("{}: position {} ({})", candidate.object, candidate.number, place);
}

std::vector<std::string> Candidates::similar(std::string_view name) const {
    kernel::SimilarNames names(name);
    for (const std::string& object : objects_)
        if (const kernel::SymbolTable* table = this->table(object)) names.add(*table);
    return names.texts();
}

}  // namespace klp::convert
