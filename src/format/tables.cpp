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

// Whether a klp_object can have such a pointer at `field`. The one to writable data is `funcs`; callbacks are code.
bool is_object_field(std::uint64_t field, const Place& to) {
    if (field == 0) return !is_data(to);
    if (field == funcs_field) return is_data(to);
    return field >= callbacks_field && field < callbacks_end && to.section->is_code();
}

// Whether there is room for the entry of zeros behind `count` entries. One entry alone tells no size.
bool has_end(const Region& region, std::uint64_t count, std::uint64_t entry_size) {
    return count < 2 || (region.size / entry_size) > count;
}

class TableReader {
public:
    explicit TableReader(const elf::Object& module) : module_(module) {
        collect_pointers();
        collect_starts();
    }

    std::vector<PatchedObject> read() const;

private:
    void collect_pointers();
    void collect_pointers_in(const elf::Section& section, std::uint32_t pointer_type);
    void collect_starts();
    std::optional<std::uint64_t> end_of(const Place& start) const;
    std::optional<Region> region_at(const Place& start) const;
    std::optional<std::string> string_at(const Place& place) const;
    std::string function_name_at(const Place& place) const;
    bool is_zero(const Region& region, std::uint64_t begin, std::uint64_t end) const;
    std::uint64_t entry_size_of(const Place& table, std::uint64_t entries) const;

    std::optional<std::vector<PatchedObject>> read_objects(const Place& start) const;
    std::optional<PatchedObject> read_object(const Region& region, std::uint64_t at) const;
    std::optional<std::vector<PatchedFunction>> read_functions(const Place& start) const;
    std::optional<PatchedFunction> read_function(const Region& region, std::uint64_t at) const;

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
    if (is_data(place) || place.section->is_code() || place.offset >= content.size()) return std::nullopt;
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

// Of a table with so many entries, and the one of zeros at its end.
std::uint64_t TableReader::entry_size_of(const Place& table, std::uint64_t entries) const {
    const auto size = sizes_.find(table);
    return size == sizes_.end() || size->second % (entries + 1) != 0 ? 0 : size->second / (entries + 1);
}

std::optional<PatchedFunction> TableReader::read_function(const Region& region, std::uint64_t at) const {
    const auto old_name = region.pointers.find(at);
    const auto new_func = region.pointers.find(at + new_func_field);
    if (old_name == region.pointers.end() || new_func == region.pointers.end()) return std::nullopt;
    if (at + old_sympos_field + pointer_size > region.size || !new_func->second.section->is_code()) return std::nullopt;
    const auto name = string_at(old_name->second);
    if (!name) return std::nullopt;
    const Bytes sympos =
        region.start.section->content().subspan(region.start.offset + at + old_sympos_field, pointer_size);
    return PatchedFunction{*name, load<std::uint64_t>(sympos, module_.order()), function_name_at(new_func->second),
                           new_func->second.section->name, new_func->second.offset};
}

// Two pointers an entry, and nothing but zeros from the end of old_sympos on.
std::optional<std::vector<PatchedFunction>> TableReader::read_functions(const Place& start) const {
    const auto region = region_at(start);
    if (!region || region->pointers.size() % 2 != 0) return std::nullopt;
    const std::uint64_t count = region->pointers.size() / 2;
    const std::uint64_t stride = count < 2 ? region->size : std::next(region->pointers.begin(), 2)->first;
    if (!has_end(*region, count, stride)) return std::nullopt;
    std::vector<PatchedFunction> functions;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t at = i * stride;
        const std::uint64_t next = i + 1 == count ? region->size : at + stride;
        auto function = read_function(*region, at);
        if (!function || !is_zero(*region, at + old_sympos_field + pointer_size, next)) return std::nullopt;
        functions.push_back(std::move(*function));
    }
    if (count == 0 && !is_zero(*region, 0, region->size)) return std::nullopt;
    return functions;
}

std::optional<PatchedObject> TableReader::read_object(const Region& region, std::uint64_t at) const {
    PatchedObject object;
    object.name = "vmlinux";
    if (const auto name = region.pointers.find(at); name != region.pointers.end()) {
        const auto text = string_at(name->second);
        if (!text) return std::nullopt;
        object.name = *text;
    }
    auto functions = read_functions(region.pointers.at(at + funcs_field));
    if (!functions) return std::nullopt;
    object.functions = std::move(*functions);
    object.function_size = entry_size_of(region.pointers.at(at + funcs_field), object.functions.size());
    for (auto callback = region.pointers.lower_bound(at + callbacks_field);
         callback != region.pointers.end() && callback->first < at + callbacks_end; ++callback)
        object.callbacks.push_back({callback->second.section->name, callback->second.offset,
                                    callback_event(callback->first - at), function_name_at(callback->second)});
    object.has_callbacks = !object.callbacks.empty();
    return object;
}

std::optional<std::vector<PatchedObject>> TableReader::read_objects(const Place& start) const {
    const auto region = region_at(start);
    if (!region) return std::nullopt;
    std::vector<std::uint64_t> funcs;
    for (const auto& [offset, to] : region->pointers) {
        if (is_data(to)) funcs.push_back(offset);
    }
    if (funcs.empty() || funcs.front() != funcs_field) return std::nullopt;
    const std::uint64_t stride = funcs.size() < 2 ? region->size : funcs[1] - funcs[0];
    if (!has_end(*region, funcs.size(), stride)) return std::nullopt;
    for (const auto& [offset, to] : region->pointers) {
        if (!is_object_field(offset % stride, to) || offset / stride >= funcs.size()) return std::nullopt;
    }
    std::vector<PatchedObject> objects;
    std::size_t functions = 0;
    for (std::size_t i = 0; i < funcs.size(); ++i) {
        if (funcs[i] != i * stride + funcs_field) return std::nullopt;
        auto object = read_object(*region, i * stride);
        if (!object) return std::nullopt;
        object->object_size = entry_size_of(start, funcs.size());
        // Tables that lie in each other could stand for more functions than fit into memory.
        functions += object->functions.size();
        if (functions > pointers_.size()) return std::nullopt;
        objects.push_back(std::move(*object));
    }
    if (!is_zero(*region, 0, region->size)) return std::nullopt;
    return objects;
}

std::vector<PatchedObject> TableReader::read() const {
    std::optional<std::vector<PatchedObject>> found;
    for (const Place& patch : patch_candidates_) {
        const auto objs = pointers_.find({patch.section, patch.offset + objs_field});
        if (objs == pointers_.end()) continue;
        auto objects = read_objects(objs->second);
        if (!objects) continue;
        if (found) return {};
        found = std::move(objects);
    }
    return found.value_or(std::vector<PatchedObject>{});
}

}  // namespace

std::string_view callback_event(std::uint64_t field) noexcept {
    static constexpr std::array<std::string_view, 4> events = {"pre_patch", "post_patch", "pre_unpatch",
                                                               "post_unpatch"};
    return events.at((field - callbacks_field) / pointer_size);
}

std::vector<PatchedObject> read_tables(const elf::Object& module) {
    if (module.find_section(klp_build_objects) != nullptr) return read_klp_build_tables(module);
    return TableReader(module).read();
}

}  // namespace klp::format
