// SPDX-License-Identifier: GPL-2.0-or-later
// What is in modules of other tools and other times beside the format of today: known by name, so that it can be told
// what it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "format/livepatch.hpp"

namespace klp::check {

enum class Form : std::uint8_t {
    rel_section,          // .klp.rel.OBJ.SECTION, of proposals before the format was settled
    position_in_other,    // .klp.sym.OBJ.SYMBOL without a position, which st_other has
    kpatch_dynrela,       // .kpatch.dynrelas: kpatch's own core module applies them
    kpatch_intermediate,  // .kpatch.symbols, .kpatch.relocations: before kpatch's create-klp-module
    kpatch_functions,     // .kpatch.funcs: kpatch's hook makes klp_patch of it when the module is loaded
    klp_build_relocs,     // __klp_relocs.OBJ: objtool klp post-link makes .klp.rela.* of them
    klp_build_tables,     // .init.klp_objects: klp-build's init code makes klp_patch of it
    klp_build_tombstone,  // .klp.tombstone.SYMBOL: what ordinary relocations became in klp post-link
};

[[nodiscard]] std::string_view name_of(Form form) noexcept;   // stable: "kpatch-dynrela"
[[nodiscard]] std::string_view describe(Form form) noexcept;  // one line

[[nodiscard]] std::optional<Form> other_form_of(const elf::Section& section);
[[nodiscard]] std::optional<Form> other_form_of(const elf::Symbol& symbol);

struct OtherForm {
    Form form{};
    std::string name;  // of the first section or symbol of that form
    std::uint64_t count = 0;
};
// Each form once, in the order of the enumeration.
[[nodiscard]] std::vector<OtherForm> find_other_forms(const elf::Object& module);

// What `klp inspect` shows.
struct InspectedModule {
    format::LivepatchModule module;
    std::vector<OtherForm> other_forms;
};
// Error: as format::read_module(), and a livepatch symbol whose name is neither of the format nor of another known
// form.
[[nodiscard]] InspectedModule inspect_module(const elf::Object& module);

}  // namespace klp::check
