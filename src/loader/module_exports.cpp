// SPDX-License-Identifier: GPL-2.0-or-later
// struct kernel_symbol { value, name, namespace } with what lies beside it: CRCs, and flags in kernels that have one
// table for all (include/linux/export.h, kernel/module/internal.h).
#include <algorithm>

#include "loader/exports.hpp"
#include "loader/module_memory.hpp"

namespace klp::loader {

namespace {

constexpr std::uint8_t gpl_only_flag = 1;  // KSYM_FLAG_GPL_ONLY

struct Table {
    std::string_view entries;
    std::string_view crcs;
    bool gpl_only = false;
};

class TableReader {
public:
    TableReader(const Module& module, const Features& features) : module_(module), features_(features) {}

    void read(const Table& table, std::vector<ModuleExport>& exports) const {
        const arch::ImageSection* entries = loaded_section(module_, table.entries);
        if (entries == nullptr) return;
        const Bytes crcs = memory_of(table.crcs);
        const Bytes flags = memory_of("__kflagstab");
        const std::uint64_t entry_size = 3 * field_size();
        for (std::uint64_t i = 0; (i + 1) * entry_size <= entries->memory.size(); ++i) {
            ModuleExport each = read_entry(entries->address + i * entry_size);
            each.gpl_only = table.gpl_only;
            if (features_.export_flags && i < flags.size())
                each.gpl_only = (std::to_integer<std::uint8_t>(flags[i]) & gpl_only_flag) != 0;
            if (features_.modversions && (i + 1) * 4 <= crcs.size())
                each.crc = load<std::uint32_t>(crcs.subspan(i * 4), module_.image.order);
            exports.push_back(std::move(each));
        }
    }

private:
    [[nodiscard]] std::uint64_t field_size() const { return features_.prel32 ? 4 : 8; }
    [[nodiscard]] Bytes memory_of(std::string_view name) const {
        const arch::ImageSection* section = loaded_section(module_, name);
        return section == nullptr ? Bytes{} : Bytes(section->memory);
    }
    // A pointer, or the distance to what it points at.
    [[nodiscard]] std::uint64_t pointer_at(std::uint64_t address) const {
        if (!features_.prel32) return word_at(module_, address);
        const auto distance =
            static_cast<std::int32_t>(load<std::uint32_t>(memory_from(module_, address), module_.image.order));
        return address + static_cast<std::uint64_t>(std::int64_t{distance});
    }
    [[nodiscard]] ModuleExport read_entry(std::uint64_t entry) const {
        ModuleExport each;
        each.address = pointer_at(entry);
        each.name = string_at(module_, pointer_at(entry + field_size()));
        const std::uint64_t name_space = entry + 2 * field_size();
        const auto field = memory_from(module_, name_space).first(field_size());
        const bool has_one = std::ranges::any_of(field, [](std::byte byte) { return byte != std::byte{0}; });
        if (has_one) each.name_space = string_at(module_, pointer_at(name_space));
        return each;
    }

    const Module& module_;
    const Features& features_;
};

}  // namespace

std::vector<ModuleExport> read_exports(const Module& module, const Features& features) {
    std::vector<ModuleExport> exports;
    const TableReader reader(module, features);
    reader.read({"__ksymtab", "__kcrctab", false}, exports);
    if (!features.export_flags) reader.read({"__ksymtab_gpl", "__kcrctab_gpl", true}, exports);
    return exports;
}

}  // namespace klp::loader
