// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/s390x/decode.hpp"

#include <algorithm>
#include <vector>

#include "arch/code.hpp"

namespace klp::arch::s390x {

namespace {

enum class Kind : std::uint8_t { none, branch16, branch32, operand32 };

// RIL formats have an opcode of twelve bits: the first byte and the low half of the second.
Kind kind_of_ril(unsigned opcode, unsigned extension) {
    switch (opcode) {
        case 0xc0:
            if (extension == 0x0) return Kind::operand32;                               // larl
            return extension == 0x4 || extension == 0x5 ? Kind::branch32 : Kind::none;  // brcl, brasl
        case 0xc4:  // llhrl, lghrl, lhrl, llghrl, sthrl, lgrl, stgrl, lgfrl, lrl, llgfrl, strl
            return extension == 0x2 || (extension >= 0x4 && extension <= 0x8) || extension >= 0xb ? Kind::operand32
                                                                                                  : Kind::none;
        case 0xc6:  // exrl, pfdrl, cghrl, chrl, clghrl, clhrl, cgrl, clgrl, cgfrl, crl, clgfrl, clrl
            return extension == 0x0 || extension == 0x2 || (extension >= 0x4 && extension <= 0x8) || extension == 0xa ||
                           extension >= 0xc
                       ? Kind::operand32
                       : Kind::none;
        case 0xcc:
            return extension == 0x6 ? Kind::branch32 : Kind::none;  // brcth
        default:
            return Kind::none;
    }
}

// RIE formats have the rest of the opcode in the last byte.
Kind kind_of_rie(unsigned extension) {
    switch (extension) {
        case 0x44:  // brxhg
        case 0x45:  // brxlg
        case 0x64:  // cgrj
        case 0x65:  // clgrj
        case 0x76:  // crj
        case 0x77:  // clrj
        case 0x7c:  // cgij
        case 0x7d:  // clgij
        case 0x7e:  // cij
        case 0x7f:  // clij
            return Kind::branch16;
        default:
            return Kind::none;
    }
}

Kind kind_of(Bytes instruction) {
    const auto byte = [&](std::size_t at) { return std::to_integer<unsigned>(instruction[at]); };
    const unsigned extension = byte(1) & 0xf;
    switch (byte(0)) {
        case 0x84:  // brxh
        case 0x85:  // brxle
            return Kind::branch16;
        case 0xa7:  // brc, bras, brct, brctg
            return extension >= 0x4 && extension <= 0x7 ? Kind::branch16 : Kind::none;
        case 0xec:
            return kind_of_rie(byte(5));
        default:
            return kind_of_ril(byte(0), extension);
    }
}

bool is_whole(Bytes instruction) {
    return !instruction.empty() && instruction.size() == length_of(instruction[0]);
}

// The instruction without its displacement; a long form with the opcode of the short one, which has the same second
// byte: brcl (c0 m4) as brc (a7 m4), brasl (c0 r5) as bras (a7 r5).
std::vector<std::byte> essence_of(Bytes instruction, const RelativeOperand& operand) {
    std::vector<std::byte> result(instruction.begin(), instruction.end());
    const auto field = result.begin() + displacement_offset;
    result.erase(field, field + operand.size);
    if (result[0] == std::byte{0xc0}) result[0] = std::byte{0xa7};
    return result;
}

}  // namespace

std::optional<RelativeOperand> relative_operand(Bytes instruction) noexcept {
    if (!is_whole(instruction) || instruction.size() < 4) return std::nullopt;
    const Kind kind = kind_of(instruction);
    const Bytes field = instruction.subspan(displacement_offset);
    switch (kind) {
        case Kind::none:
            return std::nullopt;
        case Kind::branch16:
            return RelativeOperand{2, sign_extend(load<std::uint16_t>(field, ByteOrder::big), 16) * 2, true};
        case Kind::branch32:
        case Kind::operand32:
            return RelativeOperand{4, sign_extend(load<std::uint32_t>(field, ByteOrder::big), 32) * 2,
                                   kind == Kind::branch32};
    }
    return std::nullopt;
}

bool same_branch(Bytes a, Bytes b) noexcept {
    const auto ours = relative_operand(a), theirs = relative_operand(b);
    return ours && theirs && ours->is_branch && theirs->is_branch && essence_of(a, *ours) == essence_of(b, *theirs);
}

}  // namespace klp::arch::s390x
