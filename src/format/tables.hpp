// SPDX-License-Identifier: GPL-2.0-or-later
// klp_patch, its klp_object and klp_func arrays, read back from a module's data and relocations.
#pragma once

#include <vector>

#include "format/livepatch.hpp"

namespace klp::format {

// Offsets in bytes, the same in the structures of klp-build.
inline constexpr std::uint64_t new_func_field = 8, old_sympos_field = 16;                  // klp_func
inline constexpr std::uint64_t funcs_field = 8, callbacks_field = 16, callbacks_end = 48;  // klp_object

[[nodiscard]] std::string_view callback_event(std::uint64_t field) noexcept;  // from callbacks_field to callbacks_end

struct Place {
    const elf::Section* section = nullptr;
    std::uint64_t offset = 0;
    auto operator<=>(const Place&) const = default;
};

// What of a klp_patch could not be read: then nothing of that klp_patch is.
struct TableProblem {
    Place where;
    std::string reason;
    bool is_certain = false;  // that it is a klp_patch at all
};
struct Tables {
    std::vector<PatchedObject> objects;  // of all klp_patch, one after the other
    std::size_t patches = 0;             // that were read
    std::vector<TableProblem> problems;
    std::vector<Place> places;  // where each klp_patch, and each array of klp_object and klp_func, begins
};
[[nodiscard]] Tables read_all_tables(const elf::Object& module);
// Its `objects` alone; empty where no klp_patch can be told for certain.
[[nodiscard]] std::vector<PatchedObject> read_tables(const elf::Object& module);
// Its `places` alone.
[[nodiscard]] std::vector<Place> table_places(const elf::Object& module);

// The tables of modules that the kernel's own klp-build makes (Linux 7.x, include/linux/livepatch_external.h), from
// which their init code makes a klp_patch.
inline constexpr std::string_view klp_build_objects = ".init.klp_objects";
[[nodiscard]] std::vector<PatchedObject> read_klp_build_tables(const elf::Object& module);

}  // namespace klp::format
