// SPDX-License-Identifier: GPL-2.0-or-later
// System.map: `nm -n vmlinux`, filtered (scripts/mksysmap).
#include <charconv>

#include "base/text.hpp"
#include "kernel/kallsyms.hpp"

namespace klp::kernel {

namespace {

std::optional<KernelSymbol> parse_line(std::string_view line) {
    const auto fields = split(line, ' ');
    if (fields.size() != 3 || fields[0].empty() || fields[1].size() != 1 || fields[2].empty()) return std::nullopt;
    KernelSymbol symbol{.type = fields[1][0], .name = fields[2]};
    const auto [end, failure] =
        std::from_chars(fields[0].data(), fields[0].data() + fields[0].size(), symbol.address, 16);
    if (failure != std::errc{} || end != fields[0].data() + fields[0].size()) return std::nullopt;
    return symbol;
}

}  // namespace

SymbolTable read_system_map(const fs::path& path) {
    std::vector<std::string> storage{read_text(path)};
    std::vector<KernelSymbol> symbols;
    std::uint64_t offset = 0;
    for (const std::string_view line : lines_of(storage.front())) {
        const auto symbol = parse_line(line);
        if (!symbol && line.find("The real System.map") != std::string_view::npos) {
            throw Error({path.string(), "", {}},
                        "a stub that the distribution ships in place of System.map: '" + std::string(line) + "'")
                .hint("the kernel image itself has the symbols");
        }
        if (!symbol)
            throw Error({path.string(), "", offset},
                        "not a line of System.map (address, type, name): '" + std::string(line) + "'");
        if (!symbols.empty() && symbol->address < symbols.back().address) {
            throw Error({path.string(), "", offset}, "addresses do not ascend: not the output of nm -n");
        }
        symbols.push_back(*symbol);
        offset += line.size() + 1;
    }
    if (symbols.empty()) throw Error({path.string(), "", {}}, "no symbols: the file is empty");
    return {"vmlinux", std::move(symbols), std::move(storage)};
}

}  // namespace klp::kernel
