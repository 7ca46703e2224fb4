// SPDX-License-Identifier: GPL-2.0-or-later
// arm64, as the kernel uses it ("ELF for the Arm 64-bit Architecture", "Procedure Call Standard for the Arm 64-bit
// Architecture"; -mcmodel=small, no PIC but for what the early boot code needs).
//
// Addresses. Instructions are words of four bytes. Code makes an address with a pair: `adrp x0, foo` yields the page of
// foo, within 4 GiB of its own page, and the twelve low bits come from an `add` or from the offset of a load or store.
// A half of a pair tells no target: formula `other`. All that count from a place count from the instruction itself, so
// that addends are what they say and there is no bias.
//
// Branches. `b` and `bl` reach 128 MiB; conditional branches and `cbz` 1 MiB, `tbz` 32 KiB. The module loader makes
// veneers for the former alone. The assembler resolves any of them, and `adr` and loads of literals as well, where the
// target is a local symbol of the same section, but keeps the relocation of `adrp`.
//
// Function entry. A function may begin with `bti c` (CONFIG_ARM64_BTI_KERNEL). Then come two nops, made by
// -fpatchable-function-entry=2 and listed in __patchable_function_entries: the first of them. With
// CONFIG_DYNAMIC_FTRACE_WITH_CALL_OPS (=4,2) two more stand before the symbol, make room for a pointer and are
// what is listed; that pointer must be aligned (arch/arm64/kernel/ftrace.c:ftrace_call_adjust).
//
// Alternatives. The replacement of .altinstructions entries is in a subsection of the same section, thus behind the
// functions of .text, and not in a section of its own (arch/arm64/include/asm/alternative-macros.h).
#include <elf.h>

#include <algorithm>
#include <array>

#include "arch/arm64/arm64.hpp"
#include "arch/arm64/instructions.hpp"
#include "arch/fixed_width.hpp"

namespace klp::arch::arm64 {

namespace {

constexpr std::uint32_t adr_bits = 0x60ffffe0;  // immlo and immhi

// The two low bits of ADR's immediate are in bits 30:29, the others in bits 23:5.
constexpr std::int64_t adr_distance(std::uint32_t word) {
    return sign_extend((word >> 5 & 0x7ffff) << 2 | (word >> 29 & 3), 21);
}

constexpr std::int64_t words(std::uint32_t word, unsigned bits, unsigned shift) {
    return sign_extend(word >> shift & ((std::uint32_t{1} << bits) - 1), bits) * 4;
}

// Arm Architecture Reference Manual, "A64 instruction set encoding": branches, PC-relative addressing, load register
// (literal), of which PRFM is one.
std::optional<RelativeOperand> relative_operand(std::uint32_t word) {
    if ((word & 0x7c000000) == 0x14000000) {
        const std::uint32_t type = word >> 31 != 0 ? R_AARCH64_CALL26 : R_AARCH64_JUMP26;
        return RelativeOperand{words(word, 26, 0), type, true, 0x03ffffff};
    }
    if ((word & 0xff000000) == 0x54000000 || (word & 0x7e000000) == 0x34000000)  // b.cond and bc.cond; cbz and cbnz
        return RelativeOperand{words(word, 19, 5), R_AARCH64_CONDBR19, true, 0x00ffffe0};
    if ((word & 0x7e000000) == 0x36000000)  // tbz, tbnz
        return RelativeOperand{words(word, 14, 5), R_AARCH64_TSTBR14, true, 0x0007ffe0};
    if ((word & 0x9f000000) == 0x10000000)
        return RelativeOperand{adr_distance(word), R_AARCH64_ADR_PREL_LO21, false, adr_bits};
    if ((word & 0x3b000000) == 0x18000000)
        return RelativeOperand{words(word, 19, 5), R_AARCH64_LD_PREL_LO19, false, 0x00ffffe0};
    return std::nullopt;
}

// asm/uaccess.h, asm/futex.h until 5.15; and where livepatches have the replacements of alternatives, which the kernel
// puts behind the functions of a section.
constexpr std::array<std::string_view, 2> code_pool_table = {".fixup", ".altinstr_replacement"};

constexpr Identity identity{
    .name = "arm64",
    .uname = "aarch64",
    .kbuild_name = "arm64",
    .source_folder = "arm64",
    .debian_name = "arm64",
    .cross_prefix = "aarch64-linux-gnu-",
    .config_option = "CONFIG_ARM64",
    .machine = EM_AARCH64,
    .byte_order = ByteOrder::little,
};

class Arm64 final : public Arch {
public:
    Arm64() noexcept : Arch(identity) {}

    const ModuleLoading& module_loading() const noexcept override { return arm64::module_loading(); }
    const KernelProbe& kernel_probe() const noexcept override { return arm64::kernel_probe(); }
    std::optional<std::string> abi_problem(std::uint32_t) const override { return std::nullopt; }
    std::optional<RelocationInfo> relocation_info(std::uint32_t type) const noexcept override {
        return arm64::relocation_info(type);
    }
    std::uint32_t absolute64_type() const noexcept override { return R_AARCH64_ABS64; }
    std::span<const SpecialSection> special_sections() const noexcept override { return arm64::special_sections(); }
    std::span<const std::string_view> code_pools() const noexcept override { return code_pool_table; }

    std::int64_t addend_bias(const elf::Section&, Range, const elf::Relocation&) const override { return 0; }
    bool is_branch(const elf::Section& section, Range function, const elf::Relocation& relocation) const override;
    bool is_call(const elf::Section& section, Range function, const elf::Relocation& relocation) const override;
    std::optional<std::uint64_t> target_of_field(const RelocationInfo& info, Bytes field, std::uint64_t place,
                                                 std::int64_t addend) const override;
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
    std::optional<std::uint64_t> entry_call(const elf::Symbol&) const override { return std::nullopt; }

protected:
    Use use_of_operand(const elf::Section& section, Range function, const elf::Relocation& relocation) const override;
};

bool Arm64::is_branch(const elf::Section& section, Range, const elf::Relocation& relocation) const {
    const auto info = relocation_info(relocation.type);
    return section.is_code() && info && info->is_call;
}

// Arm ARM, C4: the first bit tells bl from b.
bool Arm64::is_call(const elf::Section& section, Range function, const elf::Relocation& relocation) const {
    if (!function.contains(relocation.offset) || function.end - relocation.offset < word_size) return false;
    return (word_at(section.content(), relocation.offset) >> 31) != 0;
}

constexpr std::uint64_t page_of_adrp = 4096;  // bytes, whatever the kernel's pages are

// Arm ARM, C4: movz with a shift of 0, into x0 to x7.
std::optional<LoadedConstant> constant_of(std::uint32_t word) {
    const std::uint32_t target = word & 31;
    if ((word & 0x7fe00000) != 0x52800000 || target > 7) return std::nullopt;
    return LoadedConstant{target, target, word >> 5 & 0xffff};
}

// The fields of an instruction that may name a register, by their lowest bit; of classes that functions begin with,
// just those: adr and adrp, move wide; add and subtract immediate, load and store with an unsigned offset; pairs.
std::span<const unsigned> register_fields(std::uint32_t word) {
    static constexpr std::array fields = {0U, 5U, 10U, 16U};
    if ((word & 0x1f000000) == 0x10000000 || (word & 0x1f800000) == 0x12800000) return std::span(fields).first(1);
    if ((word & 0x1f800000) == 0x11000000 || (word & 0x3b000000) == 0x39000000) return std::span(fields).first(2);
    if ((word & 0x3a000000) == 0x28000000) return std::span(fields).first(3);
    return fields;
}

bool may_concern(std::uint32_t word, std::uint32_t wanted) {
    return std::ranges::any_of(register_fields(word), [&](unsigned shift) { return (word >> shift & 31) == wanted; });
}

// Branches, exceptions and system instructions.
bool ends_block(std::uint32_t word) {
    return (word & 0x1c000000) == 0x14000000;
}

std::optional<ConstantArgument> Arm64::constant_argument(const elf::Section& section, Range function,
                                                         std::uint64_t offset) const {
    return constant_argument_of(*this, section, function, offset, {constant_of, may_concern, ends_block});
}

std::optional<std::uint64_t> Arm64::target_of_field(const RelocationInfo& info, Bytes field, std::uint64_t place,
                                                    std::int64_t addend) const {
    const bool is_adr = info.formula == Formula::pc_relative && info.bits == adr_bits;
    if (!is_adr) return read_target(info, byte_order(), field, place, addend);
    if (field.size() < word_size) return std::nullopt;
    return place + static_cast<std::uint64_t>(adr_distance(word_at(field, 0)) - addend);
}

// How far the number of `add`, or of a load or store by its size, is shifted; nullopt for other types.
std::optional<unsigned> shift_of_low_bits(std::uint32_t type) {
    switch (type) {
        case R_AARCH64_ADD_ABS_LO12_NC:
        case R_AARCH64_LDST8_ABS_LO12_NC:
            return 0;
        case R_AARCH64_LDST16_ABS_LO12_NC:
            return 1;
        case R_AARCH64_LDST32_ABS_LO12_NC:
            return 2;
        case R_AARCH64_LDST64_ABS_LO12_NC:
            return 3;
        case R_AARCH64_LDST128_ABS_LO12_NC:
            return 4;
        default:
            return std::nullopt;
    }
}

std::optional<TargetPart> Arm64::part_of_target(std::uint32_t type, Bytes field, std::uint64_t place,
                                                std::int64_t addend) const {
    if (field.size() < word_size) return std::nullopt;
    const std::uint32_t word = word_at(field, 0);
    const auto pair = static_cast<std::uint64_t>(addend);
    if (type == R_AARCH64_ADR_PREL_PG_HI21 || type == R_AARCH64_ADR_PREL_PG_HI21_NC) {
        const std::uint64_t page = place - place % page_of_adrp;
        return TargetPart{TargetPart::Half::high,
                          page + static_cast<std::uint64_t>(adr_distance(word)) * page_of_adrp - pair, pair};
    }
    const auto shift = shift_of_low_bits(type);
    if (!shift) return std::nullopt;
    return TargetPart{TargetPart::Half::low, static_cast<std::uint64_t>(word >> 10 & 0xfff) << *shift, pair};
}

// "Loads and stores": the number in a word's bits 11:0 counts from the page that ADRP gave. ADR, ADD and MOVK yield
// addresses.
Use Arm64::use_of_operand(const elf::Section& section, Range function, const elf::Relocation& relocation) const {
    if (relocation.offset % word_size != 0 || !function.contains(relocation.offset)) return Use::address;
    if (relocation.type == R_AARCH64_LD64_GOT_LO12_NC || relocation.type == R_AARCH64_GOT_LD_PREL19)
        return Use::address;
    const std::uint32_t word = word_at(section.content(), relocation.offset);
    if ((word & 0x9f000000) == 0x90000000) return Use::part;
    if ((word & 0x3b000000) == 0x18000000) return Use::read;
    if ((word & 0x3b000000) != 0x39000000) return Use::address;
    const std::uint32_t operation = word >> 22 & 3;
    const bool is_quadword_store = (word >> 26 & 1) != 0 && word >> 30 == 0 && operation == 2;
    return operation == 0 || is_quadword_store ? Use::write : Use::read;
}

std::vector<std::uint64_t> Arm64::instruction_starts(const elf::Section& section, Range function) const {
    std::vector<std::uint64_t> starts(words_of(section, function).size() / word_size);
    for (std::size_t i = 0; i < starts.size(); ++i) starts[i] = function.begin + i * word_size;
    return starts;
}

// gas fills with nops, and with zeros what is no whole word; the linker with zeros.
bool Arm64::is_padding(Bytes code) const {
    const std::size_t odd = code.size() % word_size;
    if (!std::ranges::all_of(code.first(odd), [](std::byte each) { return each == std::byte{0}; })) return false;
    for (Bytes rest = code.subspan(odd); !rest.empty(); rest = rest.subspan(word_size)) {
        const std::uint32_t word = word_at(rest, 0);
        if (word != nop && word != 0) return false;
    }
    return true;
}

bool Arm64::is_traceable(const elf::Object& object, const elf::Symbol& function) const {
    const elf::Section* section = function.section;
    if (section == nullptr || !section->is_code()) return false;
    const Bytes code = section->content();
    const auto word = [&](std::uint64_t at) {
        return at <= code.size() && code.size() - at >= word_size ? word_at(code, at) : 0;
    };
    const std::uint64_t entry = function.value + (word(function.value) == bti_c ? word_size : 0);
    if (word(entry) != nop || word(entry + word_size) != nop) return false;
    const auto is_listed = [&](std::uint64_t at) {
        return is_listed_in("__patchable_function_entries", object, *section, at);
    };
    const std::uint64_t room = 2 * word_size;  // for the pointer before the function
    const bool has_room = function.value >= room && function.value % room == 0;
    return is_listed(entry) || (has_room && is_listed(function.value - room));
}

}  // namespace

const Arch& architecture() {
    static const Arm64 instance;
    return instance;
}

}  // namespace klp::arch::arm64
