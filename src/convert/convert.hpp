// SPDX-License-Identifier: GPL-2.0-or-later
// A livepatch module written by hand and built by the kernel's own build becomes one that the livepatch core
// resolves: its references to symbols that no kernel exports become livepatch symbols and relocations.
//
// What a name means is found out without guessing: exported symbols stay as they are; of the others, a name that is
// unique among vmlinux and the patched objects needs no word of the author; any other needs an annotation
// (include/klpkit/livepatch.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/diagnostics.hpp"
#include "format/livepatch.hpp"
#include "kernel/symbol_source.hpp"

namespace klp::convert {

struct ConvertRequest {
    // Objects to look for symbols in; empty: vmlinux and the objects of the module's klp_object tables.
    std::vector<std::string> objects;
};

struct ConvertedSymbol {
    format::SymbolName symbol;
    std::string applied_with;  // the object whose loading applies the relocations
    bool annotated = false;    // the author said which; else the name alone did
    std::uint64_t relocations = 0;
};

struct Conversion {
    std::vector<std::byte> module;         // bytes of the .ko; of the input where nothing was to be done
    bool changed = false;                  // whether anything was
    std::vector<std::string> objects;      // that the module patches
    std::vector<ConvertedSymbol> symbols;  // by object, name, position
    std::uint64_t ordinary_relocations = 0;
    bool signature_dropped = false;
};

// `input`: bytes of a module (not compressed), before or after the last link. Findings have ids `convert.*`; where one
// is an error, this throws with ExitCode::unsafe. Error: no relocatable ELF file, or one of another architecture.
[[nodiscard]] Conversion convert(std::vector<std::byte> input, const std::string& display_name,
                                 const kernel::SymbolSource& symbols, const ConvertRequest& request,
                                 Diagnostics& diagnostics);

// Whether the functions that the module's tables name are there to be replaced. Finding, a warning:
// `convert.function`.
void check_functions(const elf::Object& module, const kernel::SymbolSource& symbols, Diagnostics& diagnostics);

}  // namespace klp::convert
