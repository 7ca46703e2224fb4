// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/fixed_width.hpp"

#include <fmt/format.h>

namespace klp::arch {

std::vector<ImplicitReference> implicit_references_of(const elf::Section& section, Range function,
                                                      std::span<const std::uint64_t> starts,
                                                      RelativeOperandOf operand_of) {
    std::vector<ImplicitReference> result;
    const Bytes code = words_of(section, function);
    for (const std::uint64_t start : starts) {
        const auto operand = operand_of(word_at(code, start - function.begin));
        if (!operand) continue;
        const std::uint64_t target = start + static_cast<std::uint64_t>(operand->distance);
        if (function.contains(target) || relocation_at(section, start) != nullptr) continue;
        check_target(section, start, target);
        result.push_back({start, word_size, target, operand->relocation_type, 0});
    }
    return result;
}

std::vector<InnerBranch> inner_branches_of(const elf::Section& section, Range function,
                                           std::span<const std::uint64_t> starts, RelativeOperandOf operand_of) {
    std::vector<InnerBranch> result;
    const Bytes code = words_of(section, function);
    for (const std::uint64_t start : starts) {
        const auto operand = operand_of(word_at(code, start - function.begin));
        if (!operand || !operand->is_branch) continue;
        const std::uint64_t target = start + static_cast<std::uint64_t>(operand->distance);
        if (function.contains(target) && relocation_at(section, start) == nullptr) result.push_back({start, target});
    }
    return result;
}

bool is_same_branch(Bytes a, Bytes b, RelativeOperandOf operand_of) {
    if (a.size() != word_size || b.size() != word_size) return false;
    const std::uint32_t ours = word_at(a, 0), theirs = word_at(b, 0);
    const auto operand = operand_of(ours);
    return operand && operand->is_branch && ((ours ^ theirs) & ~operand->displacement_bits) == 0;
}

std::optional<ConstantArgument> constant_argument_of(const Arch& arch, const elf::Section& section, Range function,
                                                     std::uint64_t offset, const ConstantRules& rules) {
    const Bytes code = words_of(section, function);
    const auto loaded = rules.constant_of(word_at(code, offset - function.begin));
    if (!loaded) return std::nullopt;
    for (std::uint64_t at = offset + word_size; at < function.end; at += word_size) {
        const elf::Relocation* relocation = relocation_at(section, at);
        const auto info = relocation == nullptr ? std::nullopt : arch.relocation_info(relocation->type);
        if (info && info->is_call)
            return ConstantArgument{{offset, offset + word_size}, loaded->value, {at, loaded->position}};
        const std::uint32_t word = word_at(code, at - function.begin);
        if (rules.ends(word) || rules.may_concern(word, loaded->register_number)) return std::nullopt;
    }
    return std::nullopt;
}

Bytes words_of(const elf::Section& section, Range function) {
    const Bytes code = code_of(section, function);
    if (code.size() % word_size != 0) {
        throw Error(location_of(section, function.begin),
                    fmt::format("function of {} bytes, expected instructions of 4 bytes", code.size()));
    }
    return code;
}

}  // namespace klp::arch
