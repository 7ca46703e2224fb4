// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a change of a Makefile matters to a kernel.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace klp::source {

[[nodiscard]] bool is_makefile(std::string_view path);

// Whether all lines that two texts of a Makefile do not share are comments, empty, or assignments to a variable whose
// name ends with an option that is not enabled: `obj-$(CONFIG_NEW) += new.o`. Lines may be inserted or removed, not
// moved. `is_enabled` is asked for "CONFIG_NEW".
[[nodiscard]] bool is_for_other_configurations(std::string_view before, std::string_view after,
                                               const std::function<bool(std::string_view)>& is_enabled);

// The objects that a changed Makefile or Kbuild names in addition, where nothing else changes: in lists that had
// objects before. nullopt: something else changes, or nothing is added.
[[nodiscard]] std::optional<std::set<std::string>> added_objects(std::string_view before, std::string_view after);

}  // namespace klp::source
