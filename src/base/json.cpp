// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/json.hpp"

template class nlohmann::basic_json<nlohmann::ordered_map>;
