// SPDX-License-Identifier: GPL-2.0-or-later
// Code whose instructions are words of four bytes (ppc64le, arm64; both little-endian here).
#pragma once

#include <optional>

#include "arch/code.hpp"

namespace klp::arch {

inline constexpr std::uint64_t word_size = 4;

[[nodiscard]] inline std::uint32_t word_at(Bytes code, std::uint64_t offset) noexcept {
    return load<std::uint32_t>(code.subspan(offset), ByteOrder::little);
}

// What a PC-relative instruction refers to, counted from the instruction, and the type that expresses it.
struct RelativeOperand {
    std::int64_t distance = 0;
    std::uint32_t relocation_type = 0;
    bool is_branch = false;
    std::uint32_t displacement_bits = 0;  // of the word
};

using RelativeOperandOf = std::optional<RelativeOperand> (*)(std::uint32_t word);

// Arch::implicit_references() and Arch::same_branch() for an instruction set given by one function.
[[nodiscard]] std::vector<ImplicitReference> implicit_references_of(const elf::Section& section, Range function,
                                                                    std::span<const std::uint64_t> starts,
                                                                    RelativeOperandOf operand_of);
[[nodiscard]] std::vector<InnerBranch> inner_branches_of(const elf::Section& section, Range function,
                                                         std::span<const std::uint64_t> starts,
                                                         RelativeOperandOf operand_of);
[[nodiscard]] bool is_same_branch(Bytes a, Bytes b, RelativeOperandOf operand_of);

// An instruction that does nothing but load a constant into a register, which is that of an argument.
struct LoadedConstant {
    std::uint32_t register_number = 0;
    std::uint32_t position = 0;  // 0: the first argument
    std::uint64_t value = 0;
};
struct ConstantRules {
    std::optional<LoadedConstant> (*constant_of)(std::uint32_t word);
    bool (*may_concern)(std::uint32_t word, std::uint32_t register_number);
    bool (*ends)(std::uint32_t word);  // a branch, or what cannot be judged by its fields
};
// Arch::constant_argument() for an instruction set given by these.
[[nodiscard]] std::optional<ConstantArgument> constant_argument_of(const Arch& arch, const elf::Section& section,
                                                                   Range function, std::uint64_t offset,
                                                                   const ConstantRules& rules);

// The bytes of `function`, whole words. Error: not so.
[[nodiscard]] Bytes words_of(const elf::Section& section, Range function);

}  // namespace klp::arch
