// SPDX-License-Identifier: GPL-2.0-or-later
// Machine code as people read it: objdump's word for it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "arch/arch.hpp"
#include "elf/object.hpp"

namespace klp::diff {

struct Instruction {
    std::uint64_t offset = 0;  // in its section
    std::string text;          // with its relocation
};

// The program that disassembles objects of an architecture.
class Disassembler {
public:
    // The architecture's own objdump where there is one, as a cross toolchain brings it, else `objdump`, which knows
    // every architecture where it is that of binutils-multiarch. Error: there is neither.
    explicit Disassembler(const arch::Arch& architecture);

    [[nodiscard]] const std::string& program() const noexcept { return program_; }  // its path

private:
    std::string program_;
};

// The code of some sections of an object.
class Disassembly {
public:
    // Error: the program fails, or does not know the architecture. It is not run for no sections.
    Disassembly(const Disassembler& disassembler, const elf::Object& object, const std::set<std::string>& sections);

    [[nodiscard]] std::vector<Instruction> in(std::string_view section, arch::Range range) const;

private:
    void parse(std::string_view output);

    std::map<std::string, std::vector<Instruction>, std::less<>> sections_;
};

}  // namespace klp::diff
