// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/features.hpp"

#include <fmt/format.h>

namespace klp::report {

namespace {

template <typename T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json address_or_null(const std::optional<std::uint64_t>& address) {
    return address ? Json(fmt::format("{:#x}", *address)) : Json(nullptr);
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

Json x86_64_json(const arch::KernelFeatures& features) {
    return {{"clear_relocate_add", features.x86.clear_relocate_add},
            {"messages_name_index", features.x86.messages_name_index},
            {"orc_terminator_by_type", features.rewrites.orc_terminator_by_type},
            {"smp_locks", features.rewrites.smp_locks}};
}

Json ppc64le_json(const arch::KernelFeatures& features) {
    const arch::Ppc64Features& ppc64 = features.ppc64;
    const bool old_message = ppc64.nop_message == arch::NopMessage::expect_noop_after_relocate;
    return {{"stubs_zero_terminated", ppc64.stubs_zero_terminated},
            {"accepts_restored_r2", ppc64.accepts_restored_r2},
            {"sort_takes_two", ppc64.sort == arch::HeapSort::takes_two},
            {"nop_message", old_message ? "Expect noop after relocate" : "Expected nop after call"},
            {"ftrace_stubs_use_kernel_toc", ppc64.ftrace_stubs_use_kernel_toc},
            {"out_of_line_stub_size", ppc64.out_of_line_stub_size},
            {"patchable_entry", features.rewrites.ppc64_patchable_entry},
            {"ftrace_caller", address_or_null(ppc64.ftrace_caller)},
            {"ftrace_regs_caller", address_or_null(ppc64.ftrace_regs_caller)},
            {"kernel_toc", address_or_null(ppc64.kernel_toc)},
            {"paca_kernel_toc_offset", or_null(ppc64.paca_kernel_toc_offset)},
            {"paca_thread_info_offset", or_null(ppc64.paca_thread_info_offset)},
            {"livepatch_sp_offset", or_null(ppc64.livepatch_sp_offset)}};
}

Json s390x_json(const arch::KernelFeatures& features) {
    return {{"expoline", features.s390.expoline},
            {"zeroed_stack", features.s390.zeroed_stack},
            {"alternative_size", features.rewrites.s390_alternative_size}};
}

Json arm64_json(const arch::KernelFeatures& features) {
    const arch::Arm64Features& arm64 = features.arm64;
    return {{"init_ftrace_trampoline", arm64.init_ftrace_trampoline},
            {"message_prefix", arm64.message_prefix},
            {"dynamic_scs", features.rewrites.arm64_dynamic_scs},
            {"ftrace_call_ops", arm64.ftrace_call_ops},
            {"ftrace_caller", address_or_null(arm64.ftrace_caller)},
            {"ftrace_nop_ops", address_or_null(arm64.ftrace_nop_ops)}};
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
                 {"vermagic", or_null(loader.vermagic)},
                 {"layout", layout_json(loader.layout)},
                 {"dynamic_ftrace", features.arch.rewrites.dynamic_ftrace},
                 {"jump_label", features.arch.rewrites.jump_label},
                 {"static_call_inline", features.arch.rewrites.static_call_inline},
                 {"unknown", features.unknown},
                 {"headers_error", or_null(features.headers_error)}};
    if (arch == "x86_64") json["x86_64"] = x86_64_json(features.arch);
    if (arch == "ppc64le") json["ppc64le"] = ppc64le_json(features.arch);
    if (arch == "s390x") json["s390x"] = s390x_json(features.arch);
    if (arch == "arm64") json["arm64"] = arm64_json(features.arch);
    return json;
}

}  // namespace klp::report
