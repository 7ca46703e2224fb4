// SPDX-License-Identifier: GPL-2.0-or-later
// For declarations that name Json; base/json.hpp has the rest.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace klp {

using Json = nlohmann::ordered_json;

}  // namespace klp
