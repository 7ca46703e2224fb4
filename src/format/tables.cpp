// SPDX-License-Identifier: GPL-2.0-or-later
// The structures are known by their shape, not by the names of variables (include/linux/livepatch.h):
//   struct klp_patch  { struct module *mod; struct klp_object *objs; … }
//   struct klp_object { const char *name; struct klp_func *funcs; struct klp_callbacks callbacks; … }
//   struct klp_func   { const char *old_name; void *new_func; unsigned long old_sympos; … }
// In the file every pointer is a relocation, what follows the fields shown is zero, and an entry of zeros ends an
// array. Entry sizes depend on the kernel's configuration, so they are taken from the distance of the relocations.
// Whatever does not fit this is not read at all.
#include "format/tables.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "arch/registry.hpp"
#include "base/text.hpp"

namespace klp::format {

namespace {

constexpr std::uint64_t pointer_size = 8;
constexpr std::uint64_t objs_field = 8;  // klp_patch

// A range of one section, with the pointers in it by their offset from its start.
struct Region {
    Place start;
    std::uint64_t size = 0;
    std::map<std::uint64_t, Place> pointers;
};

bool is_data(const Place& place) {
    return place.section->is_writable() && !place.section->is_code();
}

// Whether a klp_object can have such a pointer at `field`. `funcs` are in writable data; callbacks are code.
bool is_object_field(std::uint64_t field, const Place& to) {
    if (field == 0) return !to.section->is_code();
    if (field == funcs_field) return is_data(to);
    return field >= callbacks_field && field < callbacks_end && to.section->is_code();
}

// Why a table is none that can be read.
struct Unreadable {
    Place where;
    std::string reason;
    bool lacks_end = false;  // entries of another size may fit
};

constexpr std::uint64_t klp_func_members = old_sympos_field + pointer_size;  // what its author fills in
// Smaller than either structure is in any kernel, for both have a kobject: what is smaller is no distance to guess.
constexpr std::uint64_t least_entry = callbacks_end + pointer_size;
constexpr std::uint64_t most_skipped = 8;  // rows of zeros between two entries, of which the kernel sees the first

// Of a table of so many bytes and entries, 0 for unknown: one entry alone is taken to be the half of it.
std::uint64_t entry_size(std::uint64_t table, std::uint64_t entries, std::uint64_t stride) {
    if (table == 0 || stride < table) return table == 0 ? 0 : stride;
    return table % (entries + 1) != 0 ? 0 : table / (entries + 1);
}

class TableReader {
public:
    explicit TableReader(const elf::Object& module) : module_(module) {
        collect_pointers();
        collect_starts();
    }

    Tables read() const;

private:
    void collect_pointers();
    void collect_pointers_in(const elf::Section& section, std::uint32_t pointer_type);
    void collect_starts();
    std::optional<std::uint64_t> end_of(const Place& start) const;
    std::optional<Region> region_at(const Place& start) const;
    std::optional<std::string> string_at(const Place& place) const;
    std::string function_name_at(const Place& place) const;
    bool is_zero(const Region& region, std::uint64_t begin, std::uint64_t end) const;
    bool is_sized(const Place& table) const { return sizes_.contains(table); }
    std::vector<std::uint64_t> strides(const Region& region, std::uint64_t next_row) const;
    std::uint64_t size_of(const Place& table) const;

    struct Patch {
        Place objs;
        std::vector<PatchedObject> objects;
        std::vector<Place> tables;
        bool is_certain = false;  // an entry of it was read
    };
    void read_objects(Patch& patch) const;
    void read_objects(Patch& patch, const Region& region, std::uint64_t stride) const;
    std::optional<std::uint64_t> next_object(const Region& region) const;
    void read_object(Patch& patch, const Region& region, std::uint64_t at, std::uint64_t stride) const;
    std::string object_name(const Region& region, std::uint64_t at, PatchedObject& object) const;
    void read_functions(Patch& patch, PatchedObject& object, const Place& start) const;
    std::vector<PatchedFunction> read_functions(Patch& patch, const Region& region, std::uint64_t stride) const;
    PatchedFunction read_function(const Region& region, std::uint64_t at, std::uint64_t stride) const;
    void read_rest(PatchedFunction& function, const Region& region, std::uint64_t at, std::uint64_t stride) const;

    const elf::Object& module_;
    std::map<Place, Place> pointers_;       // where a pointer is, and where it points to
    std::vector<Place> patch_candidates_;   // pointers to __this_module
    std::set<Place> starts_;                // of everything that has a symbol, or is pointed at
    std::map<Place, std::uint64_t> sizes_;  // of variables, as their symbols say
    std::map<Place, std::string_view> functions_;
};

void TableReader::collect_pointers() {
    const arch::Arch& arch = arch::for_object(module_);
    for (const auto& section : module_.sections()) {
        if (section->is_alloc() && !section->is_code() && !section->is_nobits())
            collect_pointers_in(*section, arch.absolute64_type());
    }
}

void TableReader::collect_pointers_in(const elf::Section& section, std::uint32_t pointer_type) {
    for (const elf::Relocation& relocation : section.rela()) {
        if (relocation.type != pointer_type) continue;
        const Place place{&section, relocation.offset};
        const elf::Symbol& symbol = *relocation.symbol;
        if (symbol.name == "__this_module") {
            patch_candidates_.push_back(place);
        } else if (symbol.placement == elf::Placement::section) {
            pointers_[place] = {symbol.section, symbol.value + static_cast<std::uint64_t>(relocation.addend)};
        }
    }
}

void TableReader::collect_starts() {
    for (const auto& symbol : module_.symbols()) {
        if (symbol->section == nullptr || symbol->is_section_symbol()) continue;
        const Place place{symbol->section, symbol->value};
        starts_.insert(place);
        if (symbol->is_function()) functions_.emplace(place, symbol->name);
        if (symbol->is_data_object() && symbol->size != 0) sizes_.emplace(place, symbol->size);
    }
    for (const auto& [from, to] : pointers_) starts_.insert(to);
}

// Where the variable at `start` ends: as its symbol says, else where the next thing begins that is pointed at.
std::optional<std::uint64_t> TableReader::end_of(const Place& start) const {
    const std::uint64_t end = start.section->size();
    if (const auto size = sizes_.find(start); size != sizes_.end()) {
        if (size->second > end - start.offset) return std::nullopt;
        return start.offset + size->second;
    }
    const auto next = starts_.upper_bound(start);
    return next == starts_.end() || next->section != start.section ? end : std::min(end, next->offset);
}

std::optional<Region> TableReader::region_at(const Place& start) const {
    if (!is_data(start) || start.offset > start.section->size()) return std::nullopt;
    const auto end = end_of(start);
    if (!end) return std::nullopt;
    Region region{start, *end - start.offset, {}};
    for (auto at = pointers_.lower_bound(start); at != pointers_.end() && at->first < Place{start.section, *end};
         ++at) {
        region.pointers.emplace(at->first.offset - start.offset, at->second);
    }
    return region;
}

std::optional<std::string> TableReader::string_at(const Place& place) const {
    const Bytes content = place.section->content();
    if (place.section->is_code() || place.offset >= content.size()) return std::nullopt;
    const auto text = terminated_string(as_text(content.subspan(place.offset)));
    return text && !text->empty() ? std::optional(std::string(*text)) : std::nullopt;
}

std::string TableReader::function_name_at(const Place& place) const {
    const auto found = functions_.find(place);
    return found == functions_.end() ? std::string() : std::string(found->second);
}

bool TableReader::is_zero(const Region& region, std::uint64_t begin, std::uint64_t end) const {
    if (begin > end || end > region.size) return false;
    const Bytes content = region.start.section->content();  // empty for .bss, which is zero
    if (content.empty()) return true;
    return std::ranges::all_of(content.subspan(region.start.offset + begin, end - begin),
                               [](std::byte byte) { return byte == std::byte{0}; });
}

// Of the variable, as its symbol says; 0: nothing does.
std::uint64_t TableReader::size_of(const Place& table) const {
    const auto size = sizes_.find(table);
    return size == sizes_.end() ? 0 : size->second;
}

// Distances between entries that a table can have where what follows the first one begins at `next_row`: the kernel
// stops at an entry of zeros, whatever comes after it.
std::vector<std::uint64_t> TableReader::strides(const Region& region, std::uint64_t next_row) const {
    std::vector<std::uint64_t> strides;
    for (std::uint64_t rows = 1; rows <= most_skipped; ++rows) {
        const std::uint64_t stride = next_row / rows;
        const bool fits = !is_sized(region.start) || region.size % stride == 0;
        const std::uint64_t least = rows == 1 ? klp_func_members : least_entry;
        if (next_row % (rows * pointer_size) == 0 && stride >= least && fits) strides.push_back(stride);
    }
    return strides;
}

// What follows old_sympos is the kernel's, but for `nop`, the first of three truth values at the end.
void TableReader::read_rest(PatchedFunction& function, const Region& region, std::uint64_t at,
                            std::uint64_t stride) const {
    const std::uint64_t end = std::min(at + stride, region.size);
    if (is_zero(region, at + klp_func_members, end)) return;
    const std::uint64_t size = size_of(region.start);
    for (std::uint64_t byte = at + klp_func_members; byte < end; ++byte) {
        if (is_zero(region, byte, byte + 1)) continue;
        // One entry alone does not tell the distance to the next: it is one that divides the table.
        const std::uint64_t entry = byte - at + pointer_size;
        const bool is_last = stride < region.size ? entry == stride : size != 0 && size % entry == 0 && entry < size;
        if (!is_last || region.start.section->content()[region.start.offset + byte] != std::byte{1})
            throw Unreadable{{region.start.section, region.start.offset + byte},
                             "a value in a klp_func where the kernel keeps its own"};
        function.nop = true;
    }
}

PatchedFunction TableReader::read_function(const Region& region, std::uint64_t at, std::uint64_t stride) const {
    const auto fail = [&](std::string reason) {
        return Unreadable{{region.start.section, region.start.offset + at}, std::move(reason)};
    };
    const auto old_name = region.pointers.find(at);
    const auto new_func = region.pointers.find(at + new_func_field);
    if (old_name == region.pointers.end()) throw fail("a klp_func without old_name");
    if (at + klp_func_members > region.size) throw fail("a klp_func that its table has no room for");
    const auto name = string_at(old_name->second);
    if (!name) throw fail("old_name of a klp_func is no text");
    PatchedFunction function;
    function.old_name = *name;
    function.sympos = load<std::uint64_t>(
        region.start.section->content().subspan(region.start.offset + at + old_sympos_field, pointer_size),
        module_.order());
    read_rest(function, region, at, stride);
    if (new_func == region.pointers.end()) {
        if (!function.nop) throw fail("new_func of a klp_func is null");
        return function;
    }
    if (!new_func->second.section->is_code()) throw fail("new_func of a klp_func is no code");
    function.new_name = function_name_at(new_func->second);
    function.new_section = new_func->second.section->name;
    function.new_offset = new_func->second.offset;
    return function;
}

// As klp_for_each_func_static() goes: up to an entry of zeros.
std::vector<PatchedFunction> TableReader::read_functions(Patch& patch, const Region& region,
                                                         std::uint64_t stride) const {
    std::vector<PatchedFunction> functions;
    const auto is_end = [&](std::uint64_t at) {
        const auto pointer = region.pointers.lower_bound(at);
        return (pointer == region.pointers.end() || pointer->first >= at + klp_func_members) &&
               is_zero(region, at, at + klp_func_members);
    };
    std::uint64_t at = 0;
    for (; !is_end(at); at += stride) {
        // One entry alone tells no size.
        if (at != 0 && at + stride >= region.size)
            throw Unreadable{region.start, "a table of klp_func without an entry of zeros at its end", true};
        functions.push_back(read_function(region, at, stride));
        patch.is_certain = true;
        for (auto pointer = region.pointers.lower_bound(at); pointer != region.pointers.end(); ++pointer) {
            if (pointer->first >= at + stride) break;
            if (pointer->first != at && pointer->first != at + new_func_field)
                throw Unreadable{{region.start.section, region.start.offset + pointer->first},
                                 "a pointer in a klp_func where the kernel keeps its own"};
        }
        if (stride >= region.size) break;
    }
    return functions;
}

void TableReader::read_functions(Patch& patch, PatchedObject& object, const Place& start) const {
    const auto region = region_at(start);
    if (!region) throw Unreadable{start, "a table of klp_func that is not in writable data"};
    const auto second = region->pointers.lower_bound(klp_func_members);
    std::vector<std::uint64_t> candidates = {region->size};
    if (second != region->pointers.end()) candidates = strides(*region, second->first);
    std::optional<Unreadable> problem;
    for (const std::uint64_t stride : candidates) {
        try {
            object.functions = read_functions(patch, *region, stride);
            object.function_table = size_of(start);
            object.function_size = entry_size(object.function_table, object.functions.size(), stride);
            return;
        } catch (Unreadable& failed) {
            if (!failed.lacks_end) throw;
            if (!problem) problem = std::move(failed);
        }
    }
    throw problem.value_or(Unreadable{start, "a table of klp_func whose entries are of no one size"});
}

std::string TableReader::object_name(const Region& region, std::uint64_t at, PatchedObject& object) const {
    const auto name = region.pointers.find(at);
    if (name == region.pointers.end()) return "vmlinux";
    const auto text = string_at(name->second);
    if (!text) throw Unreadable{{region.start.section, region.start.offset + at}, "name of a klp_object is no text"};
    object.never_comes = *text == "vmlinux";
    return *text;
}

void TableReader::read_object(Patch& patch, const Region& region, std::uint64_t at, std::uint64_t stride) const {
    const auto fail = [&](std::uint64_t field, std::string reason) {
        return Unreadable{{region.start.section, region.start.offset + at + field}, std::move(reason)};
    };
    PatchedObject object;
    object.name = object_name(region, at, object);
    const auto funcs = region.pointers.find(at + funcs_field);
    if (funcs == region.pointers.end()) throw fail(funcs_field, "funcs of a klp_object is null");
    for (auto each = region.pointers.lower_bound(at); each != region.pointers.end() && each->first < at + stride;
         ++each)
        if (!is_object_field(each->first - at, each->second))
            throw fail(each->first - at, "a pointer in a klp_object that is of another kind than the member there");
    if (!is_zero(region, at, std::min(at + stride, region.size)))
        throw fail(0, "a value in a klp_object where the kernel keeps its own");
    read_functions(patch, object, funcs->second);
    patch.tables.push_back(funcs->second);
    for (auto callback = region.pointers.lower_bound(at + callbacks_field);
         callback != region.pointers.end() && callback->first < at + callbacks_end; ++callback)
        object.callbacks.push_back({callback->second.section->name, callback->second.offset,
                                    callback_event(callback->first - at), function_name_at(callback->second)});
    object.has_callbacks = !object.callbacks.empty();
    object.object_table = size_of(region.start);
    object.object_size = entry_size(object.object_table, 1, stride);
    patch.objects.push_back(std::move(object));
}

// Where what follows the first entry begins, if anything does.
std::optional<std::uint64_t> TableReader::next_object(const Region& region) const {
    const auto next = region.pointers.lower_bound(callbacks_end);
    if (next == region.pointers.end()) return std::nullopt;
    const auto behind = region.pointers.find(next->first + funcs_field);
    const bool is_name = behind != region.pointers.end() && is_data(behind->second);
    return is_name ? next->first : next->first - std::min(next->first, funcs_field);
}

// As klp_for_each_object_static() goes: up to an entry without name and functions.
void TableReader::read_objects(Patch& patch, const Region& region, std::uint64_t stride) const {
    std::size_t functions = 0;
    for (std::uint64_t at = 0;; at += stride) {
        const auto pointer = region.pointers.lower_bound(at);
        const bool is_end = pointer == region.pointers.end() || pointer->first >= at + callbacks_field;
        if (is_end && is_zero(region, at, at + callbacks_field)) return;
        if (at != 0 && at + stride >= region.size)
            throw Unreadable{region.start, "a table of klp_object without an entry of zeros at its end", true};
        read_object(patch, region, at, stride);
        // Tables that lie in each other could stand for more functions than fit into memory.
        functions += patch.objects.back().functions.size();
        if (functions > pointers_.size()) throw Unreadable{region.start, "tables of klp_func that lie in each other"};
        if (stride >= region.size) return;
    }
}

void TableReader::read_objects(Patch& patch) const {
    const auto region = region_at(patch.objs);
    if (!region) throw Unreadable{patch.objs, "a table of klp_object that is not in writable data"};
    const auto next = next_object(*region);
    std::vector<std::uint64_t> candidates = {region->size};
    if (next) candidates = strides(*region, *next);
    std::optional<Unreadable> problem;
    for (const std::uint64_t stride : candidates) {
        try {
            patch.objects.clear();
            patch.tables.clear();
            read_objects(patch, *region, stride);
            return;
        } catch (Unreadable& failed) {
            if (!failed.lacks_end) throw;
            if (!problem) problem = std::move(failed);
        }
    }
    throw problem.value_or(Unreadable{patch.objs, "a table of klp_object whose entries are of no one size"});
}

Tables TableReader::read() const {
    Tables result;
    std::map<Place, std::size_t> arrays;  // of objects: how often klp_patch has it
    std::vector<std::pair<Place, Patch>> patches;
    for (const Place& place : patch_candidates_) {
        const auto objs = pointers_.find({place.section, place.offset + objs_field});
        if (objs == pointers_.end() || !is_data(objs->second)) continue;
        // Other structures begin with their owner, too.
        const auto funcs = pointers_.find({objs->second.section, objs->second.offset + funcs_field});
        if (funcs == pointers_.end() || !is_data(funcs->second)) continue;
        Patch patch{objs->second, {}, {}};
        try {
            read_objects(patch);
            if (patch.objects.empty()) continue;
            ++arrays[patch.objs];
            patches.emplace_back(place, std::move(patch));
        } catch (const Unreadable& failed) {
            result.problems.push_back({failed.where, failed.reason, patch.is_certain});
        }
    }
    for (auto& [place, patch] : patches) {
        if (arrays[patch.objs] > 1) {
            result.problems.push_back({place, "two klp_patch have one table of klp_object", true});
            continue;
        }
        result.places.push_back(place);
        result.places.push_back(patch.objs);
        result.places.insert(result.places.end(), patch.tables.begin(), patch.tables.end());
        for (PatchedObject& object : patch.objects) {
            object.patch = result.patches;
            result.objects.push_back(std::move(object));
        }
        ++result.patches;
    }
    if (result.patches != 0) std::erase_if(result.problems, [](const TableProblem& each) { return !each.is_certain; });
    return result;
}

}  // namespace

std::string_view callback_event(std::uint64_t field) noexcept {
    static constexpr std::array<std::string_view, 4> events = {"pre_patch", "post_patch", "pre_unpatch",
                                                               "post_unpatch"};
    return events.at((field - callbacks_field) / pointer_size);
}

Tables read_all_tables(const elf::Object& module) {
    if (module.find_section(klp_build_objects) == nullptr) return TableReader(module).read();
    Tables result;
    result.objects = read_klp_build_tables(module);
    result.patches = result.objects.empty() ? 0 : 1;
    return result;
}

std::vector<PatchedObject> read_tables(const elf::Object& module) {
    return read_all_tables(module).objects;
}

std::vector<Place> table_places(const elf::Object& module) {
    return read_all_tables(module).places;
}

}  // namespace klp::format
