// SPDX-License-Identifier: GPL-2.0-or-later
// Where to ask what a kernel's names mean: the kernel itself, or a list of its symbols made earlier (symbols_db.hpp).
// Both give the same answers.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/kernel.hpp"

namespace klp::kernel {

class SymbolSource {
public:
    virtual ~SymbolSource() = default;

    [[nodiscard]] virtual std::string release() const = 0;
    [[nodiscard]] virtual const arch::Arch& arch() const = 0;
    [[nodiscard]] virtual const SymbolTable& vmlinux() const = 0;
    // nullptr: the kernel has no module of that name.
    [[nodiscard]] virtual const SymbolTable* module(std::string_view name) const = 0;
    // Modules that must be loaded before it, directly or indirectly; nothing for a module that is not there.
    [[nodiscard]] virtual std::vector<std::string> dependencies(std::string_view module) const = 0;
    [[nodiscard]] virtual const Export* find_export(std::string_view symbol) const = 0;
    // The file that defines symbols()[index] of vmlinux, as the linker saw it ("meminfo.c"); empty where nobody knows.
    [[nodiscard]] virtual std::string_view source_file(std::size_t index) const = 0;
    // Of the options in recorded_options() alone.
    [[nodiscard]] virtual std::optional<std::string> config(std::string_view option) const = 0;
};

// What of the config matters for symbols and for making modules.
[[nodiscard]] const std::vector<std::string_view>& recorded_options();

// `kernel` must outlive it.
[[nodiscard]] std::unique_ptr<SymbolSource> symbols_of(const Kernel& kernel);

// The same with modules that do not come with the kernel, of which these are the files. They hide the kernel's own of
// the same name.
[[nodiscard]] std::unique_ptr<SymbolSource> with_modules(std::unique_ptr<SymbolSource> source,
                                                         const std::vector<fs::path>& files);

// File names by index of `symbols`, from the STT_FILE symbols of a vmlinux with a symbol table; empty strings where
// they do not tell. An empty list where `vmlinux` has no such symbols.
[[nodiscard]] std::vector<std::string> source_files(const SymbolTable& symbols, const elf::Object& vmlinux);

// From direct dependencies to all of them, in the order in which they are found; names that `direct` does not know
// are kept.
template <typename Direct>
[[nodiscard]] std::vector<std::string> all_dependencies(std::string_view module, const Direct& direct) {
    std::vector<std::string> found = direct(module);
    for (std::size_t i = 0; i < found.size(); ++i)
        for (std::string& next : direct(found[i]))
            if (std::find(found.begin(), found.end(), next) == found.end()) found.push_back(std::move(next));
    return found;
}

}  // namespace klp::kernel
