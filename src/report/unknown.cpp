// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/unknown.hpp"

#include <fmt/format.h>

namespace klp::report {

Json unknown_json(const std::vector<arch::UnknownFeature>& unknown) {
    Json list = Json::array();
    for (const arch::UnknownFeature& each : unknown) list.push_back({{"feature", each.name}, {"effect", each.effect}});
    return list;
}

TargetKernel target_kernel(const kernel::Kernel& kernel) {
    return {kernel.manifest().name, kernel::unknown_features(kernel), kernel::probe(kernel).headers_error};
}

std::string unknown_text(const TargetKernel& kernel) {
    if (kernel.unknown.empty()) return {};
    const auto& reason = kernel.headers_error;
    std::string text = fmt::format("not known of kernel {}{}:\n", printable(kernel.name),
                                   reason ? fmt::format(" ({})", printable(*reason)) : "");
    for (const arch::UnknownFeature& each : kernel.unknown) text += fmt::format("  {}: {}\n", each.name, each.effect);
    return text;
}

}  // namespace klp::report
