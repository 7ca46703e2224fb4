// SPDX-License-Identifier: GPL-2.0-or-later
#include "format/early_data.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace klp::format {

namespace {

// kernel/module/main.c:find_module_sections(), as far as the tables are walked after the module is loaded, or by its
// own constructors.
constexpr std::array<std::string_view, 9> tables = {"__param",          "__tracepoints_ptrs", "_ftrace_events",
                                                    "_ftrace_eval_map", "__bpf_raw_tp_map",   ".init_array",
                                                    ".ctors",           "__dyndbg",           "__verbose"};

struct Reach {
    const elf::Section* section = nullptr;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

// The variables of a section by where they begin; none of size 0.
using Variables = std::map<std::pair<const elf::Section*, std::uint64_t>, std::uint64_t>;

Variables variables_of(const elf::Object& module) {
    Variables variables;
    for (const auto& symbol : module.symbols())
        if (symbol->section != nullptr && symbol->is_data_object() && symbol->size != 0)
            variables[{symbol->section, symbol->value}] = symbol->value + symbol->size;
    return variables;
}

// The variable that covers a place.
std::optional<Reach> variable_at(const Variables& variables, const elf::Section* section, std::uint64_t offset) {
    auto after = variables.upper_bound({section, offset});
    if (after == variables.begin()) return std::nullopt;
    const auto& [start, end] = *std::prev(after);
    if (start.first != section || offset >= end) return std::nullopt;
    return Reach{section, start.second, end};
}

// The relocations of each section, by offset.
class Pointers {
public:
    template <typename Visit>
    void visit(const Reach& reach, const Visit& visit) {
        const auto [entry, is_new] = by_section_.try_emplace(reach.section);
        std::vector<const elf::Relocation*>& all = entry->second;
        if (is_new) {
            for (const elf::Relocation& each : reach.section->rela()) all.push_back(&each);
            std::ranges::sort(all, {}, [](const elf::Relocation* each) { return each->offset; });
        }
        const auto offset = [](const elf::Relocation* each) { return each->offset; };
        for (auto at = std::ranges::lower_bound(all, reach.begin, {}, offset); at != all.end(); ++at) {
            if ((*at)->offset >= reach.end) break;
            visit(**at);
        }
    }

private:
    std::map<const elf::Section*, std::vector<const elf::Relocation*>> by_section_;
};

std::vector<Reach> starts_of(const elf::Object& module) {
    std::vector<Reach> starts;
    for (const auto& section : module.sections())
        if (is_early_table(*section)) starts.push_back({section.get(), 0, section->size()});
    return starts;
}

}  // namespace

bool is_early_table(const elf::Section& section) {
    return section.is_alloc() && std::ranges::find(tables, section.name) != tables.end();
}

EarlyData::EarlyData(const elf::Object& module) {
    std::vector<Reach> open = starts_of(module);
    if (open.empty()) return;
    const Variables variables = variables_of(module);
    Pointers pointers;
    while (!open.empty()) {
        const Reach reach = open.back();
        open.pop_back();
        if (!ranges_[reach.section].emplace(reach.begin, reach.end).second) continue;
        pointers.visit(reach, [&](const elf::Relocation& relocation) {
            const elf::Symbol& to = *relocation.symbol;
            if (to.placement != elf::Placement::section || to.section->is_code()) return;
            const std::uint64_t place = to.value + static_cast<std::uint64_t>(relocation.addend);
            if (const auto next = variable_at(variables, to.section, place)) open.push_back(*next);
        });
    }
}

bool EarlyData::covers(const elf::Section& section, std::uint64_t offset) const {
    const auto ranges = ranges_.find(&section);
    if (ranges == ranges_.end()) return false;
    const auto after = ranges->second.upper_bound(offset);
    return after != ranges->second.begin() && offset < std::prev(after)->second;
}

}  // namespace klp::format
