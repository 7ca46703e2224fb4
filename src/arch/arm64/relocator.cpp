// SPDX-License-Identifier: GPL-2.0-or-later
// How the kernel relocates modules on arm64 (arch/arm64/kernel/module.c and module-plts.c, as in Linux 7.x: earlier
// kernels cannot livepatch on arm64).
//
// Addresses are made by two instructions: ADRP takes the page of the target, counted from the page of the place and up
// to 4 GiB away, and ADD or a load adds the low 12 bits. The page of an address x is Page(x). B and BL reach
// 128 MiB. Where a branch does not reach, it goes to a PLT entry of the module, which may use x16:
//
//   adrp x16,target;  add x16,x16,#target@lo12;  br x16
//
// There are two tables, .plt and .init.plt, for branches from either area. Their sizes are counted in advance from all
// branches to symbols of other sections; entries are made only as they turn out to be needed. Branches are sorted by
// type, symbol and addend, so that it is enough to compare a new entry with the last: it is written behind the last
// one, and stays there as a leftover where it is the same. A livepatch that is relocated once more after its target
// came back makes its entries anew, until the table is full.
//
// Cortex-A53 erratum 843419: an ADRP in the last two words of a page can yield the wrong page. On such CPUs it becomes
// an ADR, or else a branch to a veneer in .plt that does the same elsewhere and comes back. Alignment is raised to make
// this rare.
//
// Fields are written before they are looked at for overflow; "overflow" names S + A, or the PLT entry that did not
// help.
#include <elf.h>

#include <cerrno>
#include <limits>

#include <fmt/format.h>

#include "arch/arm64/arm64.hpp"
#include "arch/arm64/instructions.hpp"
#include "arch/arm64/plts.hpp"
#include "arch/bits.hpp"

namespace klp::arch::arm64 {

namespace {

// The R_AARCH64_NONE of the kernel, which the psABI has withdrawn in favour of 0.
constexpr std::uint32_t r_aarch64_none_256 = 256;

constexpr std::uint64_t l1_cache_bytes = 64;

class Arm64Relocator final : public ModuleRelocator {
public:
    Arm64Relocator(ModuleImage& image, const Features& features) : ModuleRelocator(image), features_(features) {}

private:
    struct Table {
        std::uint32_t section = 0;
        std::uint64_t used = 0;
        std::uint64_t allotted = 0;
    };
    // MOVZ and MOVK stay what they are, or it depends on the sign whether MOVZ or MOVN is made.
    enum class MoveKind : std::uint8_t { keep_or_zero, negative_or_zero };

    std::uint64_t prepare_sections() override;
    void resize(std::uint32_t section, std::uint64_t entries, std::uint64_t alignment);
    void before_section() override {}
    void apply_one(const Place& place, const ImageRelocation& relocation) override;
    void clear_one(const Place&, const ImageRelocation&) override {}  // no clear_relocate_add()
    void make_final_entries() override;

    // Each returns whether the value fits.
    bool put_data(const Place& place, std::uint64_t value, unsigned bits, bool is_signed);
    bool put_move(const Place& place, std::uint64_t value, unsigned low_bit, MoveKind kind);
    bool put_immediate(const Place& place, std::uint64_t value, unsigned low_bit, unsigned bits, Immediate where);
    bool put_page(const Place& place, std::uint64_t target);

    std::uint64_t plt_entry_for(const Place& branch, std::uint64_t target);
    std::uint64_t veneer_for(const Place& adrp_place, std::uint64_t target);
    void write_entry(const Place& entry, std::uint64_t target, std::uint32_t reg, std::uint32_t last, WriteKind kind);
    [[nodiscard]] bool same_target(const Place& a, const Place& b) const;
    [[nodiscard]] Table& table_for(const Place& place) { return is_init(*place.section) ? init_ : core_; }
    [[nodiscard]] bool is_init(std::uint32_t section) const;
    [[nodiscard]] bool is_bad_for_adrp(const Place& place) const {
        return features_.erratum_843419 && (place.address & page_mask) >= 0xff8;
    }

    Features features_;
    Table core_, init_;
};

// module_init_layout_section().
bool Arm64Relocator::is_init(std::uint32_t section) const {
    const std::string& name = image_.sections[section].name;
    return name.starts_with(".init") || (!features_.module_unload && name.starts_with(".exit"));
}

void Arm64Relocator::resize(std::uint32_t section, std::uint64_t entries, std::uint64_t alignment) {
    ImageSection& header = image_.sections[section];
    header.type = SHT_NOBITS;
    header.flags = SHF_EXECINSTR | SHF_ALLOC;
    header.alignment = alignment;
    header.size = entries * plt_entry_size;
}

// module_frob_arch_sections().
std::uint64_t Arm64Relocator::prepare_sections() {
    const auto core = find_section(".plt"), init = find_section(".init.plt");
    if (!core || !init) refuse(ENOEXEC, {fmt::format("{}: module PLT section(s) missing", image_.name)});
    core_.section = *core;
    init_.section = *init;
    bool has_symbols = false;
    for (const ImageSection& section : image_.sections) has_symbols |= section.type == SHT_SYMTAB;
    if (!has_symbols) refuse(ENOEXEC, {fmt::format("{}: module symtab section missing", image_.name)});

    for (std::uint32_t i = 0; i < image_.sections.size(); ++i) {
        ImageSection& section = image_.sections[i];
        if (section.type != SHT_RELA) continue;
        relocation_section_ = i;
        for (const ImageRelocation& each : section.relocations) static_cast<void>(symbol_of(each));  // checks the index
        static_cast<void>(place_in(section.info, 0));
        if ((image_.sections[section.info].flags & SHF_EXECINSTR) == 0) continue;
        (is_init(section.info) ? init_ : core_).allotted += count_plt_entries(image_, section, features_);
    }
    // The one more is where a leftover can end up.
    resize(core_.section, core_.allotted + 1, l1_cache_bytes);
    resize(init_.section, init_.allotted + 1, l1_cache_bytes);
    for (const std::string_view name : {".text.ftrace_trampoline", ".init.text.ftrace_trampoline"}) {
        if (const auto section = find_section(name)) resize(*section, 1, instruction_size);
    }
    return 0;
}

bool Arm64Relocator::put_data(const Place& place, std::uint64_t value, unsigned bits, bool is_signed) {
    switch (bits) {
        case 16:
            write(place, static_cast<std::uint16_t>(value));
            break;
        case 32:
            write(place, static_cast<std::uint32_t>(value));
            break;
        default:
            write(place, value);
            return true;
    }
    return is_signed ? fits_signed(value, bits) : value >> bits == 0;
}

// reloc_insn_movw(). MOVZ becomes MOVN, which writes the complement, where the value is negative.
bool Arm64Relocator::put_move(const Place& place, std::uint64_t value, unsigned low_bit, MoveKind kind) {
    constexpr std::uint32_t opcode = 3U << 29, movz = 2U << 29;
    const auto number = static_cast<std::int64_t>(value);
    auto immediate = static_cast<std::uint64_t>(number >> low_bit);
    auto instruction = read<std::uint32_t>(place);
    if (kind == MoveKind::negative_or_zero) {
        instruction = insert_bits(instruction, opcode, number >= 0 ? movz : 0);
        if (number < 0) immediate = ~immediate;
    }
    write(place, set_immediate(Immediate::imm16, instruction, immediate));
    return immediate <= std::numeric_limits<std::uint16_t>::max();
}

// reloc_insn_imm(). Bits below `low_bit` are dropped without a look.
bool Arm64Relocator::put_immediate(const Place& place, std::uint64_t value, unsigned low_bit, unsigned bits,
                                   Immediate where) {
    const auto number = static_cast<std::uint64_t>(static_cast<std::int64_t>(value) >> low_bit);
    const std::uint64_t immediate = number & ((std::uint64_t{1} << bits) - 1);
    write(place, set_immediate(where, read<std::uint32_t>(place), immediate));
    return fits_signed(number, bits);
}

// reloc_insn_adrp(): Page(S + A) - Page(P).
bool Arm64Relocator::put_page(const Place& place, std::uint64_t target) {
    if (!is_bad_for_adrp(place))
        return put_immediate(place, page(target) - page(place.address), 12, 21, Immediate::adr);
    if (put_immediate(place, page(target) - place.address, 0, 21, Immediate::adr)) {
        write(place, read<std::uint32_t>(place) & ~(std::uint32_t{1} << 31));  // ADR differs in one bit
    } else {
        write(place, branch(place.address, veneer_for(place, page(target))));
    }
    return true;
}

void Arm64Relocator::apply_one(const Place& place, const ImageRelocation& relocation) {
    const std::uint64_t S = symbol_of(relocation).value;
    const std::uint64_t A = static_cast<std::uint64_t>(relocation.addend);
    const std::uint64_t P = place.address;
    constexpr bool is_unsigned = false, is_signed = true;
    std::uint64_t named = S + A;  // in the message
    bool fits = true;

    switch (relocation.type) {
        case R_AARCH64_NONE:
        case r_aarch64_none_256:
            break;
        case R_AARCH64_ABS64:  // S + A
            put_data(place, S + A, 64, is_unsigned);
            break;
        case R_AARCH64_ABS32:
            fits = put_data(place, S + A, 32, is_unsigned);
            break;
        case R_AARCH64_ABS16:
            fits = put_data(place, S + A, 16, is_unsigned);
            break;
        case R_AARCH64_PREL64:  // S + A - P
            put_data(place, S + A - P, 64, is_signed);
            break;
        case R_AARCH64_PREL32:
            fits = put_data(place, S + A - P, 32, is_signed);
            break;
        case R_AARCH64_PREL16:
            fits = put_data(place, S + A - P, 16, is_signed);
            break;

        case R_AARCH64_MOVW_UABS_G0_NC:  // G0 to G3: the four groups of 16 bits; NC: not checked
            put_move(place, S + A, 0, MoveKind::keep_or_zero);
            break;
        case R_AARCH64_MOVW_UABS_G0:
            fits = put_move(place, S + A, 0, MoveKind::keep_or_zero);
            break;
        case R_AARCH64_MOVW_UABS_G1_NC:
            put_move(place, S + A, 16, MoveKind::keep_or_zero);
            break;
        case R_AARCH64_MOVW_UABS_G1:
            fits = put_move(place, S + A, 16, MoveKind::keep_or_zero);
            break;
        case R_AARCH64_MOVW_UABS_G2_NC:
            put_move(place, S + A, 32, MoveKind::keep_or_zero);
            break;
        case R_AARCH64_MOVW_UABS_G2:
            fits = put_move(place, S + A, 32, MoveKind::keep_or_zero);
            break;
        case R_AARCH64_MOVW_UABS_G3:
            put_move(place, S + A, 48, MoveKind::keep_or_zero);
            break;
        case R_AARCH64_MOVW_SABS_G0:
            fits = put_move(place, S + A, 0, MoveKind::negative_or_zero);
            break;
        case R_AARCH64_MOVW_SABS_G1:
            fits = put_move(place, S + A, 16, MoveKind::negative_or_zero);
            break;
        case R_AARCH64_MOVW_SABS_G2:
            fits = put_move(place, S + A, 32, MoveKind::negative_or_zero);
            break;
        case R_AARCH64_MOVW_PREL_G0_NC:
            put_move(place, S + A - P, 0, MoveKind::keep_or_zero);
            break;
        case R_AARCH64_MOVW_PREL_G0:
            fits = put_move(place, S + A - P, 0, MoveKind::negative_or_zero);
            break;
        case R_AARCH64_MOVW_PREL_G1_NC:
            put_move(place, S + A - P, 16, MoveKind::keep_or_zero);
            break;
        case R_AARCH64_MOVW_PREL_G1:
            fits = put_move(place, S + A - P, 16, MoveKind::negative_or_zero);
            break;
        case R_AARCH64_MOVW_PREL_G2_NC:
            put_move(place, S + A - P, 32, MoveKind::keep_or_zero);
            break;
        case R_AARCH64_MOVW_PREL_G2:
            fits = put_move(place, S + A - P, 32, MoveKind::negative_or_zero);
            break;
        case R_AARCH64_MOVW_PREL_G3:
            put_move(place, S + A - P, 48, MoveKind::negative_or_zero);
            break;

        case R_AARCH64_LD_PREL_LO19:  // S + A - P
        case R_AARCH64_CONDBR19:
            fits = put_immediate(place, S + A - P, 2, 19, Immediate::imm19);
            break;
        case R_AARCH64_ADR_PREL_LO21:
            fits = put_immediate(place, S + A - P, 0, 21, Immediate::adr);
            break;
        case R_AARCH64_ADR_PREL_PG_HI21_NC:  // Page(S + A) - Page(P)
            put_page(place, S + A);
            break;
        case R_AARCH64_ADR_PREL_PG_HI21:
            fits = put_page(place, S + A);
            break;
        case R_AARCH64_ADD_ABS_LO12_NC:  // S + A, the lowest 12 bits, in units of what is loaded
        case R_AARCH64_LDST8_ABS_LO12_NC:
            put_immediate(place, S + A, 0, 12, Immediate::imm12);
            break;
        case R_AARCH64_LDST16_ABS_LO12_NC:
            put_immediate(place, S + A, 1, 11, Immediate::imm12);
            break;
        case R_AARCH64_LDST32_ABS_LO12_NC:
            put_immediate(place, S + A, 2, 10, Immediate::imm12);
            break;
        case R_AARCH64_LDST64_ABS_LO12_NC:
            put_immediate(place, S + A, 3, 9, Immediate::imm12);
            break;
        case R_AARCH64_LDST128_ABS_LO12_NC:
            put_immediate(place, S + A, 4, 8, Immediate::imm12);
            break;
        case R_AARCH64_TSTBR14:  // S + A - P
            fits = put_immediate(place, S + A - P, 2, 14, Immediate::imm14);
            break;
        case R_AARCH64_JUMP26:  // S + A - P, by way of a PLT entry where that is too far
        case R_AARCH64_CALL26:
            fits = put_immediate(place, S + A - P, 2, 26, Immediate::imm26);
            if (!fits) {
                named = plt_entry_for(place, S + A);
                fits = put_immediate(place, named - P, 2, 26, Immediate::imm26);
            }
            break;
        default:
            refuse(ENOEXEC, {fmt::format("{}module {}: unsupported RELA relocation: {}", features_.message_prefix,
                                         image_.name, relocation.type)});
    }
    if (fits) return;
    refuse(ENOEXEC, {fmt::format("{}module {}: overflow in relocation type {} val {:x}", features_.message_prefix,
                                 image_.name, relocation.type, named)});
}

// get_plt_entry(). A plain store, also in a live module.
void Arm64Relocator::write_entry(const Place& entry, std::uint64_t target, std::uint32_t reg, std::uint32_t last,
                                 WriteKind kind) {
    std::byte code[plt_entry_size];
    const MutableBytes out(code);
    store(out, adrp(entry.address, target, reg), image_.order);
    store(out.subspan(4), add_low12(target, reg), image_.order);
    store(out.subspan(8), last, image_.order);
    write(entry, Bytes(code), kind).by_text_patching = false;
}

// plt_entries_equal().
bool Arm64Relocator::same_target(const Place& a, const Place& b) const {
    for (const std::uint64_t offset : {4, 8}) {
        if (read<std::uint32_t>(advance(a, offset)) != read<std::uint32_t>(advance(b, offset))) return false;
    }
    const auto first = read<std::uint32_t>(a), second = read<std::uint32_t>(b);
    if (first == second && page(a.address) == page(b.address)) return true;
    if (first == break_fault || second == break_fault) {
        throw Error({image_.name, image_.sections[*a.section].name, a.offset},
                    "the kernel stops with a BUG here: a PLT entry leads to a symbol that is out of reach of ADRP");
    }
    return page(a.address) + adrp_offset(first) == page(b.address) + adrp_offset(second);
}

// module_emit_plt_entry().
std::uint64_t Arm64Relocator::plt_entry_for(const Place& branch_place, std::uint64_t target) {
    Table& table = table_for(branch_place);
    const auto entry_at = [&](std::uint64_t index) { return place_in(table.section, index * plt_entry_size); };
    Place entry = entry_at(table.used);
    std::uint64_t taken = 1;
    if (is_bad_for_adrp(entry)) {
        entry = advance(entry, plt_entry_size);
        taken = 2;
    }
    write_entry(entry, target, ip0, branch_x16, WriteKind::plt_entry);
    if (table.used > 0 && same_target(entry, entry_at(table.used - 1))) return entry_at(table.used - 1).address;
    table.used += taken;
    if (table.used > table.allotted) refuse_with_warning(ENOEXEC);
    return entry.address;
}

// module_emit_veneer_for_adrp().
std::uint64_t Arm64Relocator::veneer_for(const Place& adrp_place, std::uint64_t target) {
    Table& table = table_for(adrp_place);
    Place entry = place_in(table.section, table.used * plt_entry_size);
    ++table.used;
    if (table.used > table.allotted) refuse_with_warning(ENOEXEC);
    if (is_bad_for_adrp(entry)) {
        entry = advance(entry, plt_entry_size);
        ++table.used;
    }
    const std::uint32_t reg = read<std::uint32_t>(adrp_place) & 0x1f;
    const std::uint32_t back = branch(entry.address + 8, adrp_place.address + instruction_size);
    write_entry(entry, target, reg, back, WriteKind::veneer);
    return entry.address;
}

// module_init_ftrace_plt().
void Arm64Relocator::make_final_entries() {
    if (!features_.ftrace_caller) return;
    const auto fill = [&](std::string_view name) {
        const auto section = find_section(name);
        if (!section) refuse(ENOEXEC, {});
        write_entry(place_in(*section, 0), *features_.ftrace_caller, ip0, branch_x16, WriteKind::trampoline);
    };
    fill(".text.ftrace_trampoline");
    if (features_.init_ftrace_trampoline) fill(".init.text.ftrace_trampoline");
}

}  // namespace

std::unique_ptr<ModuleRelocator> relocator(ModuleImage& image, const Features& features) {
    return std::make_unique<Arm64Relocator>(image, features);
}

}  // namespace klp::arch::arm64
