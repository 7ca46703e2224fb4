// SPDX-License-Identifier: GPL-2.0-or-later
// The ELF reader and writer: what was read and not edited is written as it was; what was edited can be read again.
#include <elf.h>

#include "elf/object.hpp"
#include "fuzz.hpp"

namespace klp::fuzz {

void run(Bytes input) {
    elf::Object object = elf::Object::read(copy_of(input), "input");
    require(object.write() == copy_of(input));
    if (object.file_type() != ET_REL) return;

    object.add_symbol({.name = "added", .placement = elf::Placement::undefined, .binding = STB_GLOBAL});
    object.add_section(".added", SHT_PROGBITS, SHF_ALLOC).set_content(std::vector<std::byte>(5));
    const std::size_t sections = object.sections().size();
    const elf::Object again = elf::Object::read(object.write(), "written");
    // The symbol and string tables are made where there were none.
    require(again.sections().size() >= sections && again.find_symbol("added") != nullptr);
}

}  // namespace klp::fuzz
