// SPDX-License-Identifier: GPL-2.0-or-later
// Code of an architecture other than x86-64, from the cross assembler, and what arch says of it.
#pragma once

#include <elf.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/registry.hpp"
#include "support/assemble.hpp"

namespace klp::arch {

class ForeignCode : public testing::Test {
protected:
    ForeignCode(std::string_view name, std::vector<std::string> flags) : arch(for_name(name)) {
        assembler_ = {std::string(arch.cross_prefix()) + "as"};
        assembler_.insert(assembler_.end(), flags.begin(), flags.end());
    }
    void SetUp() override {
        if (!find_program(assembler_[0])) GTEST_SKIP() << "no " << assembler_[0];
    }
    [[nodiscard]] elf::Object assemble(std::string_view text) const {
        return klp::test::assemble_with(assembler_, text);
    }
    // The bytes of the text alone: gas fills .text up to its alignment.
    [[nodiscard]] std::vector<std::byte> bytes_of(std::string_view text) const {
        const elf::Object object = assemble(fmt::format("{}\nend_of_text:\n", text));
        const Bytes code = section_of(object).content().first(object.find_symbol("end_of_text")->value);
        return {code.begin(), code.end()};
    }
    [[nodiscard]] static const elf::Section& section_of(const elf::Object& object, std::string_view name = ".text") {
        return *object.find_section(name);
    }
    [[nodiscard]] static Range whole(const elf::Section& section) { return {0, section.size()}; }
    [[nodiscard]] static Range range_of(const elf::Object& object, std::string_view function) {
        const elf::Symbol& symbol = *object.find_symbol(function);
        return {symbol.value, symbol.value + symbol.size};
    }

    [[nodiscard]] std::vector<Use> uses(std::string_view text) const {
        const elf::Object object = assemble(text);
        const elf::Section& section = section_of(object);
        std::vector<Use> result;
        for (const auto& each : section.rela()) result.push_back(arch.use_of(section, whole(section), each));
        return result;
    }
    [[nodiscard]] std::vector<std::pair<std::uint64_t, std::uint64_t>> inner_branches(std::string_view text) const {
        const elf::Object object = assemble(text);
        const elf::Section& section = section_of(object);
        std::vector<std::pair<std::uint64_t, std::uint64_t>> result;
        for (const InnerBranch& each : arch.inner_branches(section, whole(section)))
            result.emplace_back(each.from, each.to);
        return result;
    }

    [[nodiscard]] std::vector<std::int64_t> biases(const elf::Object& object, std::string_view name = ".text") const {
        const elf::Section& section = section_of(object, name);
        std::vector<std::int64_t> result;
        for (const auto& each : section.rela()) result.push_back(arch.addend_bias(section, whole(section), each));
        return result;
    }
    [[nodiscard]] std::vector<bool> branches(const elf::Object& object) const {
        const elf::Section& section = section_of(object);
        std::vector<bool> result;
        for (const auto& each : section.rela()) result.push_back(arch.is_branch(section, whole(section), each));
        return result;
    }
    // "field+size target type+addend", one a reference.
    [[nodiscard]] std::vector<std::string> references(const elf::Object& object, Range function) const {
        std::vector<std::string> result;
        for (const ImplicitReference& each : arch.implicit_references(section_of(object), function)) {
            result.push_back(fmt::format("{:#x}+{} {:#x} {}+{}", each.field, each.size, each.target,
                                         arch.relocation_info(each.relocation_type)->name, each.addend));
        }
        return result;
    }
    [[nodiscard]] bool is_padding(std::string_view text) const { return arch.is_padding(bytes_of(text)); }
    // One instruction each.
    [[nodiscard]] bool same_branch(std::string_view a, std::string_view b) const {
        return arch.same_branch(bytes_of(a), bytes_of(b));
    }
    [[nodiscard]] bool is_traceable(std::string_view text) const {
        const elf::Object object = assemble(text);
        return arch.is_traceable(object, *object.find_symbol("f"));
    }
    // S as read back from these bytes.
    [[nodiscard]] std::optional<std::uint64_t> target(std::uint32_t type, std::string_view text, std::uint64_t place,
                                                      std::int64_t addend) const {
        return arch.target_of_field(*arch.relocation_info(type), bytes_of(text), place, addend);
    }

    const Arch& arch;

private:
    std::vector<std::string> assembler_;
};

}  // namespace klp::arch
