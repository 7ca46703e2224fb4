// SPDX-License-Identifier: GPL-2.0-or-later
// ppc64le, as the kernel uses it (OpenPOWER "64-Bit ELF V2 ABI Specification, Power Architecture"; -mcmodel=medium
// for the image and for modules).
//
// Addresses. Code finds its data by way of the TOC pointer in r2: `addis r3,r2,foo@toc@ha; addi r3,r3,foo@toc@l`. The
// image has one TOC, each module its own. A single field of such a pair tells no target, neither does an entry of .toc
// by its place: formula `other`. Tables hold S + A or S + A - P, of 32 or 64 bits.
//
// Function entry. A function that uses its TOC pointer has two entries. At the global one, where its symbol points,
// r12 has its own address, and two instructions make r2 of it (R_PPC64_REL16_HA and _LO of `.TOC.`). The local one is
// behind them, 8 bytes on as a rule, and is for callers that have the same r2. The three top bits of st_other tell the
// distance. Linker and module loader aim branches (R_PPC64_REL24 and the like) at the local entry: `bl foo` is
// relocated with foo and addend 0, and means 8 bytes into foo (addend_bias). The assembler keeps the relocation
// wherever the symbol has a local entry, so that a branch without one goes where its field says.
//
// Branches. `b` and `bl` reach 32 MiB, conditional ones 32 KiB, both counted from the instruction itself. A call that
// may leave the TOC's reach is followed by a nop, for `ld r2,24(r1)`.
//
// Instructions are words; those with a prefix (POWER10, primary opcode 1) are two, of which the prefix comes first.
//
// ftrace. Up to Linux 6.x, -mprofile-kernel puts `mflr r0; bl _mcount`, older compilers `std r0,16(r1)` in between, at
// the local entry, and recordmcount lists the `bl` in __mcount_loc
// (arch/powerpc/kernel/trace/ftrace.c:ftrace_init_nop). Later kernels with CONFIG_ARCH_USING_PATCHABLE_FUNCTION_ENTRY
// have two nops there, or one (CONFIG_PPC_FTRACE_OUT_OF_LINE), and the compiler lists the first of them in
// __patchable_function_entries.
//
// Special sections. Feature sections (arch/powerpc/include/asm/feature-fixups.h) name code that the kernel replaces at
// boot; all the fields of an entry count from the start of the entry, where others count from the field.
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "arch/fixed_width.hpp"
#include "arch/ppc64le/ppc64le.hpp"
#include "arch/ppc64le/stubs.hpp"

namespace klp::arch::ppc64le {

namespace {

// feature-fixups.h:FTR_SECTION_ELSE_NESTED, whose label is part of the name; .fixup of asm/uaccess.h and asm/futex.h.
constexpr std::array<std::string_view, 2> code_pool_table = {"__ftr_alt_*", ".fixup"};

constexpr std::uint32_t i_form = 18, b_form = 16, prefixed = 1;  // primary opcodes
constexpr std::uint32_t absolute_address = 2;                    // AA
constexpr std::uint32_t mflr_r0 = 0x7c0802a6;
constexpr std::uint32_t ori_r1 = 0x60210000, ori_r2 = 0x60420000;  // nops that end a group of instructions

constexpr std::uint32_t opcode_of(std::uint32_t word) {
    return word >> 26;
}

std::optional<RelativeOperand> relative_operand(std::uint32_t word) {
    if ((word & absolute_address) != 0) return std::nullopt;
    if (opcode_of(word) == i_form)
        return RelativeOperand{sign_extend(word & 0x03fffffc, 26), R_PPC64_REL24, true, 0x03fffffc};
    if (opcode_of(word) == b_form) return RelativeOperand{sign_extend(word & 0xfffc, 16), R_PPC64_REL14, true, 0xfffc};
    return std::nullopt;
}

constexpr std::string_view toc_symbol = ".TOC.";

bool goes_to_local_entry(std::uint32_t type) {
    switch (type) {
        case R_PPC64_REL24:
        case R_PPC64_REL14:
        case R_PPC64_REL14_BRTAKEN:
        case R_PPC64_REL14_BRNTAKEN:
            return true;
        default:
            return false;
    }
}

constexpr Identity identity{
    .name = "ppc64le",
    .uname = "ppc64le",
    .kbuild_name = "powerpc",
    .source_folder = "powerpc",
    .debian_name = "ppc64el",
    .cross_prefix = "powerpc64le-linux-gnu-",
    .config_option = "CONFIG_PPC64",
    .machine = EM_PPC64,
    .byte_order = ByteOrder::little,
};

class Ppc64le final : public Arch {
public:
    Ppc64le() noexcept : Arch(identity) {}

    const ModuleLoading& module_loading() const noexcept override { return ppc64le::module_loading(); }
    const KernelProbe& kernel_probe() const noexcept override { return ppc64le::kernel_probe(); }
    std::optional<std::string> abi_problem(std::uint32_t header_flags) const override;
    std::optional<RelocationInfo> relocation_info(std::uint32_t type) const noexcept override {
        return ppc64le::relocation_info(type);
    }
    std::uint32_t absolute64_type() const noexcept override { return R_PPC64_ADDR64; }
    std::span<const SpecialSection> special_sections() const noexcept override { return ppc64le::special_sections(); }
    std::span<const std::string_view> code_pools() const noexcept override { return code_pool_table; }
    [[nodiscard]] std::string_view address_pool() const noexcept override { return ".toc"; }

    std::uint64_t local_entry(const elf::Symbol& function) const noexcept override {
        return local_entry_offset(function.other);
    }
    std::int64_t addend_bias(const elf::Section& section, Range function,
                             const elf::Relocation& relocation) const override;
    bool is_branch(const elf::Section& section, Range function, const elf::Relocation& relocation) const override;
    bool is_call(const elf::Section& section, Range function, const elf::Relocation& relocation) const override;
    std::optional<std::uint64_t> target_of_field(const RelocationInfo& info, Bytes field, std::uint64_t place,
                                                 std::int64_t addend) const override {
        return read_target(info, byte_order(), field, place, addend);
    }
    std::optional<TargetPart> part_of_target(std::uint32_t type, Bytes field, std::uint64_t place,
                                             std::int64_t addend) const override;
    std::vector<ImplicitReference> implicit_references(const elf::Section& section, Range function) const override {
        return implicit_references_of(section, function, instruction_starts(section, function), relative_operand);
    }
    std::optional<ConstantArgument> constant_argument(const elf::Section& section, Range function,
                                                      std::uint64_t offset) const override;
    std::vector<InnerBranch> inner_branches(const elf::Section& section, Range function) const override {
        return inner_branches_of(section, function, instruction_starts(section, function), relative_operand);
    }
    std::vector<std::uint64_t> instruction_starts(const elf::Section& section, Range function) const override;
    bool same_branch(Bytes a, Bytes b) const override { return is_same_branch(a, b, relative_operand); }
    bool is_padding(Bytes code) const override;
    bool is_traceable(const elf::Object& object, const elf::Symbol& function) const override;
    std::optional<std::uint64_t> entry_call(const elf::Symbol& function) const override;

protected:
    Use use_of_operand(const elf::Section& section, Range function, const elf::Relocation& relocation) const override;
};

// EF_PPC64_ABI: 2 for ELFv2; 0 where the file, made from assembly, does not depend on it.
std::optional<std::string> Ppc64le::abi_problem(std::uint32_t header_flags) const {
    const std::uint32_t version = header_flags & EF_PPC64_ABI;
    if (version == 0 || version == 2) return std::nullopt;
    return fmt::format("ELF ABI is version {}, expected 2 (ppc64le)", version);
}

std::int64_t Ppc64le::addend_bias(const elf::Section& section, Range, const elf::Relocation& relocation) const {
    const SpecialSection* table = special_section(section.name);
    if (table != nullptr && table->field_base == FieldBase::entry)
        return -static_cast<std::int64_t>(relocation.offset % table->entry_size.bytes);
    const elf::Symbol& symbol = *relocation.symbol;
    if (!section.is_code() || symbol.section == nullptr || !goes_to_local_entry(relocation.type)) return 0;
    return static_cast<std::int64_t>(local_entry_offset(symbol.other));
}

bool Ppc64le::is_branch(const elf::Section& section, Range, const elf::Relocation& relocation) const {
    const auto info = relocation_info(relocation.type);
    return section.is_code() && info && info->is_call;
}

// Power ISA, book I: LK, the last bit of b and bc.
bool Ppc64le::is_call(const elf::Section& section, Range function, const elf::Relocation& relocation) const {
    if (!function.contains(relocation.offset) || function.end - relocation.offset < word_size) return false;
    return (word_at(section.content(), relocation.offset) & 1) != 0;
}

// Power ISA, book I: addis has the high half; D and DS forms of loads and stores add the low one to it, addi yields the
// sum.
Use Ppc64le::use_of_operand(const elf::Section& section, Range function, const elf::Relocation& relocation) const {
    const std::uint64_t start = relocation.offset - relocation.offset % word_size;
    if (!function.contains(start) || function.end - start < word_size) return Use::address;
    const std::uint32_t opcode = opcode_of(word_at(section.content(), start));
    constexpr std::uint32_t addis = 15, first_of_d = 32, lmw = 46, last_of_d = 55, ld = 58, std = 62;
    if (opcode == addis) return Use::part;
    if (opcode == ld) return Use::read;
    if (opcode == std) return Use::write;
    if (opcode < first_of_d || opcode > last_of_d) return Use::address;
    return (opcode & 4) != 0 && opcode != lmw ? Use::write : Use::read;
}

std::vector<std::uint64_t> Ppc64le::instruction_starts(const elf::Section& section, Range function) const {
    const Bytes code = words_of(section, function);
    std::vector<std::uint64_t> starts;
    starts.reserve(code.size() / word_size);
    for (std::uint64_t at = 0; at < code.size();) {
        const std::uint64_t size = opcode_of(word_at(code, at)) == prefixed ? 2 * word_size : word_size;
        if (size > code.size() - at)
            throw Error(location_of(section, function.begin + at), "prefix of an instruction that is cut off");
        starts.push_back(function.begin + at);
        at += size;
    }
    return starts;
}

// gas (tc-ppc.c:ppc_handle_align) fills with nops, the last of which may end a group, and jumps over many of them; the
// linker fills with zeros.
bool Ppc64le::is_padding(Bytes code) const {
    const std::size_t odd = code.size() % word_size;
    if (!std::ranges::all_of(code.first(odd), [](std::byte each) { return each == std::byte{0}; })) return false;
    const Bytes words = code.subspan(odd);
    for (std::uint64_t at = 0; at < words.size(); at += word_size) {
        const std::uint32_t word = word_at(words, at);
        const bool is_nop = word == nop || word == ori_r1 || word == ori_r2;
        const bool skips_the_rest = word == (i_form << 26 | (words.size() - at));
        if (!is_nop && word != 0 && !skips_the_rest) return false;
    }
    return true;
}

// The upper half has been rounded, so that the lower one is to be added as a signed number.
std::optional<TargetPart> Ppc64le::part_of_target(std::uint32_t type, Bytes field, std::uint64_t place,
                                                  std::int64_t addend) const {
    constexpr std::size_t half_size = 2;
    constexpr std::uint16_t no_ds_bits = 0xfffc;
    if (field.size() < half_size) return std::nullopt;
    const auto number = load<std::uint16_t>(field, byte_order());
    const auto high = static_cast<std::uint64_t>(sign_extend(number, 16)) << 16;
    const auto pair = static_cast<std::uint64_t>(addend);
    switch (type) {
        case R_PPC64_REL16_HA:
            return TargetPart{TargetPart::Half::high, high + place - pair, pair - place};
        case R_PPC64_REL16_LO:
            return TargetPart{TargetPart::Half::low, static_cast<std::uint64_t>(sign_extend(number, 16)), pair - place};
        case R_PPC64_TOC16_HA:
            return TargetPart{TargetPart::Half::high, high - pair, pair, toc_symbol};
        case R_PPC64_TOC16_LO:
            return TargetPart{TargetPart::Half::low, static_cast<std::uint64_t>(sign_extend(number, 16)), pair,
                              toc_symbol};
        case R_PPC64_TOC16_LO_DS:
            return TargetPart{TargetPart::Half::low, static_cast<std::uint64_t>(sign_extend(number & no_ds_bits, 16)),
                              pair, toc_symbol};
        default:
            return std::nullopt;
    }
}

// Power ISA, D-form: `li` is `addi` from no register; arguments are in r3 to r10 (ELFv2 ABI, "Parameter Passing").
std::optional<LoadedConstant> constant_of(std::uint32_t word) {
    const std::uint32_t target = word >> 21 & 31;
    if (word >> 26 != 14 || (word >> 16 & 31) != 0 || target < 3 || target > 10) return std::nullopt;
    return LoadedConstant{target, target - 3, static_cast<std::uint64_t>(sign_extend(word & 0xffff, 16))};
}

// Wherever an instruction may name a register.
bool may_concern(std::uint32_t word, std::uint32_t wanted) {
    return (word >> 21 & 31) == wanted || (word >> 16 & 31) == wanted || (word >> 11 & 31) == wanted;
}

// Branches, traps and system calls; what loads several registers; prefixed instructions.
bool ends_block(std::uint32_t word) {
    static constexpr std::array<std::uint32_t, 8> opcodes = {1, 2, 3, 16, 17, 18, 19, 46};
    const std::uint32_t extended = word >> 1 & 0x3ff;
    const bool loads_string = word >> 26 == 31 && (extended == 533 || extended == 597);  // lswx, lswi
    return loads_string || std::ranges::find(opcodes, word >> 26) != opcodes.end();
}

std::optional<ConstantArgument> Ppc64le::constant_argument(const elf::Section& section, Range function,
                                                           std::uint64_t offset) const {
    return constant_argument_of(*this, section, function, offset, {constant_of, may_concern, ends_block});
}

std::uint32_t word_or_0(const elf::Section& section, std::uint64_t at) {
    const Bytes code = section.content();
    return at <= code.size() && code.size() - at >= word_size ? word_at(code, at) : 0;
}

std::optional<std::uint64_t> Ppc64le::entry_call(const elf::Symbol& function) const {
    const elf::Section* section = function.section;
    if (section == nullptr || !section->is_code()) return std::nullopt;
    const std::uint64_t entry = function.value + local_entry_offset(function.other);
    if (word_or_0(*section, entry) != mflr_r0) return std::nullopt;
    const bool stores = word_or_0(*section, entry + word_size) == std_r0_16_r1;
    const std::uint64_t call = entry + (stores ? 2 : 1) * word_size;
    const elf::Relocation* relocation = relocation_at(*section, call);
    const bool is_call = relocation != nullptr && relocation->symbol->name == "_mcount";
    return is_call ? std::optional(call) : std::nullopt;
}

bool Ppc64le::is_traceable(const elf::Object& object, const elf::Symbol& function) const {
    const elf::Section* section = function.section;
    if (section == nullptr || !section->is_code()) return false;
    const std::uint64_t entry = function.value + local_entry_offset(function.other);
    if (word_or_0(*section, entry) == nop) return is_listed_in("__patchable_function_entries", object, *section, entry);
    const auto call = entry_call(function);
    return call && is_listed_in("__mcount_loc", object, *section, *call);
}

}  // namespace

const Arch& architecture() {
    static const Ppc64le instance;
    return instance;
}

}  // namespace klp::arch::ppc64le
