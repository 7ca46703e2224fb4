// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>

#include "arch/ftrace_sites.hpp"
#include "base/kernel_names.hpp"
#include "diff/names.hpp"
#include "kernel/compiler.hpp"
#include "kernel/ftrace_table.hpp"
#include "resolve/image.hpp"
#include "resolve/originals.hpp"
#include "resolve/proof.hpp"
#include "resolve/resolve.hpp"
#include "resolve/resolver.hpp"
#include "resolve/witness.hpp"

namespace klp::resolve {

namespace {

std::unique_ptr<Image> image_of(const kernel::Kernel& kernel, const std::string& object) {
    return object == vmlinux ? vmlinux_image(kernel) : module_image(kernel, object);
}

const kernel::SymbolTable& symbols_of(const kernel::Kernel& kernel, const std::string& object) {
    return object == vmlinux ? kernel.symbols() : kernel.module(object).symbols;
}

// The kernel's entry at a place for a name: the same name, else one that differs in the compiler's number.
std::optional<std::size_t> listed_as(const Image& image, const Place& place, std::string_view name) {
    std::optional<std::size_t> similar;
    for (const PlaceName& there : image.names_at(place)) {
        if (!there.index || !diff::same_but_number(name, there.name)) continue;
        if (there.name == name) return there.index;
        if (!similar) similar = there.index;
    }
    return similar;
}

std::string list_of(const Image& image, const std::vector<Fit>& fits) {
    std::string text;
    for (const Fit& fit : fits) text += (text.empty() ? "" : ", ") + image.describe(fit.place);
    return text;
}

// The proof of a function that was found at one place only.
void settle(FunctionProof& proof, const Search& search, const Place& place, const Image& image) {
    const auto index = listed_as(image, place, proof.name);
    if (!index) {
        proof.detail = "the kernel does not list this name at " + image.describe(place);
        return;
    }
    try {
        proof.sympos = image.symbols().sympos(*index);
    } catch (const Error& error) {
        proof.fidelity = Fidelity::ambiguous;
        proof.detail = error.message();
        return;
    }
    proof.fidelity = Fidelity::identical;
    proof.shipped = *index;
    if (!search.witness.empty()) proof.detail = "told from its equals by " + search.witness;
    const auto add = [&](std::string_view how) {
        proof.detail += (proof.detail.empty() ? "shipped with " : "; shipped with ") + std::string(how);
    };
    if (std::ranges::any_of(search.settled->fields, [](const FieldPlace& field) { return field.target.has_value(); }))
        add("branches in their short form");
    if (search.settled->realigned) add("other nops before aligned code");
}

FunctionProof proof_from(const Search& search, const elf::Symbol& symbol, std::int64_t inside, const Image& image) {
    FunctionProof proof;
    proof.original = &symbol;
    proof.name = symbol.name;
    if (!search.conflict.empty()) {
        proof.fidelity = Fidelity::different;
        proof.detail = search.conflict;
    } else if (search.settled) {
        settle(proof, search, search.settled->place + inside, image);
    } else if (search.equal.size() > 1) {
        proof.fidelity = Fidelity::ambiguous;
        proof.detail = "equal to each of " + list_of(image, search.equal);
    } else if (search.name_found) {
        proof.fidelity = Fidelity::different;
        proof.detail = search.nearest ? search.nearest->text : "every equal function refers to other places";
        if (symbol.binding == STB_WEAK)
            proof.detail = "another file overrides this weak function (" + proof.detail + ")";
    } else {
        proof.detail = fmt::format("no symbol of that name in {}", image.symbols().object());
    }
    return proof;
}

}  // namespace

std::string_view name_of(Fidelity fidelity) noexcept {
    switch (fidelity) {
        case Fidelity::identical:
            return "identical";
        case Fidelity::different:
            return "different";
        case Fidelity::missing:
            return "missing";
        case Fidelity::ambiguous:
            return "ambiguous";
    }
    return "unknown";
}

Unit::Unit(const kernel::Kernel& kernel, std::string object, const diff::Decomposition& original)
    : kernel_(kernel), object_(std::move(object)), original_(original.object()), symbols_(symbols_of(kernel, object_)) {
    const auto image = image_of(kernel, object_);
    const Originals originals(original);
    const Matcher matcher(kernel.arch(), *image, originals);
    const Prover prover(originals, *image, matcher);

    for (const auto& symbol : original_.symbols()) {
        const Piece* piece = originals.of(*symbol);
        const auto inside = piece == nullptr ? 0 : static_cast<std::int64_t>(symbol->value - piece->range.begin);
        // What names the nops before a function (objtool --prefix) is no function of its own.
        if (piece != nullptr && symbol->is_function() && inside >= 0) {
            const auto search = prover.searches().find(piece);
            if (search != prover.searches().end()) {
                proof_index_[symbol.get()] = proofs_.size();
                proofs_.push_back(proof_from(search->second, *symbol, inside, *image));
            }
        }
        const void* thing = piece != nullptr ? static_cast<const void*>(piece) : symbol.get();
        const auto witnessed = prover.places().find(thing);
        if (witnessed == prover.places().end()) continue;
        const WitnessedPlace& seen = witnessed->second;
        witnesses_[symbol.get()] = {listed_as(*image, seen.place + inside, symbol->name), seen.witness, seen.conflict};
    }
}

const FunctionProof* Unit::proof_of(const elf::Symbol& original_function) const {
    const auto found = proof_index_.find(&original_function);
    return found == proof_index_.end() ? nullptr : &proofs_[found->second];
}

void Unit::check_changed(const diff::Result& result, Diagnostics& diagnostics) const {
    for (const diff::FunctionChange& function : result.functions) {
        if (function.original == nullptr) continue;
        check_fidelity(function, diagnostics);
        if (function.status != diff::FunctionStatus::changed) continue;
        if (arch::is_traceable_unit(kernel_.arch(), original_, *function.original)) {
            check_hook(function, diagnostics);
            continue;
        }
        diagnostics
            .error("resolve.untraceable", {original_.display_name(), {}, {}},
                   fmt::format("function '{}' cannot be hooked by ftrace", function.name))
            .hint("notrace, noinstr and assembly functions cannot be replaced; patch their callers instead");
    }
}

void Unit::check_hook(const diff::FunctionChange& function, Diagnostics& diagnostics) const {
    const FunctionProof* proof = proof_of(*function.original);
    if (proof == nullptr || proof->fidelity != Fidelity::identical) return;
    const kernel::KernelSymbol& shipped = symbols_.symbols()[proof->shipped];
    const kernel::Hook hook = object_ == "vmlinux" ? kernel::FtraceTable(kernel_).hook_of(shipped.address)
                                                   : kernel::hook_in_module(kernel_, kernel_.module(object_), shipped);
    if (hook.where == kernel::Hook::Where::none) {
        diagnostics
            .error("resolve.untraceable", {original_.display_name(), {}, {}},
                   fmt::format("function '{}' has no ftrace record in {}", function.name, object_))
            .hint("patch its callers instead");
    } else if (hook.where == kernel::Hook::Where::elsewhere) {
        diagnostics
            .error("resolve.hooked-elsewhere", {original_.display_name(), {}, {}},
                   fmt::format("function '{}' would never be replaced: ftrace hooks another place", function.name))
            .note(kernel::problem_of_hook(hook, shipped.address))
            .hint(
                "leave it as it is, and have its callers call a changed copy under another name; one that is called "
                "through "
                "a pointer alone cannot be replaced on this kernel");
    }
}

// Two kinds of patches do this: one moves a function or variable to this file, one overrides a weak function.
// Code that the patch does not touch would go on using what the kernel has, beside the new one.
void Unit::check_new(const diff::Result& result, Diagnostics& diagnostics) const {
    for (const elf::Symbol* symbol : result.new_globals()) {
        if (!has_lasting_global(symbol->name)) continue;
        diagnostics
            .error(
                "resolve.moved", {original_.display_name(), {}, {}},
                fmt::format("'{}' is new in this file, but {} has a global symbol of that name", symbol->name, object_))
            .hint(
                "code that the patch does not change would go on using that one: leave it where it is, or give the "
                "new one another name");
    }
}

// What init code defined may be defined again: nobody can use it any more.
bool Unit::has_lasting_global(std::string_view name) const {
    if (object_ != "vmlinux") {
        return std::ranges::any_of(kernel_.module(object_).object.symbols(), [&](const auto& each) {
            const bool is_init = each->section != nullptr && each->section->name.starts_with(".init");
            return each->is_defined() && !each->is_local() && !is_init && each->name == name;
        });
    }
    return std::ranges::any_of(symbols_.find(name), [&](std::size_t index) {
        const kernel::KernelSymbol& symbol = symbols_.symbols()[index];
        const elf::Section* section = kernel_.section_at(symbol.address);
        const bool is_init = section != nullptr && section->name.starts_with(".init");
        return symbol.may_be_global() && !is_init;
    });
}

void Unit::check_fidelity(const diff::FunctionChange& function, Diagnostics& diagnostics) const {
    const FunctionProof* proof = proof_of(*function.original);
    const Fidelity fidelity = proof != nullptr ? proof->fidelity : Fidelity::missing;
    const Location where{original_.display_name(), {}, {}};
    switch (fidelity) {
        case Fidelity::identical:
            return;
        case Fidelity::different:
            diagnostics
                .error("resolve.fidelity", where,
                       fmt::format("function '{}' is not what {} was shipped with", proof->name, object_))
                .note(proof->detail)
                .hint(kernel::compiler_difference(kernel_).value_or(
                    "the source, the config or the compiler differs from what the kernel was built with"));
            return;
        case Fidelity::ambiguous:
            if (function.status == diff::FunctionStatus::carried) return;  // it replaces none of them
            diagnostics
                .error("resolve.ambiguous", where,
                       fmt::format("several functions '{}' of {} equal the recompiled one", proof->name, object_))
                .note(proof->detail)
                .hint("nothing that is proven refers to this one; which of them is meant cannot be told");
            return;
        case Fidelity::missing:
            diagnostics
                .error("resolve.missing", where,
                       fmt::format("function '{}' is not in {}", function.original->name, object_))
                .note(proof != nullptr ? proof->detail : "the function has no size")
                .hint("the compiler of the kernel may have inlined it, or the file is not in this kernel's config");
            return;
    }
}

}  // namespace klp::resolve
