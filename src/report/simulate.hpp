// SPDX-License-Identifier: GPL-2.0-or-later
// What `klp simulate` says: the events, what each made the kernel do, and the modules as they are at the end.
#pragma once

#include <string>
#include <vector>

#include "loader/simulation.hpp"
#include "report/text.hpp"
#include "report/unknown.hpp"

namespace klp::report {

using Events = std::vector<loader::EventReport>;
using Modules = std::vector<const loader::LoadedModule*>;

// The keys are described in docs/json.md.
[[nodiscard]] Json simulate_json(const TargetKernel& kernel, const Events& events, const Modules& modules);

// `verbose`: each place that was written, with old and new bytes. What nothing tells of the kernel comes last.
[[nodiscard]] std::string simulate_text(const TargetKernel& kernel, const Events& events, const Modules& modules,
                                        bool verbose);

// The module's sections, rewrites and live data alone: the "modules" element of simulate_json().
[[nodiscard]] Json loaded_module_json(const loader::LoadedModule& module);

}  // namespace klp::report
