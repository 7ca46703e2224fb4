// SPDX-License-Identifier: GPL-2.0-or-later
// A small livepatch module: the assembler makes the module, the elf library what assemblers cannot say.
#pragma once

#include <elf.h>

#include <string>

#include "support/assemble.hpp"

namespace klp::test {

inline constexpr std::string_view module_frame = R"(
    .section .modinfo,"a"
    .string "license=GPL"
    .string "livepatch=Y"
    .zero 3
    .string "alias=one"
    .string "alias=two"
    .string "name=livepatch_test"
    .section .gnu.linkonce.this_module,"aw"
    .globl __this_module
    __this_module: .zero 64
)";

// Two patched objects, entries of 64 (klp_func) and 96 (klp_object) bytes, three functions, one callback.
inline constexpr std::string_view module_code = R"(
    .section .text.new_show,"ax"
    .type livepatch_show, @function
    livepatch_show: call elsewhere
    ret
    .text
    pre_patch: ret
    .type new_start, @function
    new_start: ret
    .type new_stop, @function
    new_stop: ret
)";
inline constexpr std::string_view module_tables = R"(
    .section .rodata.str1.1,"aMS",@progbits,1
    .Lshow: .string "meminfo_proc_show"
    .Lext4: .string "ext4"
    .Lstart: .string "start"
    .Lstop: .string "stop.isra.0"
    .data
    .type patch, @object
    patch: .quad __this_module, objs, 0, 1
    .zero 64
    .size patch, . - patch
    .type funcs, @object
    funcs: .quad .Lshow, livepatch_show, 0
    .zero 40
    .zero 64
    .size funcs, . - funcs
    .type ext4_funcs, @object
    ext4_funcs: .quad .Lstart, new_start, 2
    .zero 40
    .quad .Lstop, new_stop, 0
    .zero 40
    .zero 64
    .size ext4_funcs, . - ext4_funcs
    .type objs, @object
    objs: .quad 0, funcs, pre_patch
    .zero 72
    .quad .Lext4, ext4_funcs
    .zero 80
    .zero 96
    .size objs, . - objs
    .quad 0
)";

// Makes `name` a livepatch symbol, and moves a relocation at `offset` of .text.new_show to a livepatch section.
inline void add_livepatch_relocation(elf::Object& object, std::string symbol_name, std::string section_name,
                                     std::uint64_t offset) {
    elf::Symbol& symbol = object.add_symbol(
        {.name = std::move(symbol_name), .placement = elf::Placement::livepatch, .binding = STB_GLOBAL});
    elf::Section& code = *object.find_section(".text.new_show");
    std::erase_if(code.relocations_section->relocations, [&](const auto& each) { return each.offset == offset; });
    elf::Section& rela = object.add_rela_section(std::move(section_name), SHF_ALLOC | elf::shf_rela_livepatch, code);
    rela.relocations.push_back({offset, R_X86_64_PLT32, &symbol, -4});
}

// As a file would be read.
inline elf::Object written_and_read(const elf::Object& object) {
    return elf::Object::read(object.write(), "test.ko");
}

inline elf::Object livepatch_module(std::string_view tables = module_tables) {
    elf::Object object = assemble(std::string(module_frame) + std::string(module_code) + std::string(tables));
    add_livepatch_relocation(object, ".klp.sym.vmlinux.si_swapinfo,0", ".klp.rela.vmlinux..text.new_show", 1);
    return written_and_read(object);
}

}  // namespace klp::test
