// SPDX-License-Identifier: GPL-2.0-or-later
// What a module asks to have loaded before it, where there is such a thing: MODULE_SOFTDEP("pre: crc32c") in
// include/linux/module.h. modprobe honours it, and some modules do not load without: libcrc32c's init looks for an
// algorithm that crc32c_generic brings. The names are those of modules, or aliases of them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "elf/object.hpp"
#include "kernel/module.hpp"

namespace klp::kernel {

// The names after "pre:", '-' as '_'.
[[nodiscard]] std::vector<std::string> soft_dependencies_of(const elf::Object& module);

// The aliases of all modules. Packages come without the modules.alias that depmod makes at installation.
class ModuleAliases {
public:
    // Opens every module, which takes seconds: the list is kept in the kernel's cache.
    [[nodiscard]] static ModuleAliases read(const ModuleFiles& files, const Kernel& kernel);
    [[nodiscard]] std::vector<std::string> modules_of(std::string_view name) const;

private:
    std::vector<std::pair<std::string, std::string>> modules_;  // by alias, which may be a shell pattern
};

}  // namespace klp::kernel
