// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/selection.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace klp::kernel {

namespace {

// In one state of the object: a module's init symbols are there while it is coming, and not when it is live.
Selection select_among(const SymbolTable& symbols, const std::vector<std::size_t>& found, std::uint64_t sympos) {
    Selection result;
    result.count = found.size();
    if (found.empty()) {
        result.problem = Selection::Problem::missing;
    } else if (sympos == 0 && found.size() > 1) {
        result.problem = Selection::Problem::ambiguous;
    } else if (sympos > found.size()) {
        result.problem = Selection::Problem::no_such_position;
    } else {
        result.index = found[sympos == 0 ? 0 : sympos - 1];
        // The kernel takes address 0 for "not found"; vmlinux has some in the per-CPU template.
        const KernelSymbol& symbol = symbols.symbols()[result.index];
        if (symbol.section == nullptr && symbol.address == 0) result.problem = Selection::Problem::missing;
    }
    return result;
}

}  // namespace

Selection select(const SymbolTable& symbols, std::string_view name, std::uint64_t sympos) {
    const std::vector<std::size_t> coming = symbols.find(name);
    std::vector<std::size_t> live = coming;
    std::erase_if(live, [&](std::size_t index) { return symbols.symbols()[index].init_only; });
    const Selection first = select_among(symbols, coming, sympos);
    // A symbol of init memory alone is told as such.
    if (live.empty() || live.size() == coming.size()) return first;
    Selection second = select_among(symbols, live, sympos);
    const bool agree = first.problem == second.problem && first.index == second.index;
    if (!agree) second.problem = Selection::Problem::unstable;
    second.count = coming.size();
    return second;
}

std::string problem_text(const Selection& selection, std::string_view object, std::string_view name,
                         std::uint64_t sympos) {
    using enum Selection::Problem;
    switch (selection.problem) {
        case none:
            return {};
        case missing:
            return fmt::format("{} has no symbol '{}'", object, name);
        case ambiguous:
            return fmt::format("'{}' is there {} times in {}, but position 0 wants it to be unique", name,
                               selection.count, object);
        case no_such_position:
            return fmt::format("position of '{}' in {} is {}, but there are {} of that name", name, object, sympos,
                               selection.count);
        case unstable:
            return fmt::format(
                "position {} of '{}' in {} selects one symbol while the module loads, and another one, or "
                "none, when its init is over",
                sympos, name, object);
    }
    return {};
}

SymbolFacts::SymbolFacts(const SymbolTable& vmlinux)
    : init_begin_(vmlinux.linked_address("__init_begin").value_or(0)),
      init_end_(vmlinux.linked_address("__init_end").value_or(0)),
      per_cpu_begin_(vmlinux.linked_address("__per_cpu_start").value_or(0)),
      per_cpu_end_(vmlinux.linked_address("__per_cpu_end").value_or(0)),
      relocates_per_cpu_data_(vmlinux.look_up(export_flags_symbol).exists()) {}

bool SymbolFacts::is_per_cpu(const KernelSymbol& symbol) const noexcept {
    return symbol.address >= per_cpu_begin_ && symbol.address < per_cpu_end_;
}

bool SymbolFacts::is_gone(const KernelSymbol& symbol) const noexcept {
    if (symbol.section != nullptr) return symbol.init_only;
    // arch/{arm64,powerpc,s390}/kernel/vmlinux.lds.S have PERCPU_SECTION among what is freed. Its addresses stay those
    // of the variables, to which each CPU adds its offset.
    if (is_per_cpu(symbol)) return false;
    return symbol.address >= init_begin_ && symbol.address < init_end_;
}

// Weak symbols have one letter whatever they are, and absolute ones are values but for those of per-CPU variables.
Content SymbolFacts::content(const KernelSymbol& symbol) const noexcept {
    constexpr std::string_view data_types = "bBdDgGnNrRsSvV";
    if (symbol.type == 't' || symbol.type == 'T') return symbol.in_data ? Content::data : Content::code;
    if (data_types.find(symbol.type) != std::string_view::npos) return Content::data;
    if (symbol.section == nullptr && is_per_cpu(symbol)) return Content::data;
    return Content::unknown;
}

Content SymbolFacts::exported_content(const SymbolTable& table, std::string_view name) const {
    const KernelSymbol* symbol = table.look_up(name).linked();
    return symbol == nullptr ? Content::unknown : content(*symbol);
}

SymbolUses::SymbolUses(const elf::Object& module, const arch::Arch& arch) : arch_(arch) {
    for (const auto& symbol : module.symbols()) {
        const bool is_sized = symbol->is_function() && symbol->section != nullptr && symbol->size != 0;
        if (is_sized && symbol->value <= symbol->section->size() &&
            symbol->size <= symbol->section->size() - symbol->value)
            functions_[symbol->section].push_back({symbol->value, symbol->value + symbol->size});
    }
    for (auto& [section, ranges] : functions_) std::ranges::sort(ranges, {}, &arch::Range::begin);
}

// nullopt: nothing tells. Fields of other formulas (GOT, TOC) tell the place of an address.
std::optional<arch::Use> SymbolUses::use_of(const elf::Section& section, const elf::Relocation& relocation) const {
    const auto info = arch_.relocation_info(relocation.type);
    if (!section.is_code() || !info) return std::nullopt;
    if (info->is_call) return arch::Use::branch;
    const auto functions = functions_.find(&section);
    if (info->formula == arch::Formula::none || info->formula == arch::Formula::other || functions == functions_.end())
        return std::nullopt;
    auto after = std::ranges::upper_bound(functions->second, relocation.offset, {}, &arch::Range::begin);
    if (after == functions->second.begin() || !std::prev(after)->contains(relocation.offset)) return std::nullopt;
    try {
        return arch_.use_of(section, *std::prev(after), relocation);
    } catch (const Error&) {
        return std::nullopt;  // code that cannot be decoded is others' to tell of
    }
}

std::optional<std::string> SymbolUses::problem(const elf::Section& section, const elf::Relocation& relocation,
                                               std::string_view name, Content content) const {
    if (content == Content::unknown) return std::nullopt;
    const auto use = use_of(section, relocation);
    if (!use) return std::nullopt;
    if (content == Content::data && *use == arch::Use::branch) return fmt::format("goes to '{}', which is data", name);
    const bool is_access = *use == arch::Use::read || *use == arch::Use::write;
    if (content == Content::code && is_access)
        return fmt::format("{} '{}', which is code", *use == arch::Use::read ? "reads" : "writes", name);
    return std::nullopt;
}

}  // namespace klp::kernel
