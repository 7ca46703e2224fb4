// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/kallsyms.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kernel/dynamic_relocations.hpp"
#include "kernel/kallsyms_tables.hpp"

namespace klp::kernel {

namespace {

// The kernel's own idea of where its text begins; always in the table (include/asm-generic/sections.h).
constexpr std::array<std::string_view, 2> anchors{"_stext", "_text"};

bool is_name_character(char c) {
    return c > ' ' && c < 0x7f;
}

bool is_type(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '?';
}

// All names one after the other, each with its type letter in front, as they are when uncompressed.
struct Expanded {
    std::string text;
    std::vector<std::uint32_t> ends;
};

Expanded expand(Bytes section, const TokenTable& tokens, const NamesTable& names) {
    Expanded expanded;
    expanded.text.reserve(std::size_t{names.count} * 24);
    expanded.ends.reserve(names.count);
    for (std::uint32_t i = 0; i < names.count; ++i) {
        for (const std::byte code : section.subspan(names.starts[i], names.sizes[i])) {
            expanded.text += tokens.tokens[std::to_integer<std::size_t>(code)];
        }
        expanded.ends.push_back(static_cast<std::uint32_t>(expanded.text.size()));
    }
    return expanded;
}

std::vector<KernelSymbol> symbols_without_addresses(const std::string& text, const std::vector<std::uint32_t>& ends,
                                                    const Location& where) {
    std::vector<KernelSymbol> symbols(ends.size());
    std::uint32_t begin = 0;
    for (std::size_t i = 0; i < ends.size(); ++i) {
        const std::string_view line = std::string_view(text).substr(begin, ends[i] - begin);
        if (line.size() < 2 || !is_type(line[0]) || !std::all_of(line.begin(), line.end(), is_name_character)) {
            throw Error(where, fmt::format("kallsyms tables are damaged: name {} of {} is not a type letter and a name",
                                           i, ends.size()));
        }
        symbols[i].type = line[0];
        symbols[i].name = line.substr(1);
        begin = ends[i];
    }
    return symbols;
}

bool is_code_address(const elf::Object& vmlinux, std::uint64_t address) {
    return std::any_of(vmlinux.sections().begin(), vmlinux.sections().end(), [address](const auto& section) {
        return section->is_alloc() && section->is_code() && address >= section->address &&
               address - section->address < section->size();
    });
}

// Of the ways to read the addresses, the one that puts the beginning of the kernel's text into a code section.
void set_addresses(std::vector<KernelSymbol>& symbols, const std::vector<std::vector<std::uint64_t>>& readings,
                   const elf::Object& vmlinux, const Location& where) {
    const auto anchor =
        std::find_first_of(symbols.begin(), symbols.end(), anchors.begin(), anchors.end(),
                           [](const KernelSymbol& symbol, std::string_view name) { return symbol.name == name; });
    if (anchor == symbols.end())
        throw Error(where, "kallsyms tables are damaged: neither _stext nor _text is among the names");
    const auto index = static_cast<std::size_t>(anchor - symbols.begin());
    const auto reading = std::find_if(readings.begin(), readings.end(), [&](const auto& addresses) {
        return is_code_address(vmlinux, addresses[index]);
    });
    if (reading == readings.end()) {
        throw Error(
            where,
            fmt::format("kallsyms tables are damaged: {} names, but no ascending addresses with {} in a code section",
                        symbols.size(), anchor->name));
    }
    for (std::size_t i = 0; i < symbols.size(); ++i) symbols[i].address = (*reading)[i];
}

void mark_data(std::vector<KernelSymbol>& symbols, const elf::Object& vmlinux) {
    for (const auto& section : vmlinux.sections()) {
        if (!section->is_code() || !section->is_writable() || !section->name.starts_with(".data")) continue;
        for (KernelSymbol& symbol : symbols)
            if (symbol.address >= section->address && symbol.address - section->address < section->size())
                symbol.in_data = true;
    }
}

SymbolTable read_tables(const elf::Object& vmlinux, const elf::Section& section, const TokenTable& tokens,
                        const NamesTable& names) {
    const Location where{vmlinux.display_name(), section.name, tokens.begin};
    Expanded expanded = expand(section.content(), tokens, names);
    std::vector<std::string> storage;
    storage.push_back(std::move(expanded.text));
    auto symbols = symbols_without_addresses(storage.front(), expanded.ends, where);
    const auto relocated = with_dynamic_relocations(vmlinux, section);
    const Bytes content = relocated ? Bytes(*relocated) : section.content();
    set_addresses(symbols, find_addresses(content, section.address, vmlinux.order(), tokens, names), vmlinux, where);
    mark_data(symbols, vmlinux);
    return {"vmlinux", std::move(symbols), std::move(storage)};
}

// nullopt: nothing in the image looks like a token table. Error: something does, but the rest does not fit.
std::optional<SymbolTable> find_kallsyms(const elf::Object& vmlinux) {
    std::optional<Location> tokens_without_names;
    for (const auto& section : vmlinux.sections()) {
        if (!section->is_alloc() || section->is_nobits() || section->is_code()) continue;
        std::uint64_t from = 0;
        while (const auto tokens = find_tokens(section->content(), vmlinux.order(), from)) {
            const auto names = find_names(section->content(), vmlinux.order(), *tokens);
            if (names) return read_tables(vmlinux, *section, *tokens, *names);
            tokens_without_names = Location{vmlinux.display_name(), section->name, tokens->begin};
            from = tokens->end;
        }
    }
    if (tokens_without_names)
        throw Error(*tokens_without_names, "kallsyms tables are damaged: no names that fit the token table");
    return std::nullopt;
}

}  // namespace

SymbolTable read_kallsyms(const elf::Object& vmlinux) {
    if (auto table = find_kallsyms(vmlinux)) return std::move(*table);
    throw Error({vmlinux.display_name(), "", {}},
                "no kallsyms tables: not a Linux kernel, or built without CONFIG_KALLSYMS");
}

SymbolTable read_vmlinux_symbols(const elf::Object& vmlinux) {
    if (auto table = find_kallsyms(vmlinux)) return std::move(*table);
    return read_symtab(vmlinux, "vmlinux");
}

}  // namespace klp::kernel
