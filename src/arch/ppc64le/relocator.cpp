// SPDX-License-Identifier: GPL-2.0-or-later
// How the kernel relocates modules on ppc64le (arch/powerpc/kernel/module_64.c; ELFv2 ABI). Kernels for prefixed
// instructions (CONFIG_PPC_KERNEL_PCREL) are not modelled.
//
// TOC. Code finds its data by r2, the TOC pointer: an address in the middle (+0x8000) of a table of 64 KiB, one for the
// kernel and one for each module. Its value in a module is the address of .toc (or, without one, of .stubs), rounded
// down to 256 bytes, plus 0x8000. The undefined symbol `.TOC.` stands for it; the loader strips the dot and defines
// the symbol the first time that it relocates anything.
//
// Calls. `bl` reaches 32 MiB. A function has two entries: the global one computes r2 from r12, its own address; the
// local one, some instructions on, trusts that r2 is right already. A call within the module goes to the local
// entry (st_other says how far it is). A call to a symbol that is undefined in the file, or that the livepatch core
// has resolved (SHN_LIVEPATCH), goes to a stub in .stubs: it saves r2 in the caller's frame, loads the address into
// r12 and branches. After such a call r2 is that of the callee's module. For this the compiler leaves a nop after
// calls to functions that it does not know, which the loader replaces with `ld r2,24(r1)`. Where a function was local
// when the compiler saw it, and a livepatch makes it a symbol of somewhere else, there is no nop: the loader refuses.
// (A stub that saves and restores r2 and LR itself was proposed for that: Features::livepatch_stubs.)
//
// A stub is made for an address, not for a symbol: once a target module is loaded again elsewhere, new stubs are made,
// and the old ones stay. The number allotted counts pairs of symbol and addend of all RELA sections, livepatch ones
// included. For that the loader sorts each RELA section, by symbol downwards, and that is the order in which
// relocations are applied from then on, and stubs made.
//
// R_PPC64_ENTRY marks the start of a function compiled for the large code model, which loads the distance to the TOC
// from memory; if the TOC is near, the loader rewrites the two instructions to compute it.
#include <elf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <tuple>

#include <fmt/format.h>

#include "arch/bits.hpp"
#include "arch/kernel_sort.hpp"
#include "arch/ppc64le/ppc64le.hpp"
#include "arch/ppc64le/stubs.hpp"

namespace klp::arch::ppc64le {

namespace {

// KBUILD_MODNAME of module_64.c, by pr_fmt().
constexpr std::string_view message_prefix = "module_64: ";

// R_PPC64_ENTRY, which the C library's elf.h lacks.
constexpr std::uint32_t r_ppc64_entry = 118;

class Ppc64Relocator final : public ModuleRelocator {
public:
    Ppc64Relocator(ModuleImage& image, const Features& features) : ModuleRelocator(image), features_(features) {}

private:
    std::uint64_t prepare_sections() override;
    void remove_dots();
    std::uint64_t count_stubs();
    [[nodiscard]] std::uint64_t count_livepatch_branches() const;
    void before_section() override;
    void apply_one(const Place& place, const ImageRelocation& relocation) override;
    void clear_one(const Place&, const ImageRelocation&) override {}  // no clear_relocate_add()
    void make_final_entries() override;

    void call(const Place& place, const ImageSymbol& symbol, std::uint64_t value);
    void restore_toc(const Place& after_call, std::string_view name);
    void rewrite_entry(const Place& place);
    std::uint64_t stub_for(std::uint64_t target, std::string_view name, WriteKind kind);
    void make_call_stub(const Place& stub, std::uint64_t target, WriteKind kind);
    [[nodiscard]] bool needs_livepatch_stub(const Place& place, const ImageSymbol& symbol) const;
    std::uint64_t livepatch_stub_for(std::uint64_t target);
    void make_livepatch_stub(const Place& stub, std::uint64_t target);
    void make_ftrace_stub(const Place& stub, std::uint64_t target, std::string_view name, WriteKind kind);
    void write_code(const Place& stub, std::span<const std::uint32_t> code, WriteKind kind);
    MemoryWrite& write_stub(const Place& stub, std::span<const std::uint32_t> code, std::uint64_t target,
                            WriteKind kind);
    [[nodiscard]] bool is_for_ftrace(std::string_view name) const;
    [[nodiscard]] Place stub_place(std::uint64_t index) const { return place_in(*stubs_, index * stub_size); }
    [[nodiscard]] Place livepatch_stub_place(std::uint64_t index) const {
        return place_in(*stubs_, livepatch_stubs_begin_ + index * livepatch_stub_size);
    }
    [[nodiscard]] std::uint64_t toc_pointer() const {
        return (image_.sections[*toc_].address & ~std::uint64_t{0xff}) + 0x8000;
    }
    [[noreturn]] void refuse_relocation(std::string text) const {
        refuse(ENOEXEC, {fmt::format("{}{}: {}", message_prefix, image_.name, text)});
    }

    Features features_;
    std::optional<std::uint32_t> stubs_, toc_;
    std::uint64_t stub_count_ = 0;             // in use; kernels that end the table with a zero see the same
    std::uint64_t livepatch_stubs_begin_ = 0;  // behind all others
    std::uint64_t livepatch_stub_count_ = 0;   // in use
    bool toc_symbol_is_set_ = false;
};

std::uint64_t Ppc64Relocator::prepare_sections() {
    stubs_ = find_section(".stubs");
    toc_ = find_section(".toc");
    if (toc_) {
        ImageSection& toc = image_.sections[*toc_];
        toc.alignment = std::max<std::uint64_t>(toc.alignment, 8);
    }
    remove_dots();
    if (!stubs_) refuse_relocation("doesn't contain .stubs.");
    if (!toc_) toc_ = stubs_;
    livepatch_stubs_begin_ = count_stubs() * stub_size;
    const std::uint64_t livepatch_stubs = features_.livepatch_stubs ? count_livepatch_branches() : 0;
    image_.sections[*stubs_].size = livepatch_stubs_begin_ + livepatch_stubs * livepatch_stub_size;
    return 0;
}

// dedotify(): `.function`, which ELFv1 had, and `.TOC.`.
void Ppc64Relocator::remove_dots() {
    for (std::size_t i = 1; i < image_.symbols.size(); ++i) {
        ImageSymbol& symbol = image_.symbols[i];
        if (symbol.section_index != SHN_UNDEF || !symbol.name.starts_with('.')) continue;
        if (symbol.name == ".TOC.") symbol.section_index = SHN_ABS;
        symbol.name.erase(0, 1);
    }
}

// count_relocs() after sorting as relacmp() does, whose arguments are swapped. The addend that is compared is cut to 32
// bits there, without sign, so that negative ones are never equal.
std::uint64_t count_branches(std::vector<ImageRelocation>& relocations, HeapSort sort) {
    const auto compare = [](const ImageRelocation& a, const ImageRelocation& b) {
        const auto order = std::tuple(b.symbol, b.type, b.addend) <=> std::tuple(a.symbol, a.type, a.addend);
        return order < 0 ? -1 : order > 0 ? 1 : 0;
    };
    kernel_sort(std::span(relocations), compare, sort);
    std::uint64_t count = 0;
    std::uint32_t last_symbol = 0, last_addend = 0;
    for (const ImageRelocation& each : relocations) {
        if (each.type != R_PPC64_REL24) continue;
        if (each.symbol == last_symbol && each.addend == std::int64_t{last_addend}) continue;
        ++count;
        last_symbol = each.symbol;
        last_addend = static_cast<std::uint32_t>(each.addend);
    }
    return count;
}

// get_stubs_size().
std::uint64_t Ppc64Relocator::count_stubs() {
    std::uint64_t count = features_.stubs_zero_terminated ? 1 : 0;
    for (ImageSection& section : image_.sections) {
        if (section.type == SHT_RELA) count += count_branches(section.relocations, features_.sort);
    }
    if (features_.dynamic_ftrace) count += features_.dynamic_ftrace_with_regs ? 2 : 1;
    if (features_.out_of_line_stub_size > 0) {
        const auto first = std::ranges::find(image_.sections, "__patchable_function_entries", &ImageSection::name);
        const std::uint64_t entries = first == image_.sections.end() ? 0 : first->size / 8;
        count += (entries * features_.out_of_line_stub_size + stub_size - 1) / stub_size;
    }
    return count;
}

// Whether one has a nop is not known before all is relocated.
std::uint64_t Ppc64Relocator::count_livepatch_branches() const {
    std::uint64_t count = 0;
    for (const ImageSection& section : image_.sections) {
        if (section.type != SHT_RELA || (section.flags & elf::shf_rela_livepatch) == 0) continue;
        count += std::ranges::count(section.relocations, std::uint32_t{R_PPC64_REL24}, &ImageRelocation::type);
    }
    return count;
}

void Ppc64Relocator::before_section() {
    if (toc_symbol_is_set_) return;
    for (std::size_t i = 1; i < image_.symbols.size(); ++i) {
        ImageSymbol& symbol = image_.symbols[i];
        if (symbol.section_index != SHN_ABS || symbol.name != "TOC.") continue;
        symbol.value = toc_pointer();
        break;
    }
    toc_symbol_is_set_ = true;
}

void Ppc64Relocator::apply_one(const Place& place, const ImageRelocation& relocation) {
    const ImageSymbol& symbol = symbol_of(relocation);
    const std::uint64_t S = symbol.value;
    const std::uint64_t A = static_cast<std::uint64_t>(relocation.addend);
    const std::uint64_t P = place.address;
    const std::uint64_t TOC = toc_pointer();
    const auto store = [&](auto value) { write(place, value).by_text_patching = false; };
    const auto half = [&](std::uint64_t value, std::uint16_t mask) {
        store(insert_bits<std::uint16_t>(read<std::uint16_t>(place), mask, value));
    };

    switch (relocation.type) {
        case R_PPC64_ADDR32:  // S + A, cut off without a check
            write(place, static_cast<std::uint32_t>(S + A)).cut_off = (S + A) >> 32 != 0;
            break;
        case R_PPC64_ADDR64:  // S + A
            store(S + A);
            break;
        case R_PPC64_TOC:  // .TOC.
            store(TOC);
            break;
        case R_PPC64_TOC16:  // S + A - .TOC.
            if (!fits_signed(S + A - TOC, 16)) {
                refuse_relocation(fmt::format("bad TOC16 relocation (0x{:x})", S + A - TOC));
            }
            half(S + A - TOC, 0xffff);
            break;
        case R_PPC64_TOC16_LO:  // #lo(S + A - .TOC.)
            half(S + A - TOC, 0xffff);
            break;
        case R_PPC64_TOC16_DS:  // (S + A - .TOC.) >> 2
            if ((S + A - TOC) % 4 != 0 || !fits_signed(S + A - TOC, 16)) {
                refuse_relocation(fmt::format("bad TOC16_DS relocation (0x{:x})", S + A - TOC));
            }
            half(S + A - TOC, 0xfffc);
            break;
        case R_PPC64_TOC16_LO_DS:  // #lo(S + A - .TOC.) >> 2
            if ((S + A - TOC) % 4 != 0) {
                refuse_relocation(fmt::format("bad TOC16_LO_DS relocation (0x{:x})", S + A - TOC));
            }
            half(S + A - TOC, 0xfffc);
            break;
        case R_PPC64_TOC16_HA:  // #ha(S + A - .TOC.)
            half(high_adjusted(S + A - TOC), 0xffff);
            break;
        case R_PPC64_REL24:  // (S + A - P) >> 2, by way of a stub where S is outside
            call(place, symbol, S + A);
            break;
        case R_PPC64_REL64:  // S + A - P
            store(S + A - P);
            break;
        case R_PPC64_REL32:  // S + A - P
            if (!fits_signed(S + A - P, 32)) {
                refuse_relocation(fmt::format("REL32 {} out of range!", static_cast<std::int64_t>(S + A - P)));
            }
            store(static_cast<std::uint32_t>(S + A - P));
            break;
        case R_PPC64_TOCSAVE:  // a hint about saving r2
            break;
        case r_ppc64_entry:
            rewrite_entry(place);
            break;
        case R_PPC64_REL16_HA:  // #ha(S + A - P)
            half(high_adjusted(S + A - P), 0xffff);
            break;
        case R_PPC64_REL16_LO:  // #lo(S + A - P)
            half(S + A - P, 0xffff);
            break;
        default:
            refuse_relocation(fmt::format("Unknown ADD relocation: {}", relocation.type));
    }
}

void Ppc64Relocator::call(const Place& place, const ImageSymbol& symbol, std::uint64_t value) {
    if (needs_livepatch_stub(place, symbol)) {
        value = livepatch_stub_for(value);
    } else if (symbol.section_index == SHN_UNDEF || symbol.section_index == elf::shn_livepatch) {
        value = stub_for(value, symbol.name, WriteKind::stub);
        restore_toc(advance(place, 4), symbol.name);
    } else {
        value += local_entry_offset(symbol.other);
    }
    value -= place.address;
    if (!fits_signed(value, 26) || value % 4 != 0) {
        refuse_relocation(fmt::format("REL24 {} out of range!", static_cast<std::int64_t>(value)));
    }
    write(place, insert_bits<std::uint32_t>(read<std::uint32_t>(place), 0x03fffffc, value)).by_text_patching = true;
}

// A sibling call, too, returns to someone who trusts in r2.
bool Ppc64Relocator::needs_livepatch_stub(const Place& place, const ImageSymbol& symbol) const {
    if (!features_.livepatch_stubs || symbol.section_index != elf::shn_livepatch) return false;
    if (!is_relative_link_branch(read<std::uint32_t>(place))) return true;
    const Place next = advance(place, 4);
    if (next.offset + 4 > image_.sections[*next.section].size) return true;
    const auto instruction = read<std::uint32_t>(next);
    return instruction != nop && instruction != load_toc;
}

// restore_r2().
void Ppc64Relocator::restore_toc(const Place& after_call, std::string_view name) {
    if (is_for_ftrace(name)) return;
    const Place branch = {after_call.section, after_call.offset - 4, after_call.address - 4};
    const auto instruction = read<std::uint32_t>(after_call);
    // A sibling call does not come back.
    if (!is_relative_link_branch(read<std::uint32_t>(branch))) return;
    if (features_.accepts_restored_r2 && instruction == load_toc) return;
    if (instruction != nop) {
        if (features_.nop_message == NopMessage::expect_noop_after_relocate) {
            refuse_relocation(fmt::format("Expect noop after relocate, got {:08x}", instruction));
        }
        const bool is_named = state_ != ModuleState::unformed && image_.symbolize;
        refuse_relocation(
            fmt::format("Expected nop after call, got {:08x} at {}", instruction,
                        is_named ? image_.symbolize(after_call.address) : fmt::format("0x{:x}", after_call.address)));
    }
    write(after_call, load_toc, WriteKind::toc_restore).by_text_patching = true;
}

void Ppc64Relocator::rewrite_entry(const Place& place) {
    const std::uint64_t distance = toc_pointer() - place.address;
    // Both halves are signed: the low one takes 0x8000 off the range at either end.
    if (distance + 0x80008000 > 0xffffffff) return;
    const Place second = advance(place, 4);
    const bool is_large_model = (read<std::uint32_t>(place) & ~std::uint32_t{0xfffc}) == 0xe84c0000 &&  // ld r2,…(r12)
                                read<std::uint32_t>(second) == 0x7c426214;                              // add r2,r2,r12
    if (!is_large_model) return;
    write(place, std::uint32_t{0x3c4c0000} | high_adjusted(distance)).by_text_patching = false;  // addis r2,r12,…@ha
    write(second, std::uint32_t{0x38420000} | low(distance)).by_text_patching = false;           // addi r2,r2,…@l
}

// stub_for_addr().
std::uint64_t Ppc64Relocator::stub_for(std::uint64_t target, std::string_view name, WriteKind kind) {
    for (std::uint64_t i = 0; i < stub_count_; ++i) {
        if (read<std::uint64_t>(advance(stub_place(i), stub_address_offset)) == target) return stub_place(i).address;
    }
    const Place stub = stub_place(stub_count_);
    if (is_for_ftrace(name)) {
        make_ftrace_stub(stub, target, name, kind);
    } else {
        make_call_stub(stub, target, kind);
    }
    // A table that ends with a zero does not see a stub for address 0.
    if (target != 0 || !features_.stubs_zero_terminated) ++stub_count_;
    return stub.address;
}

// is_mprofile_ftrace_call().
bool Ppc64Relocator::is_for_ftrace(std::string_view name) const {
    if (!features_.ftrace_stubs_use_kernel_toc) return false;
    return name == "_mcount" || (features_.dynamic_ftrace && name == "ftrace_caller") ||
           (features_.dynamic_ftrace && features_.dynamic_ftrace_with_regs && name == "ftrace_regs_caller");
}

// create_stub(). Out of range, the instructions are there without their distance.
void Ppc64Relocator::make_call_stub(const Place& stub, std::uint64_t target, WriteKind kind) {
    const std::uint64_t distance = stub.address - toc_pointer();
    auto code = call_stub;
    if (!fits_signed(distance, 32)) {
        write_code(stub, code, kind);
        // The second address is that of the kernel's own function, which cannot be known.
        refuse(ENOENT, {fmt::format("{}{}: Address {} of stub out of range of (____ptrval____).", message_prefix,
                                    image_.name, kernel_pointer(distance))});
    }
    code[0] |= high_adjusted(distance);
    code[1] |= low(distance);
    write_stub(stub, code, target, kind).by_text_patching = true;
}

std::uint64_t Ppc64Relocator::livepatch_stub_for(std::uint64_t target) {
    for (std::uint64_t i = 0; i < livepatch_stub_count_; ++i) {
        const Place stub = livepatch_stub_place(i);
        if (read<std::uint64_t>(advance(stub, livepatch_stub_address_offset)) == target) return stub.address;
    }
    const Place stub = livepatch_stub_place(livepatch_stub_count_);
    if (stub.offset + livepatch_stub_size > image_.sections[*stubs_].size)
        refuse_relocation("no room for another livepatch stub");
    make_livepatch_stub(stub, target);
    ++livepatch_stub_count_;
    return stub.address;
}

void Ppc64Relocator::make_livepatch_stub(const Place& stub, std::uint64_t target) {
    if (!features_.paca_thread_info_offset || !features_.livepatch_sp_offset) {
        throw Error({image_.name, image_.sections[*stubs_].name, stub.offset},
                    "a livepatch stub needs the offsets of the task's livepatch stack, which are not known");
    }
    const std::uint64_t distance = stub.address - toc_pointer();
    if (!fits_signed(distance, 32)) refuse_relocation("livepatch stub out of reach of the TOC pointer");
    auto code = livepatch_stub;
    for (const std::size_t i : livepatch_stub_thread_info) code[i] |= *features_.paca_thread_info_offset;
    for (const std::size_t i : livepatch_stub_livepatch_sp) code[i] |= *features_.livepatch_sp_offset;
    code[livepatch_stub_distance] |= high_adjusted(distance);
    code[livepatch_stub_distance + 1] |= low(distance);

    std::vector<std::byte> bytes(livepatch_stub_size);
    const MutableBytes out(bytes);
    for (std::size_t i = 0; i < code.size(); ++i) store(out.subspan(4 * i), code[i], image_.order);
    store(out.subspan(livepatch_stub_magic_offset), stub_magic, image_.order);
    store(out.subspan(livepatch_stub_address_offset), target, image_.order);
    write(stub, bytes, WriteKind::stub).by_text_patching = true;
}

// create_ftrace_stub().
void Ppc64Relocator::make_ftrace_stub(const Place& stub, std::uint64_t target, std::string_view name, WriteKind kind) {
    if (!features_.kernel_toc || !features_.paca_kernel_toc_offset) {
        throw Error(
            {image_.name, image_.sections[*stubs_].name, stub.offset},
            fmt::format("the stub for '{}' needs the kernel's TOC pointer and its offset in the paca, which are "
                        "not known",
                        name));
    }
    const std::uint64_t distance = target - *features_.kernel_toc;
    auto code = ftrace_stub;
    code[0] |= *features_.paca_kernel_toc_offset;
    if (!fits_signed(distance, 32)) {
        write_code(stub, code, kind);
        refuse(ENOENT,
               {fmt::format("{}{}: Address of {} out of range of kernel_toc.", message_prefix, image_.name, name)});
    }
    code[1] |= high_adjusted(distance);
    code[2] |= low(distance);
    write_stub(stub, code, target, kind).by_text_patching = false;
}

void Ppc64Relocator::write_code(const Place& stub, std::span<const std::uint32_t> code, WriteKind kind) {
    std::vector<std::byte> bytes(4 * code.size());
    for (std::size_t i = 0; i < code.size(); ++i) store(MutableBytes(bytes).subspan(4 * i), code[i], image_.order);
    write(stub, bytes, kind);
}

MemoryWrite& Ppc64Relocator::write_stub(const Place& stub, std::span<const std::uint32_t> code, std::uint64_t target,
                                        WriteKind kind) {
    // What is behind the code is left as it is.
    const MutableBytes memory = memory_at(stub, stub_size);
    std::vector<std::byte> bytes(memory.begin(), memory.end());
    const MutableBytes out(bytes);
    for (std::size_t i = 0; i < code.size(); ++i) store(out.subspan(4 * i), code[i], image_.order);
    store(out.subspan(stub_magic_offset), stub_magic, image_.order);
    store(out.subspan(stub_address_offset), target, image_.order);
    return write(stub, bytes, kind);
}

// module_finalize_ftrace().
void Ppc64Relocator::make_final_entries() {
    if (!features_.dynamic_ftrace) return;
    const auto trampoline = [&](const std::optional<std::uint64_t>& target, std::string_view name) {
        if (!target) {
            throw Error({image_.name, image_.sections[*stubs_].name, {}},
                        fmt::format("the address of '{}', for which each module has a stub, is not known", name));
        }
        stub_for(*target, name, WriteKind::trampoline);
    };
    trampoline(features_.ftrace_caller, "ftrace_caller");
    if (features_.dynamic_ftrace_with_regs) trampoline(features_.ftrace_regs_caller, "ftrace_regs_caller");
}

}  // namespace

std::unique_ptr<ModuleRelocator> relocator(ModuleImage& image, const Features& features) {
    return std::make_unique<Ppc64Relocator>(image, features);
}

}  // namespace klp::arch::ppc64le
