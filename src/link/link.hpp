// SPDX-License-Identifier: GPL-2.0-or-later
// Extracted objects, with every reference resolved, become one livepatch module.
#pragma once

#include <string>
#include <vector>

#include "base/progress.hpp"
#include "diff/diff.hpp"
#include "kernel/kernel.hpp"
#include "resolve/resolve.hpp"

namespace klp::link {

struct PatchedFunction {
    std::string name;                    // old_name, as in kallsyms of the object
    std::uint32_t sympos = 0;            // old_sympos
    elf::Symbol* replacement = nullptr;  // in the unit's extracted object
};

// What one translation unit contributes.
struct UnitPart {
    std::string object;  // "vmlinux" or the patched module
    std::string source;  // path in the tree, for messages
    elf::Object* extracted = nullptr;
    std::vector<PatchedFunction> functions;
    std::vector<diff::Callback> callbacks;
    std::vector<diff::Reference> references;
    std::vector<resolve::Resolution> resolutions;  // by index of references
};

struct ModuleRequest {
    std::string name;     // of the module: klp::is_module_name()
    bool replace = true;  // klp_patch.replace
    std::vector<UnitPart> units;
    std::vector<std::pair<std::string, std::string>> modinfo;  // keys and values to add; no zero bytes
};

// Sizes of entries of special sections that only the kernel's headers know (arch::EntrySize::expression),
// by section name: for diff::decompose(). They come with the code and data that each livepatch module of this kernel
// has in common, compiled once a kernel and kept in its cache folder. Error: the compiler or the prepared tree fails.
[[nodiscard]] diff::EntrySizes entry_sizes(const kernel::Kernel& kernel);

// The bytes of the finished .ko. Findings have ids `make.*`; where one is an error, this throws with
// ExitCode::unsafe. The extracted objects are as before when it returns.
[[nodiscard]] std::vector<std::byte> link(const kernel::Kernel& kernel, const ModuleRequest& request,
                                          Diagnostics& diagnostics);

}  // namespace klp::link
