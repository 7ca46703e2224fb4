// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/hooks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <compare>
#include <optional>
#include <set>

#include "base/kernel_names.hpp"
#include "kernel/ftrace_table.hpp"

namespace klp::guest {

namespace {

struct PatchedName {
    std::string object;
    std::string function;
    std::size_t position = 1;

    auto operator<=>(const PatchedName&) const = default;
};

// A line of enabled_functions: a function under ftrace (kernel/trace/ftrace.c:t_show()).
struct TracedName {
    std::string object;
    std::string function;
    bool redirected = false;  // flag I: FTRACE_FL_IPMODIFY
};

std::string_view take_word(std::string_view& line) {
    const std::size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(end);
    return word;
}

// `OBJECT FUNCTION,POSITION`
std::optional<PatchedName> read_patched(std::string_view line) {
    PatchedName name;
    name.object = take_word(line);
    const std::string_view word = take_word(line);
    const std::size_t comma = word.rfind(',');
    if (comma == std::string_view::npos) return std::nullopt;
    name.function = word.substr(0, comma);
    const auto [end, failure] = std::from_chars(word.data() + comma + 1, word.data() + word.size(), name.position);
    if (failure != std::errc() || end != word.data() + word.size() || name.position == 0) return std::nullopt;
    return name;
}

// `FUNCTION [MODULE] (COUNT) R I …`; what is in a line's second column may be long.
TracedName read_traced(std::string_view line) {
    TracedName name;
    name.object = vmlinux;
    name.function = take_word(line);
    std::string_view word = take_word(line);
    if (word.size() > 2 && word.starts_with('[') && word.ends_with(']')) {
        name.object = word.substr(1, word.size() - 2);
        word = take_word(line);
    }
    for (word = take_word(line); word.size() == 1; word = take_word(line)) name.redirected |= word == "I";
    return name;
}

class Comparison {
public:
    Comparison(const kernel::Kernel& kernel, std::vector<TracedName> traced)
        : kernel_(kernel), traced_(std::move(traced)) {}

    std::optional<std::string> problem_of(const PatchedName& patched) {
        const auto address = address_of(patched);
        if (address) {
            if (!table_) table_.emplace(kernel_);
            const kernel::Hook hook = table_->hook_of(*address);
            if (hook.where == kernel::Hook::Where::elsewhere)
                return sentence(patched) + ": " + kernel::problem_of_hook(hook, *address);
        }
        const std::set<std::string> names = names_of(patched, address);
        const auto found = std::ranges::find_if(traced_, [&](const TracedName& each) {
            return each.redirected && each.object == patched.object && names.contains(each.function);
        });
        if (found == traced_.end()) return sentence(patched) + ": ftrace does not redirect it";
        traced_.erase(found);
        return std::nullopt;
    }

private:
    static std::string sentence(const PatchedName& patched) {
        return fmt::format("'{}' of {} is not replaced, though the kernel says that it is patched", patched.function,
                           patched.object);
    }

    [[nodiscard]] std::optional<std::uint64_t> address_of(const PatchedName& patched) const {
        if (patched.object != vmlinux) return std::nullopt;
        const auto found = kernel_.symbols().find(patched.function);
        if (patched.position > found.size()) return std::nullopt;
        return kernel_.symbols().symbols()[found[patched.position - 1]].address;
    }

    // ftrace prints one of the names at an address, and not always the one that a livepatch names.
    [[nodiscard]] std::set<std::string> names_of(const PatchedName& patched,
                                                 std::optional<std::uint64_t> address) const {
        std::set<std::string> names = {patched.function};
        if (address) {
            for (const std::size_t index : kernel_.symbols().at(*address))
                names.emplace(kernel_.symbols().symbols()[index].name);
        } else if (patched.object != vmlinux && kernel_.module_path(patched.object)) {
            const kernel::SymbolTable& table = kernel_.module(patched.object).symbols;
            const auto found = table.find(patched.function);
            for (const kernel::KernelSymbol& each : table.symbols()) {
                const bool is_alias = std::ranges::any_of(found, [&](std::size_t index) {
                    const kernel::KernelSymbol& symbol = table.symbols()[index];
                    return each.section == symbol.section && each.address == symbol.address;
                });
                if (is_alias) names.emplace(each.name);
            }
        }
        return names;
    }

    const kernel::Kernel& kernel_;
    std::vector<TracedName> traced_;
    std::optional<kernel::FtraceTable> table_;
};

}  // namespace

std::vector<std::string> not_replaced(const kernel::Kernel& kernel, std::string_view report) {
    constexpr std::string_view key = "patched ";
    std::set<PatchedName> patched;  // several livepatches of a function share a hook
    std::vector<TracedName> traced;
    while (!report.empty()) {
        const std::size_t end = std::min(report.find('\n'), report.size());
        const std::string_view line = report.substr(0, end);
        report.remove_prefix(std::min(end + 1, report.size()));
        if (!line.starts_with(key)) {
            traced.push_back(read_traced(line));
        } else if (auto name = read_patched(line.substr(key.size()))) {
            patched.insert(std::move(*name));
        }
    }
    Comparison comparison(kernel, std::move(traced));
    std::vector<std::string> problems;
    for (const PatchedName& each : patched)
        if (auto problem = comparison.problem_of(each)) problems.push_back(std::move(*problem));
    return problems;
}

}  // namespace klp::guest
