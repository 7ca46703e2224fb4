// SPDX-License-Identifier: GPL-2.0-or-later
// JSON, for reports and for the program's own caches. Instantiated once, in json.cpp: that takes seconds a unit.
#pragma once

#include <nlohmann/json.hpp>

namespace klp {

// Keys stay in the order in which they were set: reports are reproducible, and read like their description.
using Json = nlohmann::ordered_json;

}  // namespace klp

extern template class nlohmann::basic_json<nlohmann::ordered_map>;
