// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/x86_64/decode.hpp"

#include <Zydis/Zydis.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>

namespace klp::arch::x86_64 {

namespace {

const ZydisDecoder& decoder() {
    static const ZydisDecoder instance = [] {
        ZydisDecoder made;
        ZydisDecoderInit(&made, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
        return made;
    }();
    return instance;
}

// RIP as base shows in the ModRM byte: mod 0, r/m 5 (Intel SDM volume 2, table 2-7).
bool is_rip_relative(const ZydisDecodedInstruction& instruction) {
    return (instruction.attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0 && instruction.raw.modrm.mod == 0 &&
           instruction.raw.modrm.rm == 5;
}

Instruction describe(const ZydisDecodedInstruction& decoded, std::uint64_t begin) {
    Instruction result;
    result.begin = begin;
    result.length = decoded.length;
    const auto& disp = decoded.raw.disp;
    result.fields[0] = {disp.offset, static_cast<std::uint8_t>(disp.size / 8), is_rip_relative(decoded), disp.value};
    for (std::size_t i = 0; i < 2; ++i) {
        const auto& imm = decoded.raw.imm[i];
        const bool relative = imm.is_relative != 0;
        result.fields[i + 1] = {imm.offset, static_cast<std::uint8_t>(imm.size / 8), relative, imm.value.s};
        result.is_branch = result.is_branch || relative;
    }
    return result;
}

bool decode_one(Bytes code, ZydisDecodedInstruction& decoded) {
    return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder(), nullptr, code.data(), code.size(), &decoded));
}

// Zydis knows the instructions of its time. New ones come to groups 6 and 7 (Intel SDM volume 2, table A-6: LKGS,
// ERETS, WRMSRNS), where opcode and ModRM byte tell the form all the same: it is that of SLDT, or of SMSW with a
// register.
std::optional<Instruction> newer_instruction(Bytes code, std::uint64_t begin) {
    const auto is_prefix = [](std::byte each) {
        return each == std::byte{0x66} || each == std::byte{0xf2} || each == std::byte{0xf3};
    };
    const auto prefixes = static_cast<std::size_t>(std::ranges::find_if_not(code, is_prefix) - code.begin());
    std::array<std::byte, ZYDIS_MAX_INSTRUCTION_LENGTH> copy{};
    const std::size_t size = std::min(code.size() - prefixes, copy.size());
    std::ranges::copy(code.subspan(prefixes, size), copy.begin());
    const std::size_t opcode = (copy[0] & std::byte{0xf0}) == std::byte{0x40} ? 1 : 0;
    if (size < opcode + 3 || copy[opcode] != std::byte{0x0f}) return std::nullopt;
    std::byte& modrm = copy[opcode + 2];
    if (copy[opcode + 1] == std::byte{0x00})
        modrm &= std::byte{0xc7};
    else if (copy[opcode + 1] == std::byte{0x01} && modrm >= std::byte{0xc0})
        modrm = std::byte{0xe0};
    else
        return std::nullopt;
    ZydisDecodedInstruction decoded;
    if (!decode_one(Bytes(copy).first(size), decoded)) return std::nullopt;
    Instruction result = describe(decoded, begin);
    result.length = static_cast<std::uint8_t>(result.length + prefixes);
    for (Field& each : result.fields)
        if (each.size != 0) each.offset = static_cast<std::uint8_t>(each.offset + prefixes);
    return result;
}

Instructions decode_all(Bytes code, const Location& where) {
    Instructions result;
    result.reserve(code.size() / 4);
    for (std::uint64_t at = 0; at < code.size();) {
        ZydisDecodedInstruction decoded;
        if (decode_one(code.subspan(at), decoded)) {
            result.push_back(describe(decoded, at));
        } else if (const auto newer = newer_instruction(code.subspan(at), at)) {
            result.push_back(*newer);
        } else {
            Location place = where;
            place.offset = where.offset.value_or(0) + at;
            throw Error(place,
                        fmt::format("not an x86-64 instruction: byte {:#04x}", std::to_integer<unsigned>(code[at])));
        }
        at = result.back().end();
    }
    return result;
}

struct Remembered {
    std::vector<std::byte> code;
    std::shared_ptr<const Instructions> instructions;
};

// Four: a function and its counterpart in the other object, each with a neighbour.
thread_local std::array<Remembered, 4> remembered;
thread_local std::size_t next_slot = 0;

}  // namespace

std::shared_ptr<const Instructions> decode(Bytes code, const Location& where) {
    for (const Remembered& each : remembered) {
        if (each.instructions && std::ranges::equal(each.code, code)) return each.instructions;
    }
    auto instructions = std::make_shared<const Instructions>(decode_all(code, where));
    remembered[next_slot] = {{code.begin(), code.end()}, instructions};
    next_slot = (next_slot + 1) % remembered.size();
    return instructions;
}

Use use_of_field(Bytes instruction, std::uint64_t offset) {
    ZydisDecodedInstruction decoded;
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
    const auto status =
        ZydisDecoderDecodeFull(&decoder(), instruction.data(), instruction.size(), &decoded, operands.data());
    if (!ZYAN_SUCCESS(status)) return Use::address;
    bool is_read = false, is_written = false;
    for (const ZydisDecodedOperand& each : std::span(operands).first(decoded.operand_count_visible)) {
        if (each.type != ZYDIS_OPERAND_TYPE_MEMORY || each.mem.type != ZYDIS_MEMOP_TYPE_MEM) continue;
        is_read = true;
        is_written = (each.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
    }
    const bool is_displacement = decoded.raw.disp.size != 0 && decoded.raw.disp.offset == offset;
    if (!is_displacement) return is_written || decoded.mnemonic == ZYDIS_MNEMONIC_PUSH ? Use::stored : Use::address;
    if (!is_read) return Use::address;
    return is_written ? Use::write : Use::read;
}

namespace {

struct Decoded {
    ZydisDecodedInstruction instruction;
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;

    [[nodiscard]] std::span<const ZydisDecodedOperand> all() const {
        return std::span(operands).first(instruction.operand_count);
    }
};

bool decode_fully(Bytes code, const Instruction& instruction, Decoded& decoded) {
    const Bytes bytes = code.subspan(instruction.begin, instruction.length);
    return ZYAN_SUCCESS(
        ZydisDecoderDecodeFull(&decoder(), bytes.data(), bytes.size(), &decoded.instruction, decoded.operands.data()));
}

ZydisRegister whole(ZydisRegister part) {
    return ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, part);
}

bool concerns(const ZydisDecodedOperand& operand, ZydisRegister wanted) {
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) return whole(operand.reg.value) == wanted;
    if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY) return false;
    return whole(operand.mem.base) == wanted || whole(operand.mem.index) == wanted;
}

// System V ABI, "Parameter Passing".
std::optional<std::uint32_t> position_of(ZydisRegister loaded) {
    static constexpr std::array arguments = {ZYDIS_REGISTER_RDI, ZYDIS_REGISTER_RSI, ZYDIS_REGISTER_RDX,
                                             ZYDIS_REGISTER_RCX, ZYDIS_REGISTER_R8,  ZYDIS_REGISTER_R9};
    const auto found = std::ranges::find(arguments, loaded);
    if (found == arguments.end()) return std::nullopt;
    return static_cast<std::uint32_t>(found - arguments.begin());
}

}  // namespace

std::optional<Destination> destination_of(Bytes code, const Instructions& instructions, std::size_t begin,
                                          const std::function<bool(const Instruction&)>& leaves) {
    Decoded decoded;
    if (!decode_fully(code, instructions[begin], decoded)) return std::nullopt;
    const ZydisMnemonic mnemonic = decoded.instruction.mnemonic;
    const ZydisDecodedOperand& first = decoded.operands[0];
    const bool loads = mnemonic == ZYDIS_MNEMONIC_MOV || mnemonic == ZYDIS_MNEMONIC_LEA;
    if (!loads || first.type != ZYDIS_OPERAND_TYPE_REGISTER) return std::nullopt;
    const ZydisRegister loaded = whole(first.reg.value);
    const auto position = position_of(loaded);
    if (!position) return std::nullopt;
    for (std::size_t i = begin + 1; i < instructions.size(); ++i) {
        const Instruction& each = instructions[i];
        if (each.is_branch) {
            if (!leaves(each)) return std::nullopt;
            return Destination{i, *position};
        }
        if (!decode_fully(code, each, decoded)) return std::nullopt;
        const auto category = decoded.instruction.meta.category;
        const bool ends = category == ZYDIS_CATEGORY_RET || category == ZYDIS_CATEGORY_CALL ||
                          category == ZYDIS_CATEGORY_UNCOND_BR || category == ZYDIS_CATEGORY_COND_BR;
        if (ends || std::ranges::any_of(decoded.all(), [&](const auto& operand) { return concerns(operand, loaded); }))
            return std::nullopt;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> moved_constant(Bytes code, const Instruction& instruction) {
    Decoded decoded;
    if (!decode_fully(code, instruction, decoded) || decoded.instruction.mnemonic != ZYDIS_MNEMONIC_MOV)
        return std::nullopt;
    const bool is_constant = decoded.operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
                             decoded.operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
    return is_constant ? std::optional(decoded.operands[1].imm.value.u) : std::nullopt;
}

bool same_branch(Bytes a, Bytes b) {
    const auto decode_branch = [](Bytes code) -> std::optional<ZydisMnemonic> {
        ZydisDecodedInstruction decoded;
        const auto status = ZydisDecoderDecodeInstruction(&decoder(), nullptr, code.data(), code.size(), &decoded);
        const bool whole = ZYAN_SUCCESS(status) && decoded.length == code.size();
        if (!whole || decoded.raw.imm[0].is_relative == 0) return std::nullopt;
        return decoded.mnemonic;
    };
    const auto mnemonic = decode_branch(a);
    return mnemonic && mnemonic == decode_branch(b);
}

bool is_padding(Bytes code) {
    for (std::size_t at = 0; at < code.size();) {
        ZydisDecodedInstruction decoded;
        const auto status =
            ZydisDecoderDecodeInstruction(&decoder(), nullptr, code.data() + at, code.size() - at, &decoded);
        if (!ZYAN_SUCCESS(status)) return false;
        if (decoded.mnemonic != ZYDIS_MNEMONIC_NOP && decoded.mnemonic != ZYDIS_MNEMONIC_INT3) return false;
        at += decoded.length;
    }
    return true;
}

const Instruction* instruction_at(const Instructions& instructions, std::uint64_t offset) {
    auto after = std::upper_bound(instructions.begin(), instructions.end(), offset,
                                  [](std::uint64_t value, const Instruction& each) { return value < each.begin; });
    if (after == instructions.begin()) return nullptr;
    const Instruction& found = *std::prev(after);
    return offset < found.end() ? &found : nullptr;
}

}  // namespace klp::arch::x86_64
