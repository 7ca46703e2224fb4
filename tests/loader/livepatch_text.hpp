// SPDX-License-Identifier: GPL-2.0-or-later
// Livepatch modules for tests of the livepatch core.
#pragma once

#include "test_kernel.hpp"

namespace klp::loader::test {

struct Replacement {
    std::string object;  // empty: vmlinux
    std::string old_name;
    std::uint64_t sympos = 0;
};

// A klp_patch with one function an object, in the order given; new functions are new_0, new_1, … and call nothing.
inline std::string livepatch_text(std::string_view name, const std::vector<Replacement>& replacements,
                                  bool replace = false, std::string_view states = "0") {
    std::string code = ".section .text,\"ax\"\n", strings = ".section .rodata.str,\"a\"\n";
    std::string tables = ".section .data,\"aw\"\n.p2align 3\n", objects;
    for (std::size_t i = 0; i < replacements.size(); ++i) {
        const Replacement& each = replacements[i];
        code += fmt::format(".p2align 4\n.type new_{0}, @function\nnew_{0}: .nops 16\nret\n.size new_{0}, 17\n", i);
        strings +=
            fmt::format(".Lold_{}: .string \"{}\"\n.Lobject_{}: .string \"{}\"\n", i, each.old_name, i, each.object);
        tables += fmt::format(
            ".type funcs_{0}, @object\nfuncs_{0}: .quad .Lold_{0}, new_{0}, {1}\n.zero 40\n.zero 64\n"
            ".size funcs_{0}, . - funcs_{0}\n",
            i, each.sympos);
        objects +=
            fmt::format(".quad {}, funcs_{}\n.zero 80\n", each.object.empty() ? "0" : fmt::format(".Lobject_{}", i), i);
    }
    tables += ".type objs, @object\nobjs:\n" + objects + ".zero 96\n.size objs, . - objs\n";
    tables += fmt::format(
        ".type patch, @object\npatch: .quad __this_module, objs, {}, {}\n.zero 64\n.size patch, . - patch\n", states,
        replace ? 1 : 0);
    const std::string init =
        ".section .init.text,\"ax\"\n.globl init_module\ninit_module: jmp klp_enable_patch\n"
        ".section .exit.text,\"ax\"\n.globl cleanup_module\ncleanup_module: ret\n";
    return code + strings + tables + init + frame(name, "livepatch=Y");
}

// One more relocation of eight bytes in .data.klp, of a livepatch symbol, in a section of its own. `rela_name` and
// `symbol_name` are whole names.
inline void add_klp_relocation(elf::Object& object, const std::string& rela_name, const std::string& symbol_name,
                               std::uint64_t offset = 0) {
    elf::Section& target = *object.find_section(".data.klp");
    elf::Symbol& symbol =
        object.add_symbol({.name = symbol_name, .placement = elf::Placement::livepatch, .binding = STB_GLOBAL});
    elf::Section& rela = object.add_rela_section(rela_name, SHF_ALLOC | elf::shf_rela_livepatch, target);
    rela.relocations.push_back({offset, R_X86_64_64, &symbol, 0});
}
inline constexpr std::string_view klp_data = ".section .data.klp,\"aw\"\n.p2align 3\n.zero 64\n";

}  // namespace klp::loader::test
