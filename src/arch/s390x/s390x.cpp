// SPDX-License-Identifier: GPL-2.0-or-later
// s390x, as the kernel uses it ("ELF Application Binary Interface s390x Supplement"; the image position-independent, or
// not, modules -fPIC).
//
// Addresses. Instructions have 2, 4 or 6 bytes, as their two top bits tell, and are aligned to 2. A PC-relative operand
// is a signed number of halfwords: 16 bits in `brc`, `bras`, `crj` and their kin, 32 in `brasl`, `brcl`, `larl`, `lgrl`
// and so on (R_390_PC16DBL, R_390_PC32DBL, R_390_PLT32DBL). It counts from the start of the instruction, but the
// relocation counts from the field, two bytes on: `brasl %r14,foo` is `foo + 2`, and the bias of its addend is -2. In
// tables (`.long foo -
// .`, R_390_PC32) fields count from themselves. So do those of GOTENT and its like; of these the target cannot be read
// back, since the linker or the module loader allots the slot. Branch prediction (`bpp`, `bprp`) has operands of
// its own, which no compiler makes for the kernel and which change nothing that is computed.
//
// The assembler resolves what has a local symbol of the same section for a target.
//
// Function entry. -mfentry -mnop-mcount puts `jgnop .`, a `brcl` with mask 0, at the start of each function; without
// -mnop-mcount it is `brasl %r0,__fentry__`, and -mhotpatch=0,3 has the same nop. recordmcount or the compiler lists
// the place in __mcount_loc. ftrace turns it into a `brcl` to a trampoline (arch/s390/kernel/ftrace.c).
//
// Expolines. With CONFIG_EXPOLINE indirect branches and returns go through thunks, and the compiler lists them:
// .s390_indirect_call, _jump and _branches, .s390_return_mem and _reg. Where thunks are not wanted, the kernel turns
// the branches back into plain ones (arch/s390/kernel/nospec-branch.c).
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "arch/code.hpp"
#include "arch/s390x/decode.hpp"
#include "arch/s390x/s390x.hpp"

namespace klp::arch::s390x {

namespace {

// .fixup of asm/uaccess.h and others until 5.18.
constexpr std::array<std::string_view, 2> code_pool_table = {".altinstr_replacement", ".fixup"};

// Whether the field is an operand that counts from its instruction.
bool is_operand(std::uint32_t type) {
    switch (type) {
        case R_390_PC16DBL:
        case R_390_PC32DBL:
        case R_390_PLT16DBL:
        case R_390_PLT32DBL:
        case R_390_GOTPCDBL:
        case R_390_GOTENT:
        case R_390_GOTPLTENT:
            return true;
        default:
            return false;
    }
}

std::uint32_t type_for(const RelativeOperand& operand) {
    if (operand.size == 2) return R_390_PC16DBL;
    return operand.is_branch ? R_390_PLT32DBL : R_390_PC32DBL;
}

constexpr std::array jgnop = {std::byte{0xc0}, std::byte{0x04}};
constexpr std::array brasl_r0 = {std::byte{0xc0}, std::byte{0x05}};

constexpr Identity identity{
    .name = "s390x",
    .uname = "s390x",
    .kbuild_name = "s390",
    .source_folder = "s390",
    .debian_name = "s390x",
    .cross_prefix = "s390x-linux-gnu-",
    .config_option = "CONFIG_S390",
    .machine = EM_S390,
    .byte_order = ByteOrder::big,
};

class S390x final : public Arch {
public:
    S390x() noexcept : Arch(identity) {}

    const ModuleLoading& module_loading() const noexcept override { return s390x::module_loading(); }
    const KernelProbe& kernel_probe() const noexcept override { return s390x::kernel_probe(); }
    std::optional<std::string> abi_problem(std::uint32_t) const override { return std::nullopt; }
    std::optional<RelocationInfo> relocation_info(std::uint32_t type) const noexcept override {
        return s390x::relocation_info(type);
    }
    std::uint32_t absolute64_type() const noexcept override { return R_390_64; }
    std::span<const SpecialSection> special_sections() const noexcept override { return s390x::special_sections(); }
    std::span<const std::string_view> code_pools() const noexcept override { return code_pool_table; }

    std::int64_t addend_bias(const elf::Section& section, Range function,
                             const elf::Relocation& relocation) const override;
    bool is_branch(const elf::Section& section, Range function, const elf::Relocation& relocation) const override;
    bool is_call(const elf::Section& section, Range function, const elf::Relocation& relocation) const override;
    std::optional<std::uint64_t> target_of_field(const RelocationInfo& info, Bytes field, std::uint64_t place,
                                                 std::int64_t addend) const override {
        return read_target(info, byte_order(), field, place, addend);
    }
    std::optional<TargetPart> part_of_target(std::uint32_t, Bytes, std::uint64_t, std::int64_t) const override {
        return std::nullopt;
    }
    std::vector<ImplicitReference> implicit_references(const elf::Section& section, Range function) const override;
    std::optional<ConstantArgument> constant_argument(const elf::Section& section, Range function,
                                                      std::uint64_t offset) const override;
    std::vector<InnerBranch> inner_branches(const elf::Section& section, Range function) const override;
    std::vector<std::uint64_t> instruction_starts(const elf::Section& section, Range function) const override;
    bool same_branch(Bytes a, Bytes b) const override { return s390x::same_branch(a, b); }
    bool is_padding(Bytes code) const override;
    bool is_traceable(const elf::Object& object, const elf::Symbol& function) const override;
    std::optional<std::uint64_t> entry_call(const elf::Symbol& function) const override;

protected:
    Use use_of_operand(const elf::Section& section, Range function, const elf::Relocation& relocation) const override;
};

// Calls `visit(start, instruction)` for each instruction, until it returns false.
template <typename Visit>
void walk(const elf::Section& section, Range function, Visit visit) {
    const Bytes code = code_of(section, function);
    for (std::uint64_t at = 0; at < code.size();) {
        const std::uint64_t length = length_of(code[at]);
        if (length > code.size() - at)
            throw Error(location_of(section, function.begin + at),
                        fmt::format("instruction of {} bytes is cut off", length));
        if (!visit(function.begin + at, code.subspan(at, length))) return;
        at += length;
    }
}

struct Holder {
    std::uint64_t start = 0;
    Bytes instruction;
};

Holder holder_of(const elf::Section& section, Range function, const elf::Relocation& relocation) {
    const Location where = location_of(section, relocation.offset);
    if (!function.contains(relocation.offset))
        throw Error(where, "relocation is outside of the function it is taken for");
    Holder holder;
    walk(section, function, [&](std::uint64_t start, Bytes instruction) {
        holder = {start, instruction};
        return start + instruction.size() <= relocation.offset;
    });
    return holder;
}

std::int64_t S390x::addend_bias(const elf::Section& section, Range function, const elf::Relocation& relocation) const {
    if (!section.is_code() || !is_operand(relocation.type)) return 0;
    const Holder holder = holder_of(section, function, relocation);
    if (relocation.offset != holder.start + displacement_offset || !relative_operand(holder.instruction)) {
        throw Error(location_of(section, relocation.offset),
                    fmt::format("relocation {} is not at a PC-relative operand of an instruction",
                                relocation_info(relocation.type)->name));
    }
    return -static_cast<std::int64_t>(displacement_offset);
}

bool S390x::is_branch(const elf::Section& section, Range function, const elf::Relocation& relocation) const {
    if (!section.is_code() || !is_operand(relocation.type)) return false;
    const auto operand = relative_operand(holder_of(section, function, relocation).instruction);
    return operand && operand->is_branch;
}

// z/Architecture Principles of Operation: bras and brasl end their opcode with 5, brc and brcl with 4.
bool S390x::is_call(const elf::Section& section, Range function, const elf::Relocation& relocation) const {
    const Bytes instruction = holder_of(section, function, relocation).instruction;
    return instruction.size() > 1 && (std::to_integer<unsigned>(instruction[1]) & 0xf) == 5;
}

std::vector<ImplicitReference> S390x::implicit_references(const elf::Section& section, Range function) const {
    std::vector<ImplicitReference> result;
    walk(section, function, [&](std::uint64_t start, Bytes instruction) {
        const auto operand = relative_operand(instruction);
        if (!operand) return true;
        const std::uint64_t field = start + displacement_offset;
        const std::uint64_t target = start + static_cast<std::uint64_t>(operand->distance);
        if (function.contains(target) || relocation_at(section, field) != nullptr) return true;
        check_target(section, field, target);
        result.push_back({field, operand->size, target, type_for(*operand), displacement_offset});
        return true;
    });
    return result;
}

std::vector<InnerBranch> S390x::inner_branches(const elf::Section& section, Range function) const {
    std::vector<InnerBranch> result;
    walk(section, function, [&](std::uint64_t start, Bytes instruction) {
        const auto operand = relative_operand(instruction);
        if (!operand || !operand->is_branch) return true;
        const std::uint64_t target = start + static_cast<std::uint64_t>(operand->distance);
        if (function.contains(target) && relocation_at(section, start + displacement_offset) == nullptr)
            result.push_back({start, target});
        return true;
    });
    return result;
}

// larl yields the address; sthrl, stgrl and strl write; the others of their formats read.
Use S390x::use_of_operand(const elf::Section& section, Range function, const elf::Relocation& relocation) const {
    const bool is_of_got =
        relocation.type == R_390_GOTPCDBL || relocation.type == R_390_GOTENT || relocation.type == R_390_GOTPLTENT;
    if (is_of_got || !is_operand(relocation.type)) return Use::address;
    const Bytes instruction = holder_of(section, function, relocation).instruction;
    const auto opcode = std::to_integer<unsigned>(instruction[0]);
    const auto extension = std::to_integer<unsigned>(instruction[1]) & 0xf;
    if (opcode != 0xc4 && opcode != 0xc6) return Use::address;
    const bool is_store = opcode == 0xc4 && (extension == 0x7 || extension == 0xb || extension == 0xf);
    return is_store ? Use::write : Use::read;
}

std::vector<std::uint64_t> S390x::instruction_starts(const elf::Section& section, Range function) const {
    std::vector<std::uint64_t> starts;
    walk(section, function, [&](std::uint64_t start, Bytes) {
        starts.push_back(start);
        return true;
    });
    return starts;
}

// `bcr` with mask 0, which gas writes as 0x0707 and the kernel's linker script as 0x0700
// (arch/s390/kernel/vmlinux.lds.S: `:text = 0x0700`), or zeros.
bool S390x::is_padding(Bytes code) const {
    if (code.size() % 2 != 0) {
        if (code[0] != std::byte{0}) return false;
        code = code.subspan(1);
    }
    for (; !code.empty(); code = code.subspan(2)) {
        const bool is_nop = code[0] == std::byte{0x07} && (code[1] & std::byte{0xf0}) == std::byte{0};
        if (!is_nop && !(code[0] == std::byte{0} && code[1] == std::byte{0})) return false;
    }
    return true;
}

// z/Architecture Principles of Operation: lhi and lghi; arguments are in r2 to r6 (ELF ABI, "Parameter Passing").
std::optional<ConstantArgument> loaded_constant(std::uint64_t offset, Bytes instruction) {
    const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(instruction[i]); };
    if (instruction.size() != 4 || byte(0) != 0xa7 || ((byte(1) & 15) != 8 && (byte(1) & 15) != 9)) return std::nullopt;
    const std::uint32_t target = byte(1) >> 4;
    if (target < 2 || target > 6) return std::nullopt;
    const auto value = static_cast<std::uint64_t>(sign_extend(byte(2) << 8 | byte(3), 16));
    return ConstantArgument{{offset, offset + instruction.size()}, value, {0, target - 2}};
}

// Whether an instruction names the register in any of the places where it may, is a branch, or loads or stores several.
bool may_concern(Bytes instruction, std::uint32_t wanted) {
    static constexpr std::array<std::uint8_t, 22> ends = {0x05, 0x06, 0x07, 0x0a, 0x0b, 0x0c, 0x0d, 0x44,
                                                          0x45, 0x46, 0x47, 0x4d, 0x82, 0x84, 0x85, 0x86,
                                                          0x87, 0x90, 0x98, 0xcc, 0xeb, 0xec};
    const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(instruction[i]); };
    const std::uint32_t extended = byte(1) & 15;
    if (std::ranges::find(ends, byte(0)) != ends.end() || (byte(0) == 0xa7 && extended >= 4 && extended <= 7) ||
        (byte(0) == 0xc0 && (extended == 4 || extended == 5)))
        return true;
    for (std::size_t i = 1; i < std::min<std::size_t>(instruction.size(), 5); ++i)
        if (byte(i) >> 4 == wanted || (byte(i) & 15) == wanted) return true;
    return false;
}

std::optional<ConstantArgument> S390x::constant_argument(const elf::Section& section, Range function,
                                                         std::uint64_t offset) const {
    std::optional<ConstantArgument> found;
    bool is_told = false;
    walk(section, {offset, function.end}, [&](std::uint64_t start, Bytes instruction) {
        if (start == offset) {
            found = loaded_constant(offset, instruction);
            return found.has_value();
        }
        const elf::Relocation* relocation = relocation_at(section, start + displacement_offset);
        is_told = relocation != nullptr && is_branch(section, function, *relocation) &&
                  is_call(section, function, *relocation);
        if (is_told) found->argument.call = relocation->offset;
        return !is_told && !may_concern(instruction, found->argument.position + 2);
    });
    return is_told ? found : std::nullopt;
}

Bytes entry_code(const elf::Symbol& function) {
    const elf::Section* section = function.section;
    if (section == nullptr || !section->is_code() || function.value > section->content().size()) return {};
    const Bytes code = section->content().subspan(function.value);
    return code.first(std::min<std::uint64_t>(code.size(), length_of(jgnop[0])));
}

std::optional<std::uint64_t> S390x::entry_call(const elf::Symbol& function) const {
    const Bytes code = entry_code(function);
    if (code.size() < length_of(jgnop[0]) || !std::ranges::equal(code.first(2), brasl_r0)) return std::nullopt;
    const elf::Relocation* relocation = relocation_at(*function.section, function.value + displacement_offset);
    const bool is_call = relocation != nullptr && relocation->symbol->name == "__fentry__";
    return is_call ? std::optional(function.value) : std::nullopt;
}

bool S390x::is_traceable(const elf::Object& object, const elf::Symbol& function) const {
    const Bytes code = entry_code(function);
    if (code.size() < length_of(jgnop[0])) return false;
    const bool is_site = std::ranges::equal(code.first(2), jgnop) || entry_call(function);
    return is_site && is_listed_in("__mcount_loc", object, *function.section, function.value);
}

}  // namespace

const Arch& architecture() {
    static const S390x instance;
    return instance;
}

}  // namespace klp::arch::s390x
