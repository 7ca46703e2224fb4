// SPDX-License-Identifier: GPL-2.0-or-later
// A livepatch module that breaks no rule: the assembler makes the module, the elf library what assemblers cannot say.
// Tests change its text, or the object, in one place.
#pragma once

#include <elf.h>

#include <string>

#include "support/assemble.hpp"

namespace klp::test {

// Entries of 64 (klp_func) and 96 (klp_object) bytes. new_show calls a local function of vmlinux, and late_show one of
// the module "late".
inline constexpr std::string_view sound_text = R"(
    .section .modinfo,"a"
    .string "license=GPL"
    .string "livepatch=Y"
    .string "depends="
    .string "name=livepatch_sound"
    .string "vermagic=1.0-tiny SMP mod_unload "
    .section .gnu.linkonce.this_module,"aw"
    .globl __this_module
    .type __this_module, @object
    __this_module: .zero 24
    .asciz "livepatch_sound"
    .p2align 6
    .quad init_module
    .zero 56
    .size __this_module, . - __this_module
    .section .init.text,"ax"
    .globl init_module
    .type init_module, @function
    init_module: leaq patch(%rip), %rdi
    jmp klp_enable_patch
    .size init_module, . - init_module
    .section .exit.text,"ax"
    .globl cleanup_module
    cleanup_module: nop
    .section .text.new_show,"ax"
    .type new_show, @function
    new_show: call from_vmlinux
    ret
    .size new_show, . - new_show
    .section .text.late_show,"ax"
    .type late_show, @function
    late_show: call from_late
    ret
    .size late_show, . - late_show
    .section .rodata.str1.1,"aMS",@progbits,1
    .Lshow: .string "show"
    .Llate: .string "late"
    .data
    .type patch, @object
    patch: .quad __this_module, objs, 0, 1
    .zero 64
    .size patch, . - patch
    .type funcs, @object
    funcs: .quad .Lshow, new_show, 0
    .zero 104
    .size funcs, . - funcs
    .type late_funcs, @object
    late_funcs: .quad .Lshow, late_show, 0
    .zero 104
    .size late_funcs, . - late_funcs
    .type objs, @object
    objs: .quad 0, funcs
    .zero 80
    .quad .Llate, late_funcs
    .zero 80
    .zero 96
    .size objs, . - objs
)";

inline std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
    std::string result(text);
    const std::size_t at = result.find(from);
    if (at == std::string::npos) throw Error("the test input lacks " + std::string(from));
    return result.replace(at, from.size(), to);
}

inline elf::Symbol& add_livepatch_symbol(elf::Object& object, std::string name) {
    return object.add_symbol({.name = std::move(name), .placement = elf::Placement::livepatch, .binding = STB_GLOBAL});
}

// Replaces the symbol `from` in the ordinary relocations of `target` by livepatch relocations of symbol `to`.
inline void make_livepatch_relocations(elf::Object& object, std::string_view target, std::string_view from,
                                       std::string section_name, elf::Symbol& to) {
    elf::Section& code = *object.find_section(target);
    elf::Section& rela =
        object.add_rela_section(std::move(section_name), SHF_ALLOC | SHF_INFO_LINK | elf::shf_rela_livepatch, code);
    std::erase_if(code.relocations_section->relocations, [&](elf::Relocation each) {
        if (each.symbol->name != from) return false;
        each.symbol = &to;
        rela.relocations.push_back(each);
        return true;
    });
    object.remove_symbols({object.find_symbol(from)});
}

// `from_vmlinux` is `helper` of vmlinux, `from_late` is `helper` of late, number 2.
inline elf::Object sound_livepatch(std::string_view text = sound_text) {
    elf::Object object = assemble(text);
    make_livepatch_relocations(object, ".text.new_show", "from_vmlinux", ".klp.rela.vmlinux..text.new_show",
                               add_livepatch_symbol(object, ".klp.sym.vmlinux.helper,0"));
    make_livepatch_relocations(object, ".text.late_show", "from_late", ".klp.rela.late..text.late_show",
                               add_livepatch_symbol(object, ".klp.sym.late.helper,2"));
    return elf::Object::read(object.write(), "test.ko");
}

}  // namespace klp::test
