// SPDX-License-Identifier: GPL-2.0-or-later
// x86-64, as the kernel uses it (psABI "System V Application Binary Interface, AMD64 Architecture Processor
// Supplement"; -mcmodel=kernel, -mno-red-zone, no PIC).
//
// Addresses. The kernel's image and its modules share the top 2 GiB of the address space. A signed 32-bit field
// reaches everything: R_X86_64_32S for absolute operands (`mov $foo,%rdi`, `table(,%rax,8)`), R_X86_64_PC32 and
// R_X86_64_PLT32 for RIP-relative ones. There is no GOT and no PLT: PLT32 only says that the compiler saw a
// call, and module.c:__apply_relocate_add() treats it as PC32. Modules carry only NONE, 64, 32, 32S, PC32, PLT32 and
// PC64; the rest of the table is there to read objects that are no modules.
//
// PC-relative fields count from the field (P) in ELF, but the processor counts from the end of the instruction.
// `call foo` is thus `foo - 4`; with an immediate behind the displacement, as in `cmpl $1,foo(%rip)`, it is
// `foo - 8` or `foo - 5`. The addend alone therefore does not tell whether `foo+4` is meant: the instruction's
// length is needed (addend_bias). In tables such as .altinstructions (`.long foo - .`) fields count from
// themselves, and the addend is what it says.
//
// Function entry. With CONFIG_FUNCTION_TRACER a function begins with `call __fentry__` (gcc -pg -mfentry), after
// `endbr64` where CONFIG_X86_KERNEL_IBT is set. The address of the call is listed in __mcount_loc, by the
// compiler (-mrecord-mcount) or by objtool, which can also put the 5-byte nop there already (--mnop). ftrace
// owns these five bytes, and a livepatch is a jump made there; a function that is not listed (notrace,
// noinstr, assembly) cannot be patched. __patchable_function_entries on x86 is about padding before
// the entry (CONFIG_CALL_PADDING), says nothing about ftrace, and is not consulted.
//
// Special sections are arrays of entries that describe code at a place: ORC unwind data, alternatives, the
// exception table, static keys and calls, thunk call sites. Most fields are 32-bit PC-relative. Those that objtool
// makes from the code (derived below) exist once it has run.

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "arch/code.hpp"
#include "arch/x86_64/decode.hpp"
#include "arch/x86_64/x86_64.hpp"

namespace klp::arch::x86_64 {

namespace {

// Whether the field counts from P. The GOT family does too, though its target cannot be read back.
bool counts_from_place(std::uint32_t type) {
    switch (type) {
        case R_X86_64_GOTPCREL:
        case R_X86_64_GOTPCRELX:
        case R_X86_64_REX_GOTPCRELX:
        case R_X86_64_GOTPC32:
            return true;
        default: {
            const auto info = x86_64::relocation_info(type);
            return info && info->formula == Formula::pc_relative;
        }
    }
}

// arch/x86/include/asm/alternative.h (replacements), arch/x86/include/asm/cpufeature.h:_static_cpu_has() (the
// look-up before alternatives are applied), asm/uaccess.h and others until 5.15 (what to do after a fault),
// asm/refcount.h until 5.5 (what to do with a counter that overflows).
constexpr std::array<std::string_view, 4> code_pool_table = {".altinstr_replacement", ".altinstr_aux", ".fixup",
                                                             ".text..refcount"};

constexpr std::array nop5 = {std::byte{0x0f}, std::byte{0x1f}, std::byte{0x44}, std::byte{0x00}, std::byte{0x00}};
constexpr std::byte call_rel32{0xe8};

bool starts_with(Bytes bytes, Bytes prefix) {
    return bytes.size() >= prefix.size() && std::ranges::equal(bytes.first(prefix.size()), prefix);
}

auto decode_function(const elf::Section& section, Range function) {
    return decode(code_of(section, function), location_of(section, function.begin));
}

constexpr Identity identity{
    .name = "x86_64",
    .uname = "x86_64",
    .kbuild_name = "x86_64",
    .source_folder = "x86",
    .debian_name = "amd64",
    .cross_prefix = "x86_64-linux-gnu-",
    .config_option = "CONFIG_X86_64",
    .machine = EM_X86_64,
    .byte_order = ByteOrder::little,
};

class X86_64 final : public Arch {
public:
    X86_64() noexcept : Arch(identity) {}

    const ModuleLoading& module_loading() const noexcept override { return x86_64::module_loading(); }
    const KernelProbe& kernel_probe() const noexcept override { return x86_64::kernel_probe(); }
    std::optional<std::string> abi_problem(std::uint32_t) const override { return std::nullopt; }
    std::optional<RelocationInfo> relocation_info(std::uint32_t type) const noexcept override {
        return x86_64::relocation_info(type);
    }
    std::uint32_t absolute64_type() const noexcept override { return R_X86_64_64; }
    std::span<const SpecialSection> special_sections() const noexcept override { return x86_64::special_sections(); }
    std::span<const std::string_view> code_pools() const noexcept override { return code_pool_table; }

    std::int64_t addend_bias(const elf::Section& section, Range function,
                             const elf::Relocation& relocation) const override;
    bool is_branch(const elf::Section& section, Range function, const elf::Relocation& relocation) const override;
    bool is_call(const elf::Section& section, Range function, const elf::Relocation& relocation) const override;
    std::optional<std::uint64_t> target_of_field(const RelocationInfo& info, Bytes field, std::uint64_t place,
                                                 std::int64_t addend) const override;
    std::optional<TargetPart> part_of_target(std::uint32_t, Bytes, std::uint64_t, std::int64_t) const override {
        return std::nullopt;
    }
    std::vector<ImplicitReference> implicit_references(const elf::Section& section, Range function) const override;
    std::optional<Argument> argument_of(const elf::Section& section, Range function,
                                        const elf::Relocation& relocation) const override;
    std::optional<ConstantArgument> constant_argument(const elf::Section& section, Range function,
                                                      std::uint64_t offset) const override;
    std::vector<InnerBranch> inner_branches(const elf::Section& section, Range function) const override;
    std::vector<std::uint64_t> instruction_starts(const elf::Section& section, Range function) const override;
    bool same_branch(Bytes a, Bytes b) const override { return x86_64::same_branch(a, b); }
    bool is_padding(Bytes code) const override { return x86_64::is_padding(code); }
    bool is_traceable(const elf::Object& object, const elf::Symbol& function) const override;
    std::optional<std::uint64_t> entry_call(const elf::Symbol& function) const override;

protected:
    Use use_of_operand(const elf::Section& section, Range function, const elf::Relocation& relocation) const override;
};

std::int64_t X86_64::addend_bias(const elf::Section& section, Range function, const elf::Relocation& relocation) const {
    if (!section.is_code() || !counts_from_place(relocation.type)) return 0;
    const Location where = location_of(section, relocation.offset);
    if (!function.contains(relocation.offset))
        throw Error(where, "relocation is outside of the function it is taken for");
    const auto instructions = decode_function(section, function);
    const std::uint64_t offset = relocation.offset - function.begin;
    if (const Instruction* holder = instruction_at(*instructions, offset)) {
        for (const Field& field : holder->fields) {
            if (field.size == 0 || holder->begin + field.offset != offset) continue;
            return field.counts_from_end ? static_cast<std::int64_t>(holder->end() - offset) : 0;
        }
    }
    throw Error(where, fmt::format("relocation {} is not at a displacement or immediate of an instruction",
                                   x86_64::relocation_info(relocation.type)->name));
}

bool X86_64::is_branch(const elf::Section& section, Range function, const elf::Relocation& relocation) const {
    if (!section.is_code() || !counts_from_place(relocation.type)) return false;
    const auto instructions = decode_function(section, function);
    const Instruction* holder = instruction_at(*instructions, relocation.offset - function.begin);
    return holder != nullptr && holder->is_branch;
}

bool X86_64::is_call(const elf::Section& section, Range function, const elf::Relocation& relocation) const {
    return relocation.offset > function.begin && section.content()[relocation.offset - 1] == call_rel32;
}

std::optional<std::uint64_t> X86_64::target_of_field(const RelocationInfo& info, Bytes field, std::uint64_t place,
                                                     std::int64_t addend) const {
    return read_target(info, ByteOrder::little, field, place, addend);
}

// The type that writes such a field: a branch with 32 bits as compilers write calls, anything else plain.
std::uint32_t type_for(const Field& field, bool is_branch, const Location& where) {
    switch (field.size) {
        case 1:
            return R_X86_64_PC8;
        case 2:
            return R_X86_64_PC16;
        case 4:
            return is_branch ? R_X86_64_PLT32 : R_X86_64_PC32;
        default:
            throw Error(where, fmt::format("branch with a displacement of {} bytes", field.size));
    }
}

std::vector<ImplicitReference> X86_64::implicit_references(const elf::Section& section, Range function) const {
    std::vector<ImplicitReference> result;
    const auto instructions = decode_function(section, function);
    for (const Instruction& instruction : *instructions) {
        for (const Field& field : instruction.fields) {
            if (field.size == 0 || !field.counts_from_end) continue;
            const std::uint64_t place = function.begin + instruction.begin + field.offset;
            const std::uint64_t end = function.begin + instruction.end();
            const std::uint64_t target = end + static_cast<std::uint64_t>(field.value);
            if (function.contains(target) || relocation_at(section, place) != nullptr) continue;
            check_target(section, place, target);
            const auto type = type_for(field, instruction.is_branch, location_of(section, place));
            result.push_back({place, field.size, target, type, -static_cast<std::int64_t>(end - place)});
        }
    }
    return result;
}

// Of a direct branch; null: the assembler resolved it.
const elf::Relocation* target_field(const elf::Section& section, Range function, const Instruction& branch) {
    for (const Field& field : branch.fields) {
        if (field.size == 0 || !field.counts_from_end) continue;
        return relocation_at(section, function.begin + branch.begin + field.offset);
    }
    return nullptr;
}

std::optional<Argument> argument_loaded_by(const elf::Section& section, Range function,
                                           const Instructions& instructions, const Instruction& load) {
    const auto found =
        destination_of(code_of(section, function), instructions, static_cast<std::size_t>(&load - instructions.data()),
                       [&](const Instruction& each) { return target_field(section, function, each) != nullptr; });
    if (!found) return std::nullopt;
    return Argument{target_field(section, function, instructions[found->branch])->offset, found->position};
}

std::optional<Argument> X86_64::argument_of(const elf::Section& section, Range function,
                                            const elf::Relocation& relocation) const {
    if (!section.is_code() || !function.contains(relocation.offset)) return std::nullopt;
    const auto instructions = decode_function(section, function);
    const Instruction* holder = instruction_at(*instructions, relocation.offset - function.begin);
    return holder == nullptr ? std::nullopt : argument_loaded_by(section, function, *instructions, *holder);
}

std::optional<ConstantArgument> X86_64::constant_argument(const elf::Section& section, Range function,
                                                          std::uint64_t offset) const {
    const auto instructions = decode_function(section, function);
    const Instruction* load = instruction_at(*instructions, offset - function.begin);
    if (load == nullptr) return std::nullopt;
    const auto value = moved_constant(code_of(section, function), *load);
    const auto argument = argument_loaded_by(section, function, *instructions, *load);
    if (!value || !argument) return std::nullopt;
    return ConstantArgument{{function.begin + load->begin, function.begin + load->end()}, *value, *argument};
}

std::vector<InnerBranch> X86_64::inner_branches(const elf::Section& section, Range function) const {
    std::vector<InnerBranch> result;
    const auto instructions = decode_function(section, function);
    for (const Instruction& instruction : *instructions) {
        for (const Field& field : instruction.fields) {
            if (!instruction.is_branch || field.size == 0 || !field.counts_from_end) continue;
            const std::uint64_t begin = function.begin + instruction.begin;
            const std::uint64_t target = begin + instruction.length + static_cast<std::uint64_t>(field.value);
            if (function.contains(target) && relocation_at(section, begin + field.offset) == nullptr)
                result.push_back({begin, target});
        }
    }
    return result;
}

Use X86_64::use_of_operand(const elf::Section& section, Range function, const elf::Relocation& relocation) const {
    const auto instructions = decode_function(section, function);
    const std::uint64_t offset = relocation.offset - function.begin;
    const Instruction* holder = instruction_at(*instructions, offset);
    const bool is_of_got = relocation.type == R_X86_64_GOTPCREL || relocation.type == R_X86_64_GOTPCRELX ||
                           relocation.type == R_X86_64_REX_GOTPCRELX;
    if (holder == nullptr || is_of_got) return Use::address;
    const Bytes bytes = section.content().subspan(function.begin + holder->begin, holder->length);
    return use_of_field(bytes, offset - holder->begin);
}

std::vector<std::uint64_t> X86_64::instruction_starts(const elf::Section& section, Range function) const {
    std::vector<std::uint64_t> starts;
    const auto instructions = decode_function(section, function);
    starts.reserve(instructions->size());
    for (const Instruction& each : *instructions) starts.push_back(function.begin + each.begin);
    return starts;
}

// Behind endbr64, where there is one. nullopt: the function is not there.
std::optional<std::uint64_t> entry_of(const elf::Symbol& function) {
    const elf::Section* section = function.section;
    if (section == nullptr || !section->is_code() || function.value > section->content().size()) return std::nullopt;
    const bool is_marked = starts_with(section->content().subspan(function.value), endbr64);
    return function.value + (is_marked ? endbr64.size() : 0);
}

// scripts/recordmcount.c:nop_mcount() leaves the relocation as R_X86_64_NONE.
std::optional<std::uint64_t> X86_64::entry_call(const elf::Symbol& function) const {
    const auto entry = entry_of(function);
    if (!entry) return std::nullopt;
    const Bytes code = function.section->content().subspan(*entry);
    if (code.size() < nop5.size() || (code[0] != call_rel32 && !starts_with(code, nop5))) return std::nullopt;
    const elf::Relocation* relocation = relocation_at(*function.section, *entry + 1);
    const bool is_call = relocation != nullptr && relocation->symbol->name == "__fentry__" &&
                         (relocation->type == R_X86_64_NONE) == (code[0] != call_rel32);
    return is_call ? entry : std::nullopt;
}

bool X86_64::is_traceable(const elf::Object& object, const elf::Symbol& function) const {
    const auto entry = entry_of(function);
    if (!entry) return false;
    const bool is_site = entry_call(function) || starts_with(function.section->content().subspan(*entry), nop5);
    return is_site && is_listed_in("__mcount_loc", object, *function.section, *entry);
}

}  // namespace

const Arch& architecture() {
    static const X86_64 instance;
    return instance;
}

}  // namespace klp::arch::x86_64
