// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/late_relocation.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace klp::arch {

namespace {

constexpr std::array<std::string_view, 5> replacing_tables = {".altinstructions", ".parainstructions", "__ftr_fixup",
                                                              "__mmu_ftr_fixup", "__fw_ftr_fixup"};
// arch/x86/include/asm/alternative.h: struct alt_instr { s32, s32; u16; u8, u8, u8 padlen } __packed;
// paravirt_types.h: struct paravirt_patch_site { u8 *; u8; u8; u16 }
constexpr std::array x86_arch_tables = {ArchSectionTable{".altinstructions", 13},
                                        ArchSectionTable{".parainstructions", 16}};

constexpr std::uint32_t ppc_nop = 0x60000000;
constexpr std::uint32_t ppc_branch_opcode = 18;
constexpr std::uint32_t ppc_link_bit = 1;

}  // namespace

bool replaces_code(const SpecialSection& table) noexcept {
    return std::ranges::find(replacing_tables, table.name) != replacing_tables.end();
}

std::span<const ArchSectionTable> arch_section_tables(const Arch& arch) noexcept {
    if (arch.machine() == EM_X86_64) return x86_arch_tables;
    return {};
}

bool has_arch_section(const Arch& arch, std::string_view table) noexcept {
    const auto tables = arch_section_tables(arch);
    return std::ranges::find(tables, table, &ArchSectionTable::name) != tables.end();
}

// arch/powerpc/kernel/module_64.c:restore_r2, which lets branches without link pass: they do not come back.
std::optional<std::string> call_problem(const Arch& arch, const elf::Section& code, const elf::Relocation& relocation) {
    if (arch.machine() != EM_PPC64 || relocation.type != R_PPC64_REL24) return std::nullopt;
    const Bytes bytes = code.content();
    if (relocation.offset > bytes.size() || bytes.size() - relocation.offset < 8) return "the code ends with the call";
    const auto call = load<std::uint32_t>(bytes.subspan(relocation.offset), arch.byte_order());
    const auto next = load<std::uint32_t>(bytes.subspan(relocation.offset + 4), arch.byte_order());
    const bool comes_back = call >> 26 == ppc_branch_opcode && (call & ppc_link_bit) != 0;
    if (!comes_back || next == ppc_nop) return std::nullopt;
    return fmt::format("expected a nop after the call, to restore r2, found 0x{:08x}", next);
}

}  // namespace klp::arch
