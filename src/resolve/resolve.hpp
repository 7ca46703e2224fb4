// SPDX-License-Identifier: GPL-2.0-or-later
// The proof that what was recompiled is what is shipped, and the place of every symbol that a livepatch needs.
//
// Fidelity: each original function is searched in the shipped kernel object by name, its bytes compared with
// relocation fields aside, and the fields are checked against what they should refer to.
// Witness: a proven function's field at a known place says at which address a symbol lives; name and address
// give the `sympos` that the kernel counts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/diagnostics.hpp"
#include "diff/diff.hpp"
#include "elf/object.hpp"
#include "kernel/kernel.hpp"

namespace klp::resolve {

enum class Fidelity {
    identical,  // equal bytes, and every field refers to what it should
    different,  // found under its name, but not equal: `detail` says where
    missing,    // no symbol of that name in the kernel object
    ambiguous,  // several shipped functions of that name equal it
};

// "identical" and the like; stable.
[[nodiscard]] std::string_view name_of(Fidelity fidelity) noexcept;

struct FunctionProof {
    const elf::Symbol* original = nullptr;  // in the original object
    std::string name;
    Fidelity fidelity = Fidelity::missing;
    std::size_t shipped = 0;   // index in the kernel object's SymbolTable (identical only)
    std::uint32_t sympos = 0;  // of the shipped function (identical only)
    std::string detail;        // for people, with shipped and recompiled bytes or targets
};

using Names = std::set<std::string, std::less<>>;
using NamesByObject = std::map<std::string, Names, std::less<>>;

// Where a needed symbol is had from.
struct Resolution {
    enum class Kind {
        exported,   // by vmlinux: an ordinary undefined symbol, with its CRC
        livepatch,  // .klp.sym.OBJECT.NAME,SYMPOS
        internal,   // defined by another unit of the same livepatch, under `name`
    };
    Kind kind = Kind::livepatch;
    std::string object;  // "vmlinux" or a module
    std::string name;    // as in kallsyms
    std::uint32_t sympos = 0;
    std::string how;  // for people: "unique name", "witness meminfo_proc_show+0x1f", "export"
};

// One translation unit's original object against the kernel object it was linked into.
class Unit {
public:
    // `object` is "vmlinux" or a module's name. Proves every function of `original` that can be proven.
    // The object of `original` must outlive it.
    Unit(const kernel::Kernel& kernel, std::string object, const diff::Decomposition& original);

    [[nodiscard]] const std::string& object() const noexcept { return object_; }
    [[nodiscard]] const std::vector<FunctionProof>& proofs() const noexcept { return proofs_; }
    [[nodiscard]] const FunctionProof* proof_of(const elf::Symbol& original_function) const;

    // Findings about changed functions and their parts: `resolve.fidelity` (not what is shipped),
    // `resolve.missing` (not in the kernel object), `resolve.ambiguous`, `resolve.untraceable` (ftrace cannot hook it),
    // `resolve.hooked-elsewhere` (the kernel would take another function's ftrace record for it).
    void check_changed(const diff::Result& result, Diagnostics& diagnostics) const;

    // Finding `resolve.moved`: what is new in this file has the name of a global symbol of the kernel object.
    void check_new(const diff::Result& result, Diagnostics& diagnostics) const;

    // A resolution for each of result.references, by index. Findings: `resolve.unresolved`,
    // `resolve.ambiguous` (with the candidates and their addresses), `resolve.module-export`, `resolve.conflict`
    // (two witnesses disagree), `resolve.init` (gone after a module's init). A failed resolution has no object.
    // `brought`: diff::Result::new_globals() of the livepatch's units.
    [[nodiscard]] std::vector<Resolution> resolve(const diff::Result& result, Diagnostics& diagnostics,
                                                  const NamesByObject& brought = {}) const;

private:
    // What proven bytes say about a symbol of the original object.
    struct Witness {
        std::optional<std::size_t> shipped;  // index in the SymbolTable; none where the kernel lists no such name there
        std::string how;
        std::string conflict;  // not empty where two witnesses disagree
    };
    friend class Resolver;

    void check_hook(const diff::FunctionChange& function, Diagnostics& diagnostics) const;
    void check_fidelity(const diff::FunctionChange& function, Diagnostics& diagnostics) const;
    [[nodiscard]] bool has_lasting_global(std::string_view name) const;

    const kernel::Kernel& kernel_;
    std::string object_;
    const elf::Object& original_;
    const kernel::SymbolTable& symbols_;
    std::vector<FunctionProof> proofs_;
    std::map<const elf::Symbol*, std::size_t> proof_index_;
    std::map<const elf::Symbol*, Witness> witnesses_;
};

}  // namespace klp::resolve
