// SPDX-License-Identifier: GPL-2.0-or-later
#include "convert/ownership.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "diff/decomposition.hpp"
#include "format/early_data.hpp"
#include "format/tables.hpp"

namespace klp::convert {

struct Ownership::Graph {
    using Pieces = std::unordered_set<const diff::Piece*>;

    Graph(const elf::Object& module, const diff::EntrySizes& sizes) : pieces(module, sizes), early(module) {
        for (const auto& section : module.sections()) sections.emplace(section->name, section.get());
    }

    // Null where there is none.
    const diff::Piece* piece_in(const std::string& section, std::uint64_t offset) const {
        const auto found = sections.find(section);
        return found == sections.end() ? nullptr : pieces.piece_at(*found->second, offset);
    }

    // Where a way from code to code may lead through.
    enum class Way : std::uint8_t { code, code_and_data_alone, all };

    void visit(Pieces& reached, const diff::Piece* start, Way way) {
        std::vector<const diff::Piece*> open = {start};
        while (!open.empty()) {
            const diff::Piece* piece = open.back();
            open.pop_back();
            // THIS_MODULE leads to the init function, and so to everything; nobody calls that way.
            if (piece == nullptr || piece->section->name == ".gnu.linkonce.this_module" || tables.contains(piece))
                continue;
            if (way == Way::code && !piece->is_any_code()) continue;
            if (!reached.insert(piece).second) continue;
            const bool is_table = way == Way::code_and_data_alone && !piece->is_any_code();
            for (const diff::Piece* target : targets_of(*piece))
                if (!is_table || (target != nullptr && !target->is_any_code())) open.push_back(target);
        }
    }

    std::vector<const diff::Piece*> targets_of(const diff::Piece& piece) const {
        std::vector<const diff::Piece*> targets = piece.cold_parts;
        for (const diff::Field& field : pieces.fields(piece)) targets.push_back(target_of(field));
        for (const diff::SpecialEntry& entry : piece.entries)
            for (const diff::Field& field : pieces.fields(entry)) targets.push_back(target_of(field));
        return targets;
    }

    // Of a section of addresses not all of it, but what the one entry leads to.
    const diff::Piece* target_of(const diff::Field& field) const {
        if (pool == nullptr || field.relocation->symbol->section != pool) return field.target.piece;
        const auto found = behind.find(entry_of(*field.relocation));
        return found == behind.end() ? nullptr : found->second;
    }
    static std::uint64_t entry_of(const elf::Relocation& relocation) {
        return relocation.symbol->value + static_cast<std::uint64_t>(relocation.addend);
    }

    // The piece that has the place; of an address in `pool`, the code that reads it.
    std::vector<const diff::Piece*> users(const elf::Section& section, std::uint64_t offset) const {
        const auto found = readers.find(offset);
        if (&section == pool && found != readers.end()) return found->second;
        return {pieces.piece_at(section, offset)};
    }

    // `name`: arch::Arch::address_pool().
    void look_into_pool(std::string_view name) {
        const auto found = sections.find(name);
        if (name.empty() || found == sections.end()) return;
        pool = found->second;
        for (const diff::Piece& piece : pieces.pieces()) {
            for (const diff::Field& field : pieces.fields(piece)) {
                if (piece.section == pool) behind[field.offset()] = field.target.piece;
                if (piece.is_any_code() && field.relocation->symbol->section == pool)
                    readers[entry_of(*field.relocation)].push_back(&piece);
            }
        }
    }

    // The instructions of a piece that are replaced, by where they begin, each with its end: made once for a piece, of
    // which every relocation asks. Which instructions an entry's code has is in the entry, in a form of each
    // architecture's own: the first one is certain.
    using Replaced = std::map<std::uint64_t, std::pair<std::uint64_t, ReplacedCode>>;
    const Replaced& replaced_in(const diff::Piece& piece) {
        const auto [known, is_new] = replaced.try_emplace(&piece);
        if (!is_new) return known->second;
        std::vector<std::uint64_t> starts;
        for (const diff::SpecialEntry& entry : piece.entries) {
            if (entry.table->code_at_load != arch::CodeAtLoad::replaced) continue;
            if (starts.empty()) starts = pieces.architecture().instruction_starts(*piece.section, piece.range);
            const std::uint64_t place = piece.range.begin + entry.owner_offset;
            const auto next = std::ranges::upper_bound(starts, place);
            const std::uint64_t end = next == starts.end() ? piece.range.end : *next;
            known->second.try_emplace(place, end, ReplacedCode{entry.section, entry.range.begin});
        }
        return known->second;
    }

    diff::Decomposition pieces;
    std::unordered_map<const diff::Piece*, Replaced> replaced;
    std::unordered_map<std::string_view, const elf::Section*> sections;
    Pieces tables;  // klp_patch, klp_object and klp_func
    std::vector<std::pair<std::string, Pieces>> by_object;
    std::vector<std::pair<std::string, Pieces>> through_tables;  // by object, from its callbacks
    Pieces by_init;
    format::EarlyData early;
    Pieces by_early_tables;  // from module parameters and the like
    // Of a section of addresses: by the offset of each, the code that reads it, and what it is the address of.
    const elf::Section* pool = nullptr;
    std::unordered_map<std::uint64_t, std::vector<const diff::Piece*>> readers;
    std::unordered_map<std::uint64_t, const diff::Piece*> behind;
};

Ownership::Ownership(const elf::Object& module, const arch::Arch& arch,
                     const std::vector<format::PatchedObject>& objects, bool old_tables) {
    diff::EntrySizes sizes;
    if (old_tables)
        for (const arch::SpecialSection& table : arch.special_sections())
            if (table.arch_entry_size != 0) sizes.emplace_back(table.name, table.arch_entry_size);
    graph_ = std::make_unique<Graph>(module, sizes);
    graph_->look_into_pool(arch.address_pool());
    for (const format::Place& table : format::table_places(module))
        if (const diff::Piece* piece = graph_->pieces.piece_at(*table.section, table.offset))
            graph_->tables.insert(piece);
    for (const format::PatchedObject& object : objects) {
        auto& [name, reached] = graph_->by_object.emplace_back(object.name, Graph::Pieces{});
        for (const auto& function : object.functions)
            graph_->visit(reached, graph_->piece_in(function.new_section, function.new_offset), Graph::Way::all);
        Graph::Pieces everything = reached;
        for (const auto& callback : object.callbacks) {
            const diff::Piece* piece = graph_->piece_in(callback.section, callback.offset);
            graph_->visit(reached, piece, Graph::Way::code_and_data_alone);
            graph_->visit(everything, piece, Graph::Way::all);
        }
        if (!object.callbacks.empty()) graph_->through_tables.emplace_back(object.name, std::move(everything));
    }
    std::ranges::sort(graph_->by_object, {}, [](const auto& each) { return each.first; });
    for (const diff::Piece& piece : graph_->pieces.pieces())
        if (format::is_early_table(*piece.section)) graph_->visit(graph_->by_early_tables, &piece, Graph::Way::all);
    for (const auto& symbol : module.symbols())
        if (symbol->name == "init_module" || symbol->name == "cleanup_module")
            graph_->visit(graph_->by_init, graph_->pieces.piece_of(*symbol), Graph::Way::code);
}

Ownership::~Ownership() = default;

Owners Ownership::owners(const elf::Section& section, std::uint64_t offset) const {
    Owners owners;
    const std::vector<const diff::Piece*> pieces = graph_->users(section, offset);
    const auto reach = [&](const Graph::Pieces& reached) {
        return std::ranges::any_of(pieces, [&](const diff::Piece* each) { return reached.contains(each); });
    };
    for (const auto& [name, reached] : graph_->by_object)
        if (reach(reached) && (owners.objects.empty() || owners.objects.back() != name)) owners.objects.push_back(name);
    for (const auto& [name, reached] : graph_->through_tables)
        if (reach(reached)) owners.through_tables.push_back(name);
    owners.init = reach(graph_->by_init);
    owners.early_tables = reach(graph_->by_early_tables) && !graph_->early.covers(section, offset);
    return owners;
}

bool Ownership::is_of_init(const elf::Section& section, std::uint64_t offset) const {
    if (section.name.starts_with(".init")) return true;
    return &section == graph_->pool && std::ranges::any_of(graph_->users(section, offset), [](const diff::Piece* each) {
        return each != nullptr && each->section->name.starts_with(".init");
    });
}

ReplacedCode Ownership::replaced(const elf::Section& code, std::uint64_t offset) const {
    const diff::Piece* piece = graph_->pieces.piece_at(code, offset);
    if (piece == nullptr || !piece->is_any_code()) return {};
    const auto& instructions = graph_->replaced_in(*piece);
    const auto after = instructions.upper_bound(offset);
    if (after == instructions.begin()) return {};
    const auto& [end, entry] = std::prev(after)->second;
    return offset < end ? entry : ReplacedCode{};
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
