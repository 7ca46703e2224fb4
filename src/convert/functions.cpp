// SPDX-License-Identifier: GPL-2.0-or-later
// What the tables say of the kernel, as far as its symbols tell. klp check refuses it, but needs the kernel; who has no
// more than its symbols is told here.
#include <fmt/format.h>

#include "convert/convert.hpp"
#include "format/tables.hpp"
#include "kernel/selection.hpp"
#include "kernel/similar_names.hpp"

namespace klp::convert {
namespace {

Finding* report(const elf::Object& module, const format::PatchedObject& object, const format::PatchedFunction& function,
                Diagnostics& diagnostics, std::string message) {
    return diagnostics.add_once(object.name + "." + function.old_name, Severity::warning, "convert.function",
                                {module.display_name(), {}, {}}, std::move(message));
}

}  // namespace

void check_functions(const elf::Object& module, const kernel::SymbolSource& symbols, Diagnostics& diagnostics) {
    const kernel::SymbolFacts facts(symbols.vmlinux());
    for (const format::PatchedObject& object : format::read_tables(module)) {
        const kernel::SymbolTable* table = object.name == vmlinux ? &symbols.vmlinux() : symbols.module(object.name);
        if (table == nullptr) continue;  // convert() has told of it
        for (const format::PatchedFunction& function : object.functions) {
            const kernel::Selection selection = kernel::select(*table, function.old_name, function.sympos);
            const kernel::KernelSymbol& symbol = table->symbols()[selection.index];
            if (selection.problem != kernel::Selection::Problem::none) {
                Finding* finding =
                    report(module, object, function, diagnostics,
                           kernel::problem_text(selection, object.name, function.old_name, function.sympos));
                if (finding == nullptr || selection.problem != kernel::Selection::Problem::missing) continue;
                kernel::SimilarNames names(function.old_name);
                names.add(*table);
                for (const std::string& text : names.texts()) finding->note("there is " + text);
            } else if (facts.is_gone(symbol)) {
                (void)report(
                    module, object, function, diagnostics,
                    fmt::format("'{}' of {} is in init memory, which is gone", function.old_name, object.name));
            } else if (facts.content(symbol) == kernel::Content::data) {
                (void)report(module, object, function, diagnostics,
                             fmt::format("'{}' of {} is no code", function.old_name, object.name));
            }
        }
    }
}

}  // namespace klp::convert
