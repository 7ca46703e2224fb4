// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/features.hpp"

#include <fmt/format.h>

namespace klp::report {

namespace {

template <typename T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json areas_json(const std::optional<kernel::ModuleAreas>& areas) {
    if (!areas) return nullptr;
    return *areas == kernel::ModuleAreas::by_type ? "by-type" : "core-and-init";
}

Json layout_json(const std::optional<kernel::StructLayout>& layout) {
    if (!layout) return nullptr;
    Json fields = Json::object();
    for (const kernel::LayoutField& field : kernel::layout_fields())
        fields[std::string(field.name)] = (*layout).*field.member;
    return fields;
}

// The effects are for those that relied on the features (report/unknown.hpp).
std::vector<std::string> names_of(const std::vector<arch::UnknownFeature>& unknown) {
    std::vector<std::string> names;
    for (const arch::UnknownFeature& each : unknown) names.push_back(each.name);
    return names;
}

}  // namespace

Json features_json(const kernel::Features& features, std::string_view arch) {
    const kernel::LoaderFeatures& loader = features.loader;
    Json json = {{"areas", areas_json(loader.areas)},
                 {"clears_livepatch_relocations", loader.clears_livepatch_relocations},
                 {"applies_vmlinux_relocations_at_load", loader.applies_vmlinux_relocations_at_load},
                 {"strict_module_rwx", loader.strict_module_rwx},
                 {"module_unload", loader.module_unload},
                 {"modversions", loader.modversions},
                 {"smp", loader.smp},
                 {"kallsyms_all", loader.kallsyms_all},
                 {"page_size", or_null(loader.page_size)},
                 {"ftrace_record_size", or_null(loader.ftrace_record_size)},
                 {"vermagic", or_null(loader.vermagic)},
                 {"layout", layout_json(loader.layout)},
                 {"dynamic_ftrace", features.arch->dynamic_ftrace},
                 {"jump_label", features.arch->jump_label},
                 {"static_call_inline", features.arch->static_call_inline},
                 {"unknown", names_of(features.unknown)},
                 {"headers_error", or_null(features.headers_error)}};
    json[std::string(arch)] = features.arch->to_json();
    return json;
}

}  // namespace klp::report
