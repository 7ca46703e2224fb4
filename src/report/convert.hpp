// SPDX-License-Identifier: GPL-2.0-or-later
// What `klp convert` did, for people and for programs.
#pragma once

#include <string>

#include "convert/convert.hpp"
#include "report/text.hpp"

namespace klp::report {

struct ConvertReport {
    const convert::Conversion& conversion;
    std::string input;
    std::string output;
    std::string kernel;  // release
    bool is_signed = false;
};

[[nodiscard]] Json convert_json(const ConvertReport& report);
[[nodiscard]] std::string convert_text(const ConvertReport& report);

}  // namespace klp::report
