// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/process.hpp"
#include "kernel/kallsyms.hpp"

namespace klp::kernel {

namespace {

constexpr std::uint32_t no_symbol = UINT32_MAX;

}  // namespace

SymbolTable::SymbolTable(std::string object, std::vector<KernelSymbol> symbols, std::vector<std::string> storage)
    : object_(std::move(object)),
      storage_(std::move(storage)),
      symbols_(std::move(symbols)),
      buckets_(std::bit_ceil(symbols_.size() + 1), no_symbol),
      next_(symbols_.size()),
      by_address_(symbols_.size()) {
    const std::hash<std::string_view> hash;
    for (std::size_t i = symbols_.size(); i-- > 0;) {  // backwards, so that each chain is in kernel order
        std::uint32_t& first = buckets_[hash(symbols_[i].name) & (buckets_.size() - 1)];
        next_[i] = std::exchange(first, static_cast<std::uint32_t>(i));
    }
    std::iota(by_address_.begin(), by_address_.end(), 0U);
    const auto lower = [this](std::uint32_t a, std::uint32_t b) { return symbols_[a].address < symbols_[b].address; };
    if (!std::is_sorted(by_address_.begin(), by_address_.end(), lower)) {
        std::stable_sort(by_address_.begin(), by_address_.end(), lower);
    }
}

std::vector<std::size_t> SymbolTable::find(std::string_view name) const {
    check_interrupted();
    std::vector<std::size_t> found;
    std::uint32_t i = buckets_[std::hash<std::string_view>{}(name) & (buckets_.size() - 1)];
    for (; i != no_symbol; i = next_[i]) {
        if (symbols_[i].name == name) found.push_back(i);
    }
    return found;
}

Lookup SymbolTable::look_up(std::string_view name) const {
    Lookup result;
    for (const std::size_t index : find(name)) {
        const KernelSymbol& symbol = symbols_[index];
        ++result.count;
        if (result.first == nullptr) result.first = &symbol;
        if (result.global == nullptr && symbol.may_be_global()) result.global = &symbol;
    }
    return result;
}

std::optional<std::uint64_t> SymbolTable::linked_address(std::string_view name) const {
    const KernelSymbol* symbol = look_up(name).linked();
    return symbol == nullptr ? std::nullopt : std::optional(symbol->address);
}

std::uint32_t SymbolTable::sympos(std::size_t index) const {
    const KernelSymbol& symbol = symbols_.at(index);
    const auto same = find(symbol.name);
    std::uint32_t position = 1;
    std::uint32_t position_when_live = 1;
    for (const std::size_t other : same) {
        if (other >= index) break;
        ++position;
        if (!symbols_[other].init_only) ++position_when_live;
    }
    if (same.size() == 1) return 0;
    if (position == position_when_live) return position;
    throw Error({object_, "", {}},
                fmt::format("symbol '{}' is number {} of its name while the module loads, but number {} later",
                            symbol.name, position, position_when_live))
        .hint(
            "the kernel cannot find it by name and position: a symbol of the same name is in an init section before "
            "it");
}

std::vector<std::size_t> SymbolTable::at(std::uint64_t address) const {
    check_interrupted();
    const auto below = [this](std::uint32_t i, std::uint64_t value) { return symbols_[i].address < value; };
    std::vector<std::size_t> found;
    for (auto i = std::lower_bound(by_address_.begin(), by_address_.end(), address, below); i != by_address_.end();
         ++i) {
        if (symbols_[*i].address != address) break;
        found.push_back(*i);
    }
    return found;
}

std::uint64_t SymbolTable::next_address(std::uint64_t address) const {
    const auto below = [this](std::uint64_t value, std::uint32_t i) { return value < symbols_[i].address; };
    const auto above = std::upper_bound(by_address_.begin(), by_address_.end(), address, below);
    return above == by_address_.end() ? UINT64_MAX : symbols_[*above].address;
}

}  // namespace klp::kernel
