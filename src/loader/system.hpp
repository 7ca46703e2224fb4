// SPDX-License-Identifier: GPL-2.0-or-later
// The running system as far as modules see it: the kernel, the modules that are loaded, what has tainted it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "loader/address_space.hpp"
#include "loader/features.hpp"
#include "loader/journal.hpp"
#include "loader/module.hpp"

namespace klp::loader {

// Messages that are printed once, or not to a kernel that is tainted already.
struct Taints {
    bool out_of_tree = false;
    bool proprietary = false;
    bool forced = false;
    bool staging = false;
    bool test = false;
    bool told_livepatch = false;
    bool told_unsigned = false;
    bool told_btf_mismatch = false;
    bool told_no_extended_version = false;
};

struct System {
    System(const kernel::Kernel& target, Options user_options)
        : kernel(target),
          options(std::move(user_options)),
          features(features_of(target, options)),
          space(features.first_address, features.page_bytes) {}

    const kernel::Kernel& kernel;
    Options options;
    Features features;
    AddressSpace space;
    Taints taints;
    std::string first_livepatch;  // whose sections Options::addresses names without a module
    std::map<std::string, unsigned, std::less<>> times_loaded;  // by module name, the present time included
    std::uint64_t percpu_used = 0;                              // bytes of the reserved per-CPU chunk
    std::vector<std::unique_ptr<Module>> modules;               // in the order of loading

    // kernel/module/main.c:find_module: formed or, with `even_unformed`, being loaded.
    [[nodiscard]] Module* find_module(std::string_view name, bool even_unformed = false) const {
        for (const auto& module : modules) {
            if (module->name == name && (even_unformed || module->state != LoadState::unformed)) return module.get();
        }
        return nullptr;
    }
};

}  // namespace klp::loader
