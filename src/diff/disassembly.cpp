// SPDX-License-Identifier: GPL-2.0-or-later
#include "diff/disassembly.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.hpp"
#include "base/process.hpp"

namespace klp::diff {

namespace {

constexpr std::string_view section_heading = "Disassembly of section ";
constexpr auto install_hint = "install binutils-multiarch";

// "  1c:\tmov    $0x0,%rsi\t1f: R_X86_64_32S\t.LC0"; nullopt: no instruction.
std::optional<Instruction> parse_instruction(std::string_view line) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin == std::string_view::npos) return std::nullopt;
    Instruction made;
    const auto [end, failure] = std::from_chars(line.data() + begin, line.data() + line.size(), made.offset, 16);
    const auto rest = line.substr(static_cast<std::size_t>(end - line.data()));
    if (failure != std::errc() || !rest.starts_with(":\t")) return std::nullopt;
    made.text = rest.substr(2);
    std::ranges::replace(made.text, '\t', ' ');
    made.text.erase(made.text.find_last_not_of(' ') + 1);
    return made;
}

}  // namespace

Disassembler::Disassembler(const arch::Arch& architecture) {
    for (const std::string& name : {std::string(architecture.cross_prefix()) + "objdump", std::string("objdump")}) {
        const auto found = find_program(name);
        if (!found) continue;
        program_ = found->string();
        return;
    }
    throw Error("there is no objdump, which shows the instructions").hint(install_hint);
}

Disassembly::Disassembly(const Disassembler& disassembler, const elf::Object& object,
                         const std::set<std::string>& sections) {
    if (sections.empty()) return;
    const TempDir folder("klp-explain");
    const fs::path file = folder.path() / "object.o";
    object.write_to(file);
    Command command;
    command.argv = {disassembler.program(), "-d", "-r", "-w", "-z", "--no-show-raw-insn"};
    for (const std::string& section : sections) command.argv.insert(command.argv.end(), {"-j", section});
    command.argv.push_back(file.string());
    command.environment = {{"LC_ALL", "C"}};
    const CommandResult result = run(command);
    if (result.status != 0) {
        throw Error({object.display_name(), {}, {}},
                    fmt::format("{} ended with status {}: {}", disassembler.program(), result.status, result.errors))
            .hint(install_hint);
    }
    parse(result.output);
    for (const std::string& section : sections) {
        if (!sections_[section].empty()) continue;
        throw Error({object.display_name(), section, {}},
                    fmt::format("{} shows no instruction of the section", disassembler.program()))
            .hint(install_hint);
    }
}

void Disassembly::parse(std::string_view output) {
    std::vector<Instruction>* section = nullptr;
    while (!output.empty()) {
        const std::size_t end = std::min(output.find('\n'), output.size());
        std::string_view line = output.substr(0, end);
        output.remove_prefix(std::min(end + 1, output.size()));
        if (line.starts_with(section_heading)) {
            line.remove_prefix(section_heading.size());
            if (line.ends_with(':')) line.remove_suffix(1);
            section = &sections_[std::string(line)];
        } else if (section != nullptr) {
            if (auto instruction = parse_instruction(line)) section->push_back(*std::move(instruction));
        }
    }
}

std::vector<Instruction> Disassembly::in(std::string_view section, arch::Range range) const {
    std::vector<Instruction> found;
    const auto known = sections_.find(section);
    if (known == sections_.end()) return found;
    for (const Instruction& each : known->second)
        if (each.offset >= range.begin && each.offset < range.end) found.push_back(each);
    return found;
}

}  // namespace klp::diff
