// SPDX-License-Identifier: GPL-2.0-or-later
// Rules on what is patched: kernel/livepatch/core.c:klp_init_object_loaded, kernel/livepatch/patch.c:klp_patch_func.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/kernel_names.hpp"
#include "check/target.hpp"
#include "kernel/ftrace_table.hpp"
#include "kernel/similar_names.hpp"

namespace klp::check {

namespace {

class Functions {
public:
    explicit Functions(const Check& check) : check_(check) {}

    void run() {
        for (const format::PatchedObject& object : check_.livepatch.objects) {
            if (object.never_comes) continue;
            const kernel::SymbolTable* symbols = check_.target.symbols(object.name);
            if (symbols == nullptr) {
                missing(object);
                continue;
            }
            places_.clear();
            for (const format::PatchedFunction& function : object.functions) check(object.name, *symbols, function);
        }
        for (const std::string& name : without_section_)
            check_.left_out.add(fmt::format("whether '{}' of vmlinux is code, and there after its init", name),
                                "the image has no section at its address");
    }

private:
    void missing(const format::PatchedObject& object) {
        const bool is_told = std::ranges::any_of(check_.livepatch.symbols,
                                                 [&](const auto& symbol) { return symbol.name.object == object.name; });
        if (is_told) return;
        check_.findings
            .add(rules::object_missing, fmt::format("kernel {} has no module '{}': its functions are not checked",
                                                    check_.target.kernel().manifest().name, object.name))
            .hint(hint_on_object(check_, object.name));
    }

    static void add_similar(Finding& finding, const kernel::SymbolTable& symbols, std::string_view name) {
        kernel::SimilarNames names(name);
        names.add(symbols);
        for (const std::string& text : names.texts()) finding.note("there is " + text);
    }

    void check(const std::string& object, const kernel::SymbolTable& symbols, const format::PatchedFunction& function) {
        const Selection selection = kernel::select(symbols, function.old_name, function.sympos);
        if (selection.problem != Selection::Problem::none) {
            const check::Rule& rule = selection.problem == Selection::Problem::missing    ? rules::function_missing
                                      : selection.problem == Selection::Problem::unstable ? rules::position_unstable
                                                                                          : rules::function_position;
            Finding& finding =
                check_.findings.add(rule, kernel::problem_text(selection, object, function.old_name, function.sympos));
            if (selection.problem == Selection::Problem::missing) add_similar(finding, symbols, function.old_name);
            return;
        }
        const kernel::KernelSymbol& symbol = symbols.symbols()[selection.index];
        const std::string who = fmt::format("'{}' of {}", function.old_name, object);
        const auto [other, is_first] = places_.try_emplace({symbol.section, symbol.address}, function.old_name);
        if (!is_first && other->second != function.old_name)
            check_.findings
                .add(rules::function_repeated,
                     fmt::format("{} and '{}' are two names of one function", who, other->second))
                .note("the kernel looks for an earlier replacement where none is, and the transition may never end")
                .hint("replace it by one of its names");
        if (section_of(symbol) == nullptr) without_section_.push_back(function.old_name);
        if (is_init(check_, symbol)) {
            check_.findings.add(rules::function_init, who + " is in init memory, which is gone");
        } else if (!is_code(symbol)) {
            check_.findings.add(rules::function_kind, who + " is no code");
        } else if (!is_traceable(object, symbol)) {
            check_.findings.add(rules::untraceable, who + " cannot be hooked by ftrace")
                .note("it is notrace, noinstr or assembly: the kernel refuses to patch it")
                .hint("change its callers");
        } else if (const kernel::Hook hook = hook_of(object, symbol); hook.where == kernel::Hook::Where::elsewhere) {
            add_hooked_elsewhere(check_, function.old_name, object, hook, symbol.address);
        }
    }

    const elf::Section* section_of(const kernel::KernelSymbol& symbol) const {
        return symbol.section != nullptr ? symbol.section : check_.target.kernel().section_at(symbol.address);
    }
    bool is_code(const kernel::KernelSymbol& symbol) const {
        const elf::Section* section = section_of(symbol);
        return !symbol.in_data && (section == nullptr || section->is_code());
    }

    // Of functions of vmlinux; those of modules lie nowhere yet, and the simulated load tells.
    kernel::Hook hook_of(const std::string& object, const kernel::KernelSymbol& symbol) {
        if (object != vmlinux) return {};
        if (!sites_) sites_.emplace(check_.target.kernel());
        return sites_->hook_of(symbol.address);
    }

    bool is_traceable(const std::string& object, const kernel::KernelSymbol& symbol) {
        if (object == vmlinux) return hook_of(object, symbol).where != kernel::Hook::Where::none;
        const elf::Object& module = check_.target.module(object)->object;
        const auto found = std::ranges::find_if(module.symbols(), [&](const auto& each) {
            return each->name == symbol.name && each->section == symbol.section && each->value == symbol.address;
        });
        return found == module.symbols().end() || check_.target.kernel().arch().is_traceable(module, **found);
    }

    const Check& check_;
    std::optional<kernel::FtraceTable> sites_;
    std::map<std::pair<const elf::Section*, std::uint64_t>, std::string> places_;  // of one object, by section
    std::vector<std::string> without_section_;
};

}  // namespace

void add_hooked_elsewhere(const Check& check, const std::string& function, const std::string& object,
                          const kernel::Hook& hook, std::uint64_t address) {
    check.findings
        .add(rules::hooked_elsewhere,
             fmt::format("'{}' of {} would never be replaced: ftrace hooks another place", function, object))
        .note(kernel::problem_of_hook(hook, address))
        .hint("replace its callers instead; a function that is called through a pointer alone cannot be replaced here");
}

void check_patched_functions(const Check& check) {
    Functions(check).run();
}

}  // namespace klp::check
