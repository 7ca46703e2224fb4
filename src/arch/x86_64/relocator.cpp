// SPDX-License-Identifier: GPL-2.0-or-later
// How the kernel relocates modules on x86-64 (arch/x86/kernel/module.c).
//
// Kernel and modules lie within the same 2 GiB, so that there are no stubs, no GOT and no PLT: PLT32 is the same as
// PC32, and nothing is laid out beforehand. Seven types are known, S, A and P as in the psABI:
//
//   R_X86_64_NONE            nothing
//   R_X86_64_64              S + A        64 bits
//   R_X86_64_32              S + A        32 bits, zero-extended
//   R_X86_64_32S             S + A        32 bits, sign-extended
//   R_X86_64_PC32, _PLT32    S + A - P    32 bits, cut off without a check
//   R_X86_64_PC64            S + A - P    64 bits
//
// A field must be zero before it is relocated. This catches modules that were linked twice; it also catches a
// livepatch whose target module was unloaded and loaded again, because up to Linux 6.2 nobody sets the fields
// back. Since 6.3 the livepatch core does (clear_relocate_add), and expects to find what it wrote.
//
// The order of the checks differs. Up to 6.2 the field is compared with zero, written, and only then looked at for
// overflow: a refused module has the cut value in its memory. Later kernels look for overflow first.
//
// KBUILD_MODNAME of module.c is "module", which its messages begin with.
#include <elf.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <map>

#include <fmt/format.h>

#include "arch/bits.hpp"
#include "arch/x86_64/x86_64.hpp"

namespace klp::arch::x86_64 {

namespace {

class X86Relocator final : public ModuleRelocator {
public:
    X86Relocator(ModuleImage& image, const Features& features) : ModuleRelocator(image), features_(features) {}

private:
    struct Value {
        std::uint64_t value = 0;
        std::uint8_t size = 0;
        bool overflows = false;  // and the kernel finds out
        bool is_cut_off = false;
    };

    [[nodiscard]] Value value_of(const Place& place, const ImageRelocation& relocation) const;
    std::uint64_t prepare_sections() override { return 0; }
    void before_section() override { fields_.clear(); }
    void apply_one(const Place& place, const ImageRelocation& relocation) override;
    void clear_one(const Place& place, const ImageRelocation& relocation) override;
    void make_final_entries() override {}
    void check_overlap(const Place& place, std::uint8_t size);
    [[nodiscard]] std::vector<std::byte> field_of(const Value& value) const;
    [[noreturn]] void refuse_target(std::string_view problem, const Place& place, const ImageRelocation& relocation,
                                    std::uint64_t value) const;
    [[noreturn]] void refuse_overflow(const ImageRelocation& relocation, std::uint64_t value) const;

    Features features_;
    std::map<std::uint64_t, std::uint8_t> fields_;  // written for this section: sizes, by address
};

X86Relocator::Value X86Relocator::value_of(const Place& place, const ImageRelocation& relocation) const {
    const std::uint64_t S = symbol_of(relocation).value;
    const std::uint64_t A = static_cast<std::uint64_t>(relocation.addend);
    const std::uint64_t P = place.address;
    switch (relocation.type) {
        case R_X86_64_NONE:
            return {};
        case R_X86_64_64:
            return {S + A, 8};
        case R_X86_64_32:
            return {S + A, 4, S + A > 0xffffffff};
        case R_X86_64_32S:
            return {S + A, 4, !fits_signed(S + A, 32)};
        case R_X86_64_PC32:
        case R_X86_64_PLT32:
            return {S + A - P, 4, false, !fits_signed(S + A - P, 32)};
        case R_X86_64_PC64:
            return {S + A - P, 8};
        default:
            refuse(ENOEXEC, {fmt::format("module: {}: Unknown rela relocation: {}", image_.name, relocation.type)});
    }
}

std::vector<std::byte> X86Relocator::field_of(const Value& value) const {
    std::vector<std::byte> field(8);
    store<std::uint64_t>(field, value.value, ByteOrder::little);
    field.resize(value.size);
    return field;
}

void X86Relocator::apply_one(const Place& place, const ImageRelocation& relocation) {
    const Value value = value_of(place, relocation);
    if (value.size == 0) return;
    if (features_.clear_relocate_add && value.overflows) refuse_overflow(relocation, value.value);
    if (!std::ranges::all_of(memory_at(place, value.size), [](std::byte each) { return each == std::byte{0}; })) {
        // Up to 6.2 the test comes before the subtraction of P, and the message shows S + A.
        const bool subtracted = relocation.type != R_X86_64_64 && relocation.type != R_X86_64_32 &&
                                relocation.type != R_X86_64_32S && !features_.clear_relocate_add;
        refuse_target("existing value is nonzero", place, relocation, value.value + (subtracted ? place.address : 0));
    }
    check_overlap(place, value.size);
    write(place, field_of(value)).cut_off = value.is_cut_off;
    if (value.overflows) refuse_overflow(relocation, value.value);
}

// Fields are written to where there are zeroes alone: whether a part of another field has them, and what both make
// then, depends on the addresses.
void X86Relocator::check_overlap(const Place& place, std::uint8_t size) {
    const auto next = fields_.lower_bound(place.address);
    const bool meets_next = next != fields_.end() && next->first != place.address && next->first < place.address + size;
    const bool meets_last = next != fields_.begin() && std::prev(next)->first + std::prev(next)->second > place.address;
    if (meets_next || meets_last)
        throw Error({image_.name, image_.sections[*place.section].name, place.offset},
                    "the fields of two relocations overlap: what they make depends on where the module is loaded");
    fields_.emplace(place.address, size);
}

void X86Relocator::clear_one(const Place& place, const ImageRelocation& relocation) {
    if (!features_.clear_relocate_add) return;
    const Value value = value_of(place, relocation);
    if (value.size == 0) return;
    if (value.overflows) refuse_overflow(relocation, value.value);
    if (!std::ranges::equal(memory_at(place, value.size), field_of(value))) {
        refuse_target("existing value does not match expected value", place, relocation, value.value);
    }
    write(place, std::vector<std::byte>(value.size));
}

void X86Relocator::refuse_target(std::string_view problem, const Place& place, const ImageRelocation& relocation,
                                 std::uint64_t value) const {
    const std::string_view start = features_.clear_relocate_add ? "Invalid" : "Skipping invalid";
    std::string index, loc = kernel_pointer(place.address);
    if (features_.messages_name_index) {
        index = fmt::format("sec {}, idx {}, ", relocation_section_, relocation_index_.value_or(0));
        loc = fmt::format("{:x}", place.address);
    }
    refuse(ENOEXEC, {fmt::format("module: x86/modules: {} relocation target, {} for {}type {}, loc {}, val {:x}", start,
                                 problem, index, relocation.type, loc, value)});
}

void X86Relocator::refuse_overflow(const ImageRelocation& relocation, std::uint64_t value) const {
    std::string text = fmt::format("module: overflow in relocation type {} val {:x}", relocation.type, value);
    if (features_.messages_name_index) {
        text += fmt::format(" sec {} idx {}", relocation_section_, relocation_index_.value_or(0));
    }
    refuse(ENOEXEC, {text, fmt::format("module: `{}' likely not compiled with -mcmodel=kernel", image_.name)});
}

}  // namespace

std::unique_ptr<ModuleRelocator> relocator(ModuleImage& image, const Features& features) {
    return std::make_unique<X86Relocator>(image, features);
}

}  // namespace klp::arch::x86_64
