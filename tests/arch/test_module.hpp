// SPDX-License-Identifier: GPL-2.0-or-later
// Small modules for tests of relocation, made in memory.
#pragma once

#include <elf.h>

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "arch/module_loading.hpp"
#include "arch/registry.hpp"

namespace klp::test {

// "e8 00" and "e800" alike.
inline std::vector<std::byte> from_hex(std::string_view text) {
    std::vector<std::byte> bytes;
    std::string digits;
    for (const char c : text) {
        if (c != ' ') digits += c;
        if (digits.size() != 2) continue;
        bytes.push_back(static_cast<std::byte>(std::stoi(digits, nullptr, 16)));
        digits.clear();
    }
    return bytes;
}

inline std::string to_hex(Bytes bytes) {
    std::string text;
    for (const std::byte each : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(each));
    return text;
}

// A module for the architecture that has these features.
template <typename Features>
class TestModule {
public:
    TestModule(std::uint16_t machine, ByteOrder order) : machine_(machine) {
        image.name = "m";
        image.order = order;
        image.sections.emplace_back();
        image.symbols.emplace_back();
        add_section({.name = ".symtab", .type = SHT_SYMTAB});
    }

    std::uint32_t add_section(arch::ImageSection section) {
        image.sections.push_back(std::move(section));
        return static_cast<std::uint32_t>(image.sections.size() - 1);
    }
    // Code with content, at an address.
    std::uint32_t add_code(std::string name, std::uint64_t address, std::string_view content_in_hex) {
        const auto index =
            add_section({.name = std::move(name), .type = SHT_PROGBITS, .flags = SHF_ALLOC | SHF_EXECINSTR});
        image.sections[index].address = address;
        image.sections[index].memory = allocate(from_hex(content_in_hex));
        image.sections[index].size = image.sections[index].memory.size();
        return index;
    }
    std::uint32_t add_relocations(std::uint32_t target, std::vector<arch::ImageRelocation> relocations) {
        return add_section({.name = ".rela" + image.sections[target].name,
                            .type = SHT_RELA,
                            .info = target,
                            .relocations = std::move(relocations)});
    }
    std::uint32_t add_symbol(std::string name, std::uint64_t value, std::uint16_t section_index = SHN_UNDEF,
                             std::uint8_t other = 0) {
        image.symbols.push_back({std::move(name), value, section_index, other});
        return static_cast<std::uint32_t>(image.symbols.size() - 1);
    }

    // After prepare(): zeroed memory of the size that it asked for.
    void place(std::uint32_t section, std::uint64_t address) {
        image.sections[section].address = address;
        image.sections[section].memory = allocate(std::vector<std::byte>(image.sections[section].size));
    }
    void reserve_text(std::uint64_t address, std::uint64_t size) {
        image.text_address = address;
        image.reserved_text = allocate(std::vector<std::byte>(size));
    }

    arch::ModuleRelocator& relocator() {
        if (!relocator_) relocator_ = architecture().module_loading().relocator(image, features);
        return *relocator_;
    }
    arch::Outcome apply(std::uint32_t section, arch::ModuleState state = arch::ModuleState::unformed) {
        return relocator().apply(section, state);
    }

    [[nodiscard]] std::string content(std::uint32_t section) const { return to_hex(image.sections[section].memory); }

    arch::ModuleImage image;
    [[nodiscard]] const arch::Arch& architecture() const { return arch::for_machine(machine_, {}); }

    Features features;

private:
    MutableBytes allocate(std::vector<std::byte> bytes) { return memory_.emplace_back(std::move(bytes)); }

    std::uint16_t machine_;
    std::deque<std::vector<std::byte>> memory_;
    std::unique_ptr<arch::ModuleRelocator> relocator_;
};

// The only message of a refusal; "" where it was none.
inline std::string message_of(const arch::Outcome& outcome) {
    if (!outcome.refusal) return "";
    std::string text;
    for (const std::string& each : outcome.refusal->messages) text += (text.empty() ? "" : "\n") + each;
    return text;
}

}  // namespace klp::test
