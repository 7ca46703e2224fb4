// SPDX-License-Identifier: GPL-2.0-or-later
// klp kernel symbols: the symbols of a kernel as the kernel itself knows them.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <numeric>

#include "cli/kernel.hpp"
#include "kernel/catalogue.hpp"
#include "report/text.hpp"

namespace klp::cli {

namespace {

constexpr auto kernel_symbols_footer =
    R"(Lines are as in /proc/kallsyms of a kernel booted with nokaslr (address, type, name), then the object and the sympos by
which a livepatch names the symbol: 0 where the name is unique, else its position, '-' where none is right at all
times. Of modules the address is the offset in the symbol's section, and symbols of init sections are listed too.)";

struct SymbolsOptions {
    std::string source;
    std::vector<std::string> symbols;
    std::string object = "vmlinux";
    bool json = false;
};

// The tables of a catalogue's kernel, or of a file.
class Source {
public:
    explicit Source(const SymbolsOptions& arguments) {
        const bool is_path = arguments.source.find('/') != std::string::npos;
        if (!is_path) {
            kernel_.emplace(kernel::find_kernel(arguments.source));
            table_ = arguments.object == "vmlinux" ? &kernel_->symbols() : &kernel_->module(arguments.object).symbols;
        } else {
            table_ = &file_.emplace(kernel::read_symbol_file(arguments.source)).symbols;
        }
    }

    [[nodiscard]] const kernel::SymbolTable& table() const { return *table_; }

private:
    std::optional<kernel::Kernel> kernel_;
    std::optional<kernel::SymbolFile> file_;
    const kernel::SymbolTable* table_ = nullptr;
};

// All symbols, or those of the names asked for. Error: names that are not there, all of them.
std::vector<std::size_t> selected(const kernel::SymbolTable& table, const std::vector<std::string>& names) {
    std::vector<std::size_t> indices;
    if (names.empty()) {
        indices.resize(table.symbols().size());
        std::iota(indices.begin(), indices.end(), std::size_t{0});
        return indices;
    }
    std::vector<std::string_view> unknown;
    for (const std::string& name : names) {
        const auto found = table.find(name);
        if (found.empty()) unknown.push_back(name);
        indices.insert(indices.end(), found.begin(), found.end());
    }
    if (unknown.empty()) return indices;
    throw Error(fmt::format("{} has no symbol '{}'", table.object(), fmt::join(unknown, "', '")))
        .hint(table.object() == "vmlinux" ? "a symbol of a module: name it with --object"
                                          : "a symbol of the kernel itself: leave out --object");
}

std::optional<std::uint32_t> position(const kernel::SymbolTable& table, std::size_t index) {
    try {
        return table.sympos(index);
    } catch (const Error&) {
        return std::nullopt;
    }
}

void append_line(std::string& text, const kernel::SymbolTable& table, std::size_t index) {
    const kernel::KernelSymbol& symbol = table.symbols()[index];
    const auto number = position(table, index);
    fmt::format_to(std::back_inserter(text), "{:016x} {} {}\t{}\t{}\n", symbol.address, symbol.type,
                   report::printable(symbol.name), table.object(), number ? std::to_string(*number) : "-");
}

Json json_of(const kernel::SymbolTable& table, std::size_t index) {
    const kernel::KernelSymbol& symbol = table.symbols()[index];
    const auto number = position(table, index);
    Json json{{"address", fmt::format("0x{:x}", symbol.address)},
              {"type", std::string(1, symbol.type)},
              {"name", symbol.name},
              {"object", table.object()},
              {"sympos", number ? Json(*number) : Json()}};
    if (symbol.section != nullptr) json["section"] = symbol.section->name;
    if (symbol.init_only) json["init"] = true;
    return json;
}

ExitCode print_symbols(const SymbolsOptions& arguments) {
    const Source source(arguments);
    const auto& table = source.table();
    std::string text;
    Json array = Json::array();
    for (const std::size_t index : selected(table, arguments.symbols)) {
        if (arguments.json) {
            array.push_back(json_of(table, index));
        } else {
            append_line(text, table, index);
        }
    }
    if (arguments.json) text = report::to_text(array);
    print_result(text);
    return ExitCode::done;
}

}  // namespace

void add_kernel_symbols(CommandLine& group) {
    const auto arguments = std::make_shared<SymbolsOptions>();
    CommandLine command = group.command("symbols", "symbols as the kernel counts them");
    command.footer(kernel_symbols_footer);
    command
        .value("NAME", arguments->source,
               "a kernel of the catalogue; or the path, with a '/', of a bzImage, vmlinux, System.map or module")
        .required();
    command.values("SYMBOL", arguments->symbols, "only these");
    command.value("--object", arguments->object, "the module to look into (default: vmlinux)");
    command.flag("--json", arguments->json, "print a JSON array");
    command.run([arguments] { return print_symbols(*arguments); });
}

}  // namespace klp::cli
