// SPDX-License-Identifier: GPL-2.0-or-later
// Pairs of objects, compiled from C as the kernel compiles it or assembled, and what diff() says about them.
#pragma once

#include <algorithm>
#include <optional>

#include "diff/diff.hpp"
#include "support/assemble.hpp"

namespace klp::test {

inline elf::Object compile(std::string_view source, std::vector<std::string> more = {}) {
    const TempDir folder("klp-test");
    const fs::path object = folder.path() / "test.o";
    Command command;
    command.argv = {"gcc-12",
                    "-x",
                    "c",
                    "-O2",
                    "-fno-pie",
                    "-mcmodel=kernel",
                    "-mno-red-zone",
                    "-mno-sse",
                    "-fcf-protection=none",
                    "-fno-asynchronous-unwind-tables",
                    "-fno-jump-tables",
                    "-pg",
                    "-mfentry",
                    "-mrecord-mcount",
                    "-ffunction-sections",
                    "-fdata-sections",
                    "-c",
                    "-o",
                    object.string()};
    command.argv.insert(command.argv.end(), more.begin(), more.end());
    command.argv.emplace_back("-");
    command.input = std::string(source);
    run_checked(command, "compiling a test input");
    const std::string bytes = read_text(object);
    const Bytes view = as_bytes(bytes);
    return elf::Object::read({view.begin(), view.end()}, "test.o");
}

// Both sides and the verdict; `result` is empty where diff() refused.
struct Compared {
    elf::Object original;
    elf::Object patched;
    Diagnostics diagnostics{};
    std::optional<diff::Result> result{};

    Compared(elf::Object before, elf::Object after, const diff::Options& options = {})
        : original(std::move(before)), patched(std::move(after)) {
        try {
            result.emplace(diff::diff(diff::decompose(original, patched, {}, diagnostics), options, diagnostics));
        } catch (const Error& error) {
            if (error.code() != ExitCode::unsafe) throw;
        }
    }

    // "changed foo", sorted; "refused diff.init-code" where there is no result.
    [[nodiscard]] std::vector<std::string> verdict() const {
        std::vector<std::string> lines;
        if (!result) {
            for (const Finding& each : diagnostics.findings()) {
                if (each.severity == Severity::error) lines.push_back("refused " + each.id);
            }
        } else {
            for (const auto& each : result.value().functions) {
                const bool changed = each.status == diff::FunctionStatus::changed;
                const bool added = each.status == diff::FunctionStatus::added;
                const bool carried = each.status == diff::FunctionStatus::carried;
                lines.push_back((changed   ? "changed "
                                 : added   ? "new "
                                 : carried ? "carried "
                                           : "included ") +
                                each.name);
            }
        }
        std::ranges::sort(lines);
        return lines;
    }
    [[nodiscard]] std::vector<std::string> data() const {
        std::vector<std::string> lines;
        for (const auto& each : result.value().data)
            lines.push_back((each.status == diff::DataStatus::added ? "new " : "copied ") + each.name);
        std::ranges::sort(lines);
        return lines;
    }
    [[nodiscard]] std::vector<std::string> references() const {
        std::vector<std::string> lines;
        for (const auto& each : result.value().references) lines.push_back(each.name);
        std::ranges::sort(lines);
        return lines;
    }
    // "symbol+addend" of the relocations of a section of the extracted object.
    [[nodiscard]] std::vector<std::string> relocations(std::string_view section) const {
        std::vector<std::string> lines;
        const elf::Section* found = result.value().extracted.find_section(section);
        if (found == nullptr) return lines;
        for (const auto& each : found->rela()) {
            lines.push_back(each.symbol->name + (each.addend < 0 ? "" : "+") + std::to_string(each.addend));
        }
        return lines;
    }
};

inline Compared compare_c(std::string_view before, std::string_view after, const diff::Options& options = {}) {
    return {compile(before), compile(after), options};
}
inline Compared compare_asm(std::string_view before, std::string_view after, const diff::Options& options = {}) {
    return {assemble(before), assemble(after), options};
}

}  // namespace klp::test
