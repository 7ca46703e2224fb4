// SPDX-License-Identifier: GPL-2.0-or-later
// x86-64 instruction boundaries and the fields in instructions that relocations write, by way of Zydis.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "arch/arch.hpp"

namespace klp::arch::x86_64 {

// A displacement or an immediate, at `offset` from the start of its instruction.
struct Field {
    std::uint8_t offset = 0;
    std::uint8_t size = 0;         // bytes; 0: the instruction has no such field
    bool counts_from_end = false;  // RIP-relative, or the target of a branch: from the end of the instruction
    std::int64_t value = 0;        // as encoded, sign-extended where it counts from the end
};

struct Instruction {
    std::uint64_t begin = 0;  // offset in the decoded bytes
    std::uint8_t length = 0;
    bool is_branch = false;       // direct jmp, jcc, call, loop: its target is an immediate
    std::array<Field, 3> fields;  // a displacement and up to two immediates
    [[nodiscard]] std::uint64_t end() const noexcept { return begin + length; }
};

using Instructions = std::vector<Instruction>;

// The instructions of `code`, one after the other up to its end. `where` names the first byte. Error: a byte
// sequence that is no instruction, or one that is cut off by the end.
//
// Callers ask about one relocation after the other, so the last few answers are kept for each thread; they are
// found again by the bytes themselves, which makes a stale answer impossible.
[[nodiscard]] std::shared_ptr<const Instructions> decode(Bytes code, const Location& where);

// The instruction that holds the byte at `offset`; null where there is none.
[[nodiscard]] const Instruction* instruction_at(const Instructions& instructions, std::uint64_t offset);

// What the instruction, given whole, does with the address in its displacement or immediate at `offset`. Precondition:
// it is no relative branch.
[[nodiscard]] Use use_of_field(Bytes instruction, std::uint64_t offset);

// Where the register goes that the instruction at `begin` loads with an address: from there to the next direct call or
// jump for which `leaves` is true, if nothing between reads or changes the register and no way parts. Tells the index
// of that branch in `instructions`, and which argument the register is.
struct Destination {
    std::size_t branch = 0;
    std::uint32_t position = 0;
};
[[nodiscard]] std::optional<Destination> destination_of(Bytes code, const Instructions& instructions, std::size_t begin,
                                                        const std::function<bool(const Instruction&)>& leaves);

// What the instruction moves into a register, if that is a constant.
[[nodiscard]] std::optional<std::uint64_t> moved_constant(Bytes code, const Instruction& instruction);

// Relative branches of the same mnemonic: `jmp rel32` and `jmp rel8`.
[[nodiscard]] bool same_branch(Bytes a, Bytes b);

// `nop` of any length, which gas puts between functions of one file, and `int3`, with which the kernel's linker
// script fills (arch/x86/kernel/vmlinux.lds.S: `:text = 0xcccc`).
[[nodiscard]] bool is_padding(Bytes code);

}  // namespace klp::arch::x86_64
