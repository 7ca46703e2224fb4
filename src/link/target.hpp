// SPDX-License-Identifier: GPL-2.0-or-later
// What the link of a module needs to know of its kernel.
#pragma once

#include <vector>

#include "link/link.hpp"
#include "link/module_common.hpp"

namespace klp::link {

struct Target {
    const arch::Arch& arch;
    const kernel::Exports& exports;
    bool has_versions = false;  // CONFIG_MODVERSIONS
    const ModuleCommon& common;
};

[[nodiscard]] std::vector<std::byte> link(const Target& target, const ModuleRequest& request, Diagnostics& diagnostics);

}  // namespace klp::link
