// SPDX-License-Identifier: GPL-2.0-or-later
// Symbols out of whatever file has them.
#include <elf.h>

#include "base/kernel_names.hpp"
#include "kernel/image.hpp"
#include "kernel/module.hpp"

namespace klp::kernel {

namespace {

// System.map begins with an address of 16 digits and a space.
bool is_system_map(Bytes bytes) {
    const std::string_view start = as_text(bytes.first(std::min<std::size_t>(bytes.size(), 17)));
    return start.find_first_not_of("0123456789abcdefABCDEF") == 16 && start[16] == ' ';
}

SymbolFile with_symbols(elf::Object object, const fs::path& path) {
    const bool is_module = object.file_type() == ET_REL;
    SymbolTable symbols =
        is_module ? read_symtab(object, module_name_of_path(path.native())) : read_vmlinux_symbols(object);
    return {std::move(object), std::move(symbols)};
}

}  // namespace

SymbolFile read_symbol_file(const fs::path& path) {
    if (is_module_file(path.native())) return with_symbols(read_module_object(path), path);
    const MappedFile file(path);
    if (is_system_map(file.bytes())) return {std::nullopt, read_system_map(path)};
    if (as_text(file.bytes()).starts_with(ELFMAG)) return with_symbols(elf::Object::read(path), path);
    return with_symbols(elf::Object::read(unpack_image(file.bytes(), {path.string(), "", {}}), path.string()), path);
}

}  // namespace klp::kernel
