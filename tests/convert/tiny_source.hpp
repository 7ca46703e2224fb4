// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel of a few names, and the livepatches that tests convert for it.
#pragma once

#include <elf.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "arch/registry.hpp"
#include "convert/convert.hpp"
#include "support/sound_livepatch.hpp"

namespace klp::convert::test {

// One line a symbol: address (modules: offset), type, name, "init" where it goes after init.
struct Line {
    std::uint64_t address = 0;
    char type = 't';
    std::string_view name;
    bool init = false;
};

class TinySource : public kernel::SymbolSource {
public:
    TinySource() {
        text_.name = ".text";
        set("vmlinux", {{0x1000, 'T', "klp_enable_patch"},
                        {0x2000, 't', "from_vmlinux"},
                        {0x3000, 't', "twice"},
                        {0x4000, 't', "twice"},
                        {0x5000, 't', "from_vmlinux_too"},
                        {0x6000, 'T', "__init_begin"},
                        {0x6100, 't', "init_helper"},
                        {0x6800, 'D', "__per_cpu_start"},
                        {0x6810, 'd', "counter"},
                        {0x6820, 'D', "__per_cpu_end"},
                        {0x6830, 'd', "init_counter"},
                        {0x7000, 'T', "__init_end"},
                        {0x8000, 't', "anywhere"}});
        set("late", {{0x10, 't', "from_late"},
                     {0x20, 't', "anywhere"},
                     {0x30, 't', "late_twice"},
                     {0x40, 't', "late_twice"},
                     {0x50, 't', "late_init", true},
                     {0x60, 't', "moving", true},
                     {0x70, 't', "moving"},
                     {0x80, 't', "late_alone"}});
        set("base", {{0x10, 't', "from_base"}});
        depends["late"] = {"base"};
    }

    void set(const std::string& object, const std::vector<Line>& lines) {
        std::vector<kernel::KernelSymbol> symbols;
        const elf::Section* section = object == "vmlinux" ? nullptr : &text_;
        for (const Line& line : lines) symbols.push_back({line.address, line.type, line.name, section, line.init});
        tables_.insert_or_assign(object, kernel::SymbolTable(object, std::move(symbols)));
    }

    std::string release() const override { return "1.0-tiny"; }
    const arch::Arch& arch() const override { return arch::for_name("x86_64"); }
    const kernel::SymbolTable& vmlinux() const override { return tables_.at("vmlinux"); }
    const kernel::SymbolTable* module(std::string_view name) const override {
        const auto found = tables_.find(name);
        return found == tables_.end() || name == "vmlinux" ? nullptr : &found->second;
    }
    std::vector<std::string> dependencies(std::string_view name) const override {
        const auto found = depends.find(name);
        return found == depends.end() ? std::vector<std::string>{} : found->second;
    }
    const kernel::Export* find_export(std::string_view symbol) const override { return exports.find(symbol); }
    std::string_view source_file(std::size_t index) const override {
        return vmlinux().symbols()[index].name == "twice" ? "twice.c" : "";
    }
    std::optional<std::string> config(std::string_view) const override { return "y"; }

    std::map<std::string, std::vector<std::string>, std::less<>> depends;
    kernel::Exports exports = kernel::Exports::parse(
        "0x11111111\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n"
        "0x22222222\tfrom_export\tlib/exporter\tEXPORT_SYMBOL\t\n"
        "0x33333333\tfrom_late\tfs/late\tEXPORT_SYMBOL\t\n"
        "0x44444444\tfrom_late_too\tfs/late\tEXPORT_SYMBOL\t\n",
        "Module.symvers");

private:
    elf::Section text_;
    std::map<std::string, kernel::SymbolTable, std::less<>> tables_;
};

// What the livepatch core would make of a module, in short: "OBJECT SECTION+0xoff SYMBOL" for each relocation.
inline std::set<std::string> livepatch_relocations(const std::vector<std::byte>& module) {
    const auto read = format::read_module(elf::Object::read(module, "out.ko"));
    std::set<std::string> lines;
    for (const auto& each : read.relocations) lines.insert(each.object + " " + each.section + " " + each.symbol);
    return lines;
}

struct Converted {
    std::optional<Conversion> conversion;  // none: refused
    Diagnostics findings;

    [[nodiscard]] std::set<std::string> relocations() const { return livepatch_relocations(conversion.value().module); }
    [[nodiscard]] std::vector<std::string> ids() const {
        std::vector<std::string> ids;
        for (const Finding& finding : findings.findings()) ids.push_back(finding.id);
        return ids;
    }
    [[nodiscard]] const Finding& only() const {
        if (findings.findings().size() != 1) throw Error("expected one finding");
        return findings.findings().front();
    }
};

inline Converted convert_bytes(std::vector<std::byte> bytes, const TinySource& source = {},
                               const ConvertRequest& request = {}) {
    Converted result;
    try {
        result.conversion = convert(std::move(bytes), "test.ko", source, request, result.findings);
    } catch (const Error& error) {
        if (error.code() != ExitCode::unsafe) throw;
    }
    return result;
}

inline std::vector<std::byte> module_bytes(std::string_view text = klp::test::sound_text) {
    return klp::test::assemble(text).write();
}

inline Converted convert_text(std::string_view text, const TinySource& source = {},
                              const ConvertRequest& request = {}) {
    return convert_bytes(module_bytes(text), source, request);
}

// sound_text with one text in place of another, or with more behind.
inline std::string with(std::string_view from, std::string_view to) {
    return klp::test::replaced(klp::test::sound_text, from, to);
}
inline std::string with_more(std::string_view text) {
    return std::string(klp::test::sound_text) + std::string(text);
}

}  // namespace klp::convert::test
