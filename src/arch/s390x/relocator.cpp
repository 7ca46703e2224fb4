// SPDX-License-Identifier: GPL-2.0-or-later
// How the kernel relocates modules on s390x (arch/s390/kernel/module.c).
//
// Big-endian. Branches (`brasl`) and `larl` count in halfwords from their own start: a field of 32 bits reaches 4 GiB
// to either side (names in DBL: the value is halved). Modules are compiled as position-independent code, with
// references by way of a GOT and calls by way of a PLT:
//
//   GOT entry   8 bytes: S
//   PLT entry   22 bytes:  basr %r1,0; lg %r1,12(%r1); br %r1; 2 bytes unused; 8 bytes: S
//   with expolines:        basr %r1,0; lg %r1,12(%r1); brcl 15,thunk; 8 bytes: S
//
// Both have no section. Before anything is allocated, the loader walks over all RELA sections, livepatch ones
// included, and allots one GOT slot or one PLT slot to each symbol that a relocation asks for (struct
// mod_arch_syminfo). They lie at the start of the module's text, GOT first, before any section; since nothing
// comes before them, the offset of the GOT is 0, which 6.1 relies on: it leaves the offset out of GOTENT.
// With expolines a further slot holds a thunk, which module_finalize() fills.
//
// A slot is filled when the first relocation of its symbol is applied, and marked as done. The state stays for as long
// as a livepatch module is loaded. A mark is never taken back: once a patched module is unloaded and loaded again
// elsewhere, relocations that go through the slot still lead to where it was before. Fields are overwritten
// whatever they hold; there is no clear_relocate_add().
//
// A call whose target is near is made direct, but its PLT entry is filled all the same.
#include <elf.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "arch/bits.hpp"
#include "arch/s390x/s390x.hpp"

namespace klp::arch::s390x {

namespace {

constexpr std::uint64_t got_entry_size = 8;
constexpr std::uint64_t plt_entry_size = 22;

class S390Relocator final : public ModuleRelocator {
public:
    S390Relocator(ModuleImage& image, const Features& features) : ModuleRelocator(image), features_(features) {}

private:
    struct Slots {
        std::optional<std::uint64_t> got, plt;  // offsets in the GOT and in the PLT
        bool got_is_filled = false;
        bool plt_is_filled = false;
    };
    // A field of `bits` bits that holds the value without its `shift` lowest bits.
    struct Field {
        bool is_signed = false;
        unsigned bits = 0;
        unsigned shift = 0;
    };

    std::uint64_t prepare_sections() override;
    void allot(const ImageRelocation& relocation);
    void before_section() override {}
    void apply_one(const Place& place, const ImageRelocation& relocation) override;
    void clear_one(const Place&, const ImageRelocation&) override {}  // no clear_relocate_add()
    void make_final_entries() override;

    void fill_got(Slots& slots, std::uint64_t S);
    void fill_plt(Slots& slots, std::uint64_t S);
    // apply_rela_bits(); false: out of range.
    [[nodiscard]] bool put(const Place& place, std::uint64_t value, Field field);
    [[nodiscard]] std::uint64_t thunk_offset() const { return got_size_ + plt_size_ - plt_entry_size; }

    Features features_;
    std::vector<Slots> slots_;  // by symbol
    std::uint64_t got_size_ = 0;
    std::uint64_t plt_size_ = 0;  // with the thunk
};

bool needs_got(std::uint32_t type) {
    switch (type) {
        case R_390_GOT12:
        case R_390_GOT16:
        case R_390_GOT20:
        case R_390_GOT32:
        case R_390_GOT64:
        case R_390_GOTENT:
        case R_390_GOTPLT12:
        case R_390_GOTPLT16:
        case R_390_GOTPLT20:
        case R_390_GOTPLT32:
        case R_390_GOTPLT64:
        case R_390_GOTPLTENT:
            return true;
        default:
            return false;
    }
}

bool needs_plt(std::uint32_t type) {
    switch (type) {
        case R_390_PLT16DBL:
        case R_390_PLT32DBL:
        case R_390_PLT32:
        case R_390_PLT64:
        case R_390_PLTOFF16:
        case R_390_PLTOFF32:
        case R_390_PLTOFF64:
            return true;
        default:
            return false;
    }
}

// module_frob_arch_sections().
std::uint64_t S390Relocator::prepare_sections() {
    const auto is_symbol_table = [](const ImageSection& each) { return each.type == SHT_SYMTAB; };
    if (std::ranges::none_of(image_.sections, is_symbol_table)) {
        refuse(ENOEXEC, {fmt::format("module {}: no symbol table", image_.name)});
    }
    for (ImageSymbol& symbol : image_.symbols) {
        if (symbol.section_index == SHN_UNDEF && symbol.name == "_GLOBAL_OFFSET_TABLE_") symbol.section_index = SHN_ABS;
    }
    slots_.assign(image_.symbols.size(), {});
    for (std::uint32_t i = 0; i < image_.sections.size(); ++i) {
        if (image_.sections[i].type != SHT_RELA) continue;
        relocation_section_ = i;
        for (const ImageRelocation& each : image_.sections[i].relocations) allot(each);
    }
    if (plt_size_ > 0 && features_.expoline) plt_size_ += plt_entry_size;
    return got_size_ + plt_size_;
}

// check_rela().
void S390Relocator::allot(const ImageRelocation& relocation) {
    static_cast<void>(symbol_of(relocation));  // checks the index
    Slots& slots = slots_[relocation.symbol];
    if (needs_got(relocation.type) && !slots.got) {
        slots.got = got_size_;
        got_size_ += got_entry_size;
    }
    if (needs_plt(relocation.type) && !slots.plt) {
        slots.plt = plt_size_;
        plt_size_ += plt_entry_size;
    }
}

// apply_rela(). GOT, PLT and L as in the psABI: the address of the table, and of the symbol's PLT entry; G is the
// offset of its entry in the GOT.
void S390Relocator::apply_one(const Place& place, const ImageRelocation& relocation) {
    const ImageSymbol& symbol = symbol_of(relocation);
    const std::uint64_t S = symbol.value;
    const std::uint64_t A = static_cast<std::uint64_t>(relocation.addend);
    const std::uint64_t P = place.address;
    const std::uint64_t GOT = image_.text_address;
    const std::uint64_t PLT = GOT + got_size_;
    Slots& slots = slots_[relocation.symbol];
    if (needs_got(relocation.type)) fill_got(slots, S);
    if (needs_plt(relocation.type)) fill_plt(slots, S);
    const std::uint64_t G = slots.got.value_or(0);
    const std::uint64_t L = PLT + slots.plt.value_or(0);

    const auto put_or_refuse = [&](std::uint64_t value, Field field) {
        if (put(place, value, field)) return;
        refuse(ENOEXEC, {fmt::format("module {}: relocation error for symbol {} (r_type {}, value 0x{:x})", image_.name,
                                     symbol.name, relocation.type, value)});
    };
    constexpr bool is_unsigned = false, is_signed = true;

    switch (relocation.type) {
        case R_390_NONE:
            break;
        case R_390_8:
            put_or_refuse(S + A, {is_unsigned, 8, 0});
            break;
        case R_390_12:
            put_or_refuse(S + A, {is_unsigned, 12, 0});
            break;
        case R_390_16:
            put_or_refuse(S + A, {is_unsigned, 16, 0});
            break;
        case R_390_20:
            put_or_refuse(S + A, {is_signed, 20, 0});
            break;
        case R_390_32:
            put_or_refuse(S + A, {is_unsigned, 32, 0});
            break;
        case R_390_64:
            put_or_refuse(S + A, {is_unsigned, 64, 0});
            break;
        case R_390_PC16:
            put_or_refuse(S + A - P, {is_signed, 16, 0});
            break;
        case R_390_PC16DBL:  // (S + A - P) >> 1
            put_or_refuse(S + A - P, {is_signed, 16, 1});
            break;
        case R_390_PC32DBL:  // (S + A - P) >> 1
            put_or_refuse(S + A - P, {is_signed, 32, 1});
            break;
        case R_390_PC32:
            put_or_refuse(S + A - P, {is_signed, 32, 0});
            break;
        case R_390_PC64:
            put_or_refuse(S + A - P, {is_signed, 64, 0});
            break;
        case R_390_GOT12:
        case R_390_GOTPLT12:
            put_or_refuse(G + A, {is_unsigned, 12, 0});
            break;
        case R_390_GOT16:
        case R_390_GOTPLT16:
            put_or_refuse(G + A, {is_unsigned, 16, 0});
            break;
        case R_390_GOT20:
        case R_390_GOTPLT20:
            put_or_refuse(G + A, {is_signed, 20, 0});
            break;
        case R_390_GOT32:
        case R_390_GOTPLT32:
            put_or_refuse(G + A, {is_unsigned, 32, 0});
            break;
        case R_390_GOT64:
        case R_390_GOTPLT64:
            put_or_refuse(G + A, {is_unsigned, 64, 0});
            break;
        case R_390_GOTENT:  // (GOT + G + A - P) >> 1
        case R_390_GOTPLTENT:
            put_or_refuse(GOT + G + A - P, {is_signed, 32, 1});
            break;
        case R_390_PLT16DBL: {                               // (L + A - P) >> 1, or S for L where it is near
            const bool is_near = S - P + 0xffff < 0x1ffffe;  // the kernel's number; 0x1fffe would be the reach
            put_or_refuse((is_near ? S : L) + A - P, {is_signed, 16, 1});
            break;
        }
        case R_390_PLT32DBL: {
            const bool is_near = S - P + 0xffffffff < 0x1fffffffe;
            put_or_refuse((is_near ? S : L) + A - P, {is_signed, 32, 1});
            break;
        }
        case R_390_PLT32:  // L + A - P; the kernel takes it for unsigned
            put_or_refuse(L + A - P, {is_unsigned, 32, 0});
            break;
        case R_390_PLT64:
            put_or_refuse(L + A - P, {is_unsigned, 64, 0});
            break;
        case R_390_PLTOFF16:  // L + A - GOT
            put_or_refuse(L + A - GOT, {is_unsigned, 16, 0});
            break;
        case R_390_PLTOFF32:
            put_or_refuse(L + A - GOT, {is_unsigned, 32, 0});
            break;
        case R_390_PLTOFF64:
            put_or_refuse(L + A - GOT, {is_unsigned, 64, 0});
            break;
        case R_390_GOTOFF16:  // S + A - GOT
            put_or_refuse(S + A - GOT, {is_unsigned, 16, 0});
            break;
        case R_390_GOTOFF32:
            put_or_refuse(S + A - GOT, {is_unsigned, 32, 0});
            break;
        case R_390_GOTOFF64:
            put_or_refuse(S + A - GOT, {is_unsigned, 64, 0});
            break;
        case R_390_GOTPC:  // GOT + A - P
            put_or_refuse(GOT + A - P, {is_signed, 32, 0});
            break;
        case R_390_GOTPCDBL:  // (GOT + A - P) >> 1
            put_or_refuse(GOT + A - P, {is_signed, 32, 1});
            break;
        case R_390_COPY:  // of modules linked with -shared, which do not exist
        case R_390_GLOB_DAT:
        case R_390_JMP_SLOT:
        case R_390_RELATIVE:
            refuse(ENOEXEC, {});
        default:
            refuse(ENOEXEC, {fmt::format("module {}: unknown relocation: {}", image_.name, relocation.type)});
    }
}

void S390Relocator::fill_got(Slots& slots, std::uint64_t S) {
    if (slots.got_is_filled) return;
    write(place_in_reserved_text(*slots.got), S, WriteKind::got_entry);
    slots.got_is_filled = true;
}

void S390Relocator::fill_plt(Slots& slots, std::uint64_t S) {
    if (slots.plt_is_filled) return;
    const std::uint64_t offset = got_size_ + *slots.plt;
    std::vector<std::byte> entry(plt_entry_size);
    const MutableBytes out(entry);
    store<std::uint32_t>(out, 0x0d10e310, ByteOrder::big);             // basr %r1,0; first half of…
    store<std::uint32_t>(out.subspan(4), 0x100c0004, ByteOrder::big);  // …lg %r1,12(%r1)
    if (features_.expoline) {
        const std::uint64_t distance = thunk_offset() - (offset + 8);
        store<std::uint16_t>(out.subspan(8), 0xc0f4, ByteOrder::big);  // brcl 15,thunk
        store<std::uint32_t>(out.subspan(10), static_cast<std::uint32_t>(distance / 2), ByteOrder::big);
    } else {
        store<std::uint32_t>(out.subspan(8), 0x07f10000, ByteOrder::big);  // br %r1
    }
    store<std::uint64_t>(out.subspan(14), S, ByteOrder::big);
    MemoryWrite& record = write(place_in_reserved_text(offset), entry, WriteKind::plt_entry);
    // Made on the stack, where apply_rela() does not set these two.
    if (!features_.expoline && !features_.zeroed_stack) record.indeterminate = {12, 14};
    slots.plt_is_filled = true;
}

bool S390Relocator::put(const Place& place, std::uint64_t value, Field field) {
    if ((value & ((std::uint64_t{1} << field.shift) - 1)) != 0) return false;
    const bool fits = field.is_signed ? fits_signed(value, field.bits + field.shift)
                                      : field.bits == 64 || value >> (field.bits + field.shift) == 0;
    if (!fits) return false;
    value >>= field.shift;
    switch (field.bits) {
        case 8:
            write(place, static_cast<std::uint8_t>(value));
            break;
        case 12:  // the displacement of base-register addressing, behind 4 bits for the base
            write(place, insert_bits<std::uint16_t>(read<std::uint16_t>(place), 0x0fff, value));
            break;
        case 16:
            write(place, static_cast<std::uint16_t>(value));
            break;
        case 20: {  // the same with 8 more bits on the other side
            const std::uint64_t split = (value & 0xfff) << 16 | (value & 0xff000) >> 4;
            write(place, insert_bits<std::uint32_t>(read<std::uint32_t>(place), 0x0fffff00, split));
            break;
        }
        case 32:
            write(place, static_cast<std::uint32_t>(value));
            break;
        default:
            write(place, value);
    }
    return true;
}

// The thunk, at the start of module_finalize().
void S390Relocator::make_final_entries() {
    if (plt_size_ == 0 || !features_.expoline) return;
    const Place thunk = place_in_reserved_text(thunk_offset());
    std::byte code[12];
    store<std::uint32_t>(MutableBytes(code), 0xc6000000, ByteOrder::big);             // exrl %r0,.+10
    store<std::uint32_t>(MutableBytes(code).subspan(4), 0x0005a7f4, ByteOrder::big);  // j .
    store<std::uint32_t>(MutableBytes(code).subspan(8), 0x000007f1, ByteOrder::big);  // br %r1
    write(thunk, Bytes(code), WriteKind::trampoline);
}

}  // namespace

std::unique_ptr<ModuleRelocator> relocator(ModuleImage& image, const Features& features) {
    return std::make_unique<S390Relocator>(image, features);
}

}  // namespace klp::arch::s390x
