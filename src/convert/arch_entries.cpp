// SPDX-License-Identifier: GPL-2.0-or-later
// Special sections of late objects, for kernels 4.6 to 5.7: what belongs to code with late relocations is left to
// arch_klp_init_object_loaded(), which reads .klp.arch.OBJECT.SECTION after those relocations are applied.
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "convert/steps.hpp"

namespace klp::convert {
namespace {

class EntryMover {
public:
    EntryMover(elf::Object& module, const Ownership& ownership, const arch::Arch& arch, Decisions& decisions,
               Diagnostics& diagnostics)
        : module_(module), ownership_(ownership), arch_(arch), decisions_(decisions), diagnostics_(diagnostics) {}

    void run() {
        collect_late();
        std::map<const elf::Section*, std::vector<std::pair<TableEntry, std::string>>> by_table;
        for (const TableEntry& entry : ownership_.entries())
            if (arch_.has_arch_section(entry.table->name)) by_table[entry.table].emplace_back(entry, object_of(entry));
        for (const auto& section : module_.sections()) {
            const auto found = by_table.find(section.get());
            if (found != by_table.end()) tables_.emplace_back(section.get(), std::move(found->second));
        }
        for (auto& [table, entries] : tables_) divide(*table, entries);
    }

private:
    using Entries = std::vector<std::pair<TableEntry, std::string>>;  // with the object, empty to stay

    void collect_late() {
        for (const auto& section : module_.sections()) {
            if (!section->is_rela()) continue;
            for (const elf::Relocation& relocation : section->relocations)
                if (const auto found = decisions_.find(&relocation); found != decisions_.end())
                    late_[section->target].emplace(relocation.offset, found->second.target.applied_with);
        }
    }

    std::string object_of(const TableEntry& entry) {
        std::set<std::string> objects;
        collect_objects(objects, entry.table, entry.range);
        for (const CodeRange& code : entry.code) collect_objects(objects, code.section, code.range);
        if (objects.size() > 1)
            diagnostics_.error("convert.late-special", {module_.display_name(), entry.table->name, entry.range.begin},
                               "the entry belongs to code that is relocated with several objects");
        return objects.empty() ? std::string() : *objects.begin();
    }

    void collect_objects(std::set<std::string>& objects, const elf::Section* section, arch::Range range) const {
        const auto found = late_.find(section);
        if (found == late_.end()) return;
        for (auto each = found->second.lower_bound(range.begin); each != found->second.end(); ++each) {
            if (each->first >= range.end) break;
            objects.insert(each->second);
        }
    }

    void divide(elf::Section& table, Entries& entries) {
        if (std::ranges::all_of(entries, [](const auto& each) { return each.second.empty(); })) return;
        std::ranges::sort(entries, {}, [](const auto& each) { return each.first.range.begin; });
        const std::vector<std::byte> content(table.content().begin(), table.content().end());
        const std::vector<elf::Relocation>* relocations = &table.relocations_section->relocations;
        std::map<std::string, Part> parts;
        for (const auto& [entry, object] : entries) {
            Part& part = parts[object];
            const std::uint64_t moved_to = part.content.size();
            part.content.insert(part.content.end(), content.begin() + static_cast<std::ptrdiff_t>(entry.range.begin),
                                content.begin() + static_cast<std::ptrdiff_t>(entry.range.end));
            for (const elf::Relocation& relocation : *relocations) {
                if (!entry.range.contains(relocation.offset)) continue;
                part.originals.push_back(&relocation);
                part.relocations.push_back(relocation);
                part.relocations.back().offset += moved_to - entry.range.begin;
            }
        }
        for (auto& [object, part] : parts)
            if (!object.empty())
                place(part, module_.add_section(arch_name(object, table), table.type, table.flags, table.alignment));
        place(parts[""], table);
    }

    struct Part {
        std::vector<std::byte> content;
        std::vector<elf::Relocation> relocations;
        std::vector<const elf::Relocation*> originals;
    };

    static std::string arch_name(const std::string& object, const elf::Section& table) {
        return fmt::format("{}{}.{}", format::arch_prefix, object, table.name);
    }

    // The decisions follow the relocations to their new addresses.
    void place(Part& part, elf::Section& section) {
        section.set_content(std::move(part.content));
        elf::Section& holder = module_.rela_section_for(section);
        std::vector<std::optional<Choice>> choices;
        for (const elf::Relocation* original : part.originals) {
            auto node = decisions_.extract(original);
            choices.push_back(node.empty() ? std::nullopt : std::optional(std::move(node.mapped())));
        }
        holder.relocations = std::move(part.relocations);
        for (std::size_t i = 0; i < choices.size(); ++i)
            if (choices[i]) decisions_.insert_or_assign(&holder.relocations[i], std::move(*choices[i]));
    }

    elf::Object& module_;
    const Ownership& ownership_;
    const arch::Arch& arch_;
    Decisions& decisions_;
    Diagnostics& diagnostics_;
    std::map<const elf::Section*, std::map<std::uint64_t, std::string>> late_;
    std::vector<std::pair<elf::Section*, Entries>> tables_;
};

}  // namespace

void move_arch_entries(elf::Object& module, const Ownership& ownership, const arch::Arch& arch, Decisions& decisions,
                       Diagnostics& diagnostics) {
    EntryMover(module, ownership, arch, decisions, diagnostics).run();
    diagnostics.stop_on_errors(fmt::format("{} cannot be converted", module.display_name()));
}

}  // namespace klp::convert
