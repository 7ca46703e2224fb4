// SPDX-License-Identifier: GPL-2.0-or-later
#include "convert/candidates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "diff/names.hpp"
#include "link/livepatch_relocations.hpp"

namespace klp::convert {
namespace {

constexpr std::size_t most_similar_names = 5;
constexpr std::size_t largest_distance = 2;

// Letters to insert, remove or replace; what is above `limit` is told as limit + 1.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
    if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return limit + 1;
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
            diagonal = above;
        }
        if (*std::ranges::min_element(row) > limit) return limit + 1;
    }
    return row.back();
}

// Short names are all alike.
std::size_t limit_for(std::string_view name) {
    return name.size() < 6 ? 1 : largest_distance;
}

}  // namespace

Candidates::Candidates(const kernel::SymbolSource& symbols, std::vector<std::string> objects)
    : symbols_(symbols), objects_(std::move(objects)) {
    init_begin_ = symbols.vmlinux().linked_address("__init_begin").value_or(0);
    init_end_ = symbols.vmlinux().linked_address("__init_end").value_or(0);
    per_cpu_begin_ = symbols.vmlinux().linked_address("__per_cpu_start").value_or(0);
    per_cpu_end_ = symbols.vmlinux().linked_address("__per_cpu_end").value_or(0);
}

const kernel::SymbolTable* Candidates::table(std::string_view object) const {
    return object == vmlinux ? &symbols_.vmlinux() : symbols_.module(object);
}

bool Candidates::is_gone(const kernel::SymbolTable& table, const kernel::KernelSymbol& symbol) const {
    if (&table != &symbols_.vmlinux()) return symbol.init_only;
    // arch/{arm64,powerpc,s390}/kernel/vmlinux.lds.S have PERCPU_SECTION among what is freed. Its addresses stay those
    // of the variables, to which each CPU adds its offset.
    if (symbol.address >= per_cpu_begin_ && symbol.address < per_cpu_end_) return false;
    return symbol.address >= init_begin_ && symbol.address < init_end_;
}

std::vector<Candidate> Candidates::in(std::string_view object, std::string_view name) const {
    std::vector<Candidate> found;
    const kernel::SymbolTable* table = this->table(object);
    if (table == nullptr) return found;
    for (const std::size_t index : table->find(name)) {
        const bool gone = is_gone(*table, table->symbols()[index]);
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
    std::set<std::pair<std::size_t, std::string>> found;
    for (const std::string& object : objects_) {
        const kernel::SymbolTable* table = this->table(object);
        if (table == nullptr) continue;
        for (const kernel::KernelSymbol& symbol : table->symbols()) {
            const std::size_t limit = limit_for(name);
            const std::size_t away = diff::is_variant_of(symbol.name, name) ? 0 : distance(name, symbol.name, limit);
            if (away <= limit) found.emplace(away, fmt::format("'{}' of {}", symbol.name, object));
        }
    }
    std::vector<std::string> names;
    for (const auto& [away, text] : found)
        if (names.size() < most_similar_names) names.push_back(text);
    return names;
}

}  // namespace klp::convert
