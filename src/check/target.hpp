// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel that a module is checked against, with the files that take the place of its modules; and the parts of the
// check, one a file.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "check/check.hpp"
#include "check/rules.hpp"
#include "format/livepatch.hpp"
#include "kernel/ftrace_records.hpp"
#include "kernel/module.hpp"
#include "kernel/selection.hpp"

namespace klp::loader {
struct LoadedModule;
}

namespace klp::check {

class Target {
public:
    Target(const kernel::Kernel& kernel, const std::vector<fs::path>& objects);

    [[nodiscard]] const kernel::Kernel& kernel() const noexcept { return kernel_; }
    // Null where neither the files nor the kernel have it.
    [[nodiscard]] const kernel::Module* module(std::string_view name) const;
    // Of "vmlinux" or a module; null as above.
    [[nodiscard]] const kernel::SymbolTable* symbols(std::string_view object) const;
    // What must be loaded before a module, in load order. What is missing ends the list of its branch.
    [[nodiscard]] std::vector<std::string> dependencies(std::string_view module) const;
    [[nodiscard]] std::map<std::string, fs::path, std::less<>> files() const;

private:
    const kernel::Kernel& kernel_;
    std::map<std::string, std::unique_ptr<kernel::Module>, std::less<>> files_;
};

struct Check {
    const elf::Object& module;
    const format::LivepatchModule& livepatch;
    const Target& target;
    RuleFindings& findings;
    LeftOut& left_out;
};

// against_kernel.cpp
[[nodiscard]] bool is_for_kernel(const Check& check);  // whether the other rules mean anything
void check_kernel_fit(const Check& check);
[[nodiscard]] bool is_signed(const elf::Object& module);
// imports.cpp
void check_imports(const Check& check);
// symbols.cpp
void check_livepatch_symbols(const Check& check);
// references.cpp
void check_references(const Check& check);
// functions.cpp
void check_patched_functions(const Check& check);
// `address`: of the function, counted as that of the hook.
void add_hooked_elsewhere(const Check& check, const std::string& function, const std::string& object,
                          const kernel::Hook& hook, std::uint64_t address);
// simulated_load.cpp
void simulate_load(const Check& check, Summary& summary);
// running_system.cpp
void leave_out_code(const elf::Object& module, LeftOut& left_out);
void leave_out_running_system(const Check& check);
void leave_out_rewrites(const Check& check, const loader::LoadedModule& module);

using kernel::Selection;
// What to do about an object that is not there.
[[nodiscard]] std::string hint_on_object(const Check& check, std::string_view object);
[[nodiscard]] bool is_init(const Check& check, const kernel::KernelSymbol& symbol);

}  // namespace klp::check
