// SPDX-License-Identifier: GPL-2.0-or-later
#include "convert/ownership.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "diff/decomposition.hpp"

namespace klp::convert {

struct Ownership::Graph {
    using Pieces = std::unordered_set<const diff::Piece*>;

    Graph(const elf::Object& module, const diff::EntrySizes& sizes) : pieces(module, sizes) {
        for (const auto& section : module.sections()) sections.emplace(section->name, section.get());
    }

    void add_root(Pieces& reached, const std::string& section, std::uint64_t offset) {
        if (const auto found = sections.find(section); found != sections.end())
            visit(reached, pieces.piece_at(*found->second, offset));
    }

    // `through_data`: what a table of pointers leads to counts, too.
    void visit(Pieces& reached, const diff::Piece* start, bool through_data = true) {
        std::vector<const diff::Piece*> open = {start};
        while (!open.empty()) {
            const diff::Piece* piece = open.back();
            open.pop_back();
            // THIS_MODULE leads to the init function, and so to everything; nobody calls that way.
            if (piece == nullptr || piece->section->name == ".gnu.linkonce.this_module") continue;
            if (!through_data && !piece->is_any_code()) continue;
            if (reached.insert(piece).second) collect_targets(*piece, open);
        }
    }

    void collect_targets(const diff::Piece& piece, std::vector<const diff::Piece*>& targets) const {
        for (const diff::Field& field : pieces.fields(piece)) targets.push_back(field.target.piece);
        targets.insert(targets.end(), piece.cold_parts.begin(), piece.cold_parts.end());
        for (const diff::SpecialEntry& entry : piece.entries)
            for (const diff::Field& field : pieces.fields(entry)) targets.push_back(field.target.piece);
    }

    diff::Decomposition pieces;
    std::unordered_map<std::string_view, const elf::Section*> sections;
    std::vector<std::pair<std::string, Pieces>> by_object;
    Pieces by_init;
};

Ownership::Ownership(const elf::Object& module, const arch::Arch& arch,
                     const std::vector<format::PatchedObject>& objects, bool old_tables) {
    diff::EntrySizes sizes;
    if (old_tables)
        for (const arch::SpecialSection& table : arch.special_sections())
            if (table.arch_entry_size != 0) sizes.emplace_back(table.name, table.arch_entry_size);
    graph_ = std::make_unique<Graph>(module, sizes);
    for (const format::PatchedObject& object : objects) {
        auto& [name, reached] = graph_->by_object.emplace_back(object.name, Graph::Pieces{});
        for (const auto& function : object.functions)
            graph_->add_root(reached, function.new_section, function.new_offset);
        for (const auto& callback : object.callbacks) graph_->add_root(reached, callback.section, callback.offset);
    }
    std::ranges::sort(graph_->by_object, {}, [](const auto& each) { return each.first; });
    for (const auto& symbol : module.symbols())
        if (symbol->name == "init_module" || symbol->name == "cleanup_module")
            graph_->visit(graph_->by_init, graph_->pieces.piece_of(*symbol), false);
}

Ownership::~Ownership() = default;

Owners Ownership::owners(const elf::Section& section, std::uint64_t offset) const {
    Owners owners;
    const diff::Piece* piece = graph_->pieces.piece_at(section, offset);
    for (const auto& [name, reached] : graph_->by_object)
        if (reached.contains(piece) && (owners.objects.empty() || owners.objects.back() != name))
            owners.objects.push_back(name);
    owners.init = graph_->by_init.contains(piece);
    return owners;
}

// Which instructions an entry's code has is in the entry, in a form of each architecture's own: the first one is
// certain.
ReplacedCode Ownership::replaced(const elf::Section& code, std::uint64_t offset) const {
    const diff::Piece* piece = graph_->pieces.piece_at(code, offset);
    if (piece == nullptr || !piece->is_any_code()) return {};
    std::vector<std::uint64_t> starts;
    for (const diff::SpecialEntry& entry : piece->entries) {
        if (entry.table->code_at_load != arch::CodeAtLoad::replaced) continue;
        const std::uint64_t place = piece->range.begin + entry.owner_offset;
        if (place > offset) continue;
        if (starts.empty()) starts = graph_->pieces.architecture().instruction_starts(code, piece->range);
        const auto next = std::ranges::upper_bound(starts, place);
        if (offset < (next == starts.end() ? piece->range.end : *next)) return {entry.section, entry.range.begin};
    }
    return {};
}

std::vector<TableEntry> Ownership::entries() const {
    std::vector<TableEntry> entries;
    for (const diff::Piece& piece : graph_->pieces.pieces()) {
        for (const diff::SpecialEntry& entry : piece.entries) {
            TableEntry& added = entries.emplace_back(TableEntry{entry.section, entry.range});
            added.code.push_back({piece.section, piece.range});
            for (const diff::Field& field : graph_->pieces.fields(entry)) {
                const diff::Piece* other = field.target.piece;
                if (other != nullptr && other->role == diff::Role::code_pool)
                    added.code.push_back({other->section, other->range});
            }
        }
    }
    for (const diff::SpecialEntry& entry : graph_->pieces.orphans())
        entries.push_back(TableEntry{entry.section, entry.range});
    return entries;
}

}  // namespace klp::convert
