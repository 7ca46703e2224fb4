// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/features.hpp"

#include <fmt/format.h>

#include "kernel/feature_facts.hpp"

namespace klp::kernel {

namespace {

class Derivation {
public:
    Derivation(const FeatureFacts& facts, const Config& config, std::string_view arch)
        : facts_(facts), config_(config), arch_(arch) {}

    Features run() {
        features_.headers_error = facts_.headers_error;
        rewrites();
        loader();
        if (arch_ == "x86_64") x86_64();
        if (arch_ == "ppc64le") ppc64le();
        if (arch_ == "s390x") s390x();
        if (arch_ == "arm64") arm64();
        return std::move(features_);
    }

private:
    // Leaves `feature` as it is where nothing tells.
    template <typename T, typename Value>
    void settle(T& feature, const std::optional<Value>& value, std::string_view name) {
        if (!value) {
            features_.unknown.emplace_back(name);
        } else if constexpr (requires { typename T::value_type; }) {
            feature = static_cast<typename T::value_type>(*value);
        } else {
            feature = static_cast<T>(*value);
        }
    }
    [[nodiscard]] bool enabled(std::string_view option) const { return config_.enabled(option); }
    [[nodiscard]] std::optional<arch::HeapSort> heap_sort() const {
        if (!facts_.source_sort_takes_two) return std::nullopt;
        return *facts_.source_sort_takes_two ? arch::HeapSort::takes_two : arch::HeapSort::takes_one;
    }

    void rewrites();
    void loader();
    void x86_64();
    void ppc64le();
    void s390x();
    void arm64();
    [[nodiscard]] std::optional<ModuleAreas> areas() const;
    [[nodiscard]] std::optional<std::uint64_t> page_size() const;
    [[nodiscard]] std::optional<StructLayout> layout() const;

    const FeatureFacts& facts_;
    const Config& config_;
    std::string_view arch_;
    Features features_;
};

void Derivation::rewrites() {
    arch::RewriteFeatures& rewrites = features_.arch.rewrites;
    rewrites.dynamic_ftrace = enabled("CONFIG_DYNAMIC_FTRACE");
    rewrites.jump_label = enabled("CONFIG_JUMP_LABEL");
    rewrites.static_call_inline = enabled("CONFIG_HAVE_STATIC_CALL_INLINE");
    rewrites.smp_locks = facts_.has_symbol("alternatives_smp_module_add");
    rewrites.ppc64_patchable_entry = enabled("CONFIG_ARCH_USING_PATCHABLE_FUNCTION_ENTRY");
    rewrites.arm64_dynamic_scs = enabled("CONFIG_UNWIND_PATCH_PAC_INTO_SCS");
}

void Derivation::loader() {
    LoaderFeatures& loader = features_.loader;
    loader.areas = areas();
    loader.clears_livepatch_relocations = facts_.has_symbol("clear_relocate_add");
    loader.applies_vmlinux_relocations_at_load = facts_.has_symbol("klp_apply_section_relocs");
    loader.strict_module_rwx = enabled("CONFIG_STRICT_MODULE_RWX");
    loader.module_unload = enabled("CONFIG_MODULE_UNLOAD");
    loader.modversions = enabled("CONFIG_MODVERSIONS");
    loader.smp = enabled("CONFIG_SMP");
    loader.kallsyms_all = enabled("CONFIG_KALLSYMS_ALL");
    loader.page_size = page_size();
    loader.vermagic = facts_.vermagic;
    loader.layout = layout();
}

// struct module_memory came with the areas; so did the name of the function that lays them out.
std::optional<ModuleAreas> Derivation::areas() const {
    const auto by_type = facts_.is_defined("module_memory");
    if (by_type) return *by_type ? ModuleAreas::by_type : ModuleAreas::core_and_init;
    if (facts_.has_symbol("module_get_offset_and_type")) return ModuleAreas::by_type;
    if (facts_.has_symbol("module_get_offset")) return ModuleAreas::core_and_init;
    return std::nullopt;
}

std::optional<std::uint64_t> Derivation::page_size() const {
    if (arch_ == "x86_64" || arch_ == "s390x") return 4096;
    const std::string_view prefix = arch_ == "ppc64le" ? "CONFIG_PPC" : "CONFIG_ARM64";
    for (const std::uint64_t kib : {4, 16, 64, 256})
        if (enabled(fmt::format("{}_{}K_PAGES", prefix, kib))) return kib * 1024;
    return std::nullopt;
}

std::optional<StructLayout> Derivation::layout() const {
    StructLayout layout;
    for (const LayoutField& field : layout_fields()) {
        const auto value = facts_.header(field.name);
        if (!value) return std::nullopt;
        layout.*field.member = *value;
    }
    return layout;
}

void Derivation::x86_64() {
    // The livepatch core has a weak one of its own, for architectures that clear nothing.
    const auto clears = facts_.symbols.find("clear_relocate_add");
    features_.arch.x86.clear_relocate_add = clears != facts_.symbols.end() && clears->second.type == 'T';
    features_.arch.x86.messages_name_index = facts_.has_text("existing value is nonzero for sec %");
    settle(features_.arch.rewrites.orc_terminator_by_type, facts_.is_defined("orc_type_undefined"),
           "rewrites.orc_terminator_by_type");
}

void Derivation::ppc64le() {
    arch::Ppc64Features& ppc64 = features_.arch.ppc64;
    const auto counts_stubs = facts_.is_defined("module_stub_count");
    settle(ppc64.stubs_zero_terminated, counts_stubs ? std::optional(!*counts_stubs) : std::nullopt,
           "ppc64.stubs_zero_terminated");
    settle(ppc64.accepts_restored_r2, facts_.source_accepts_restored_r2, "ppc64.accepts_restored_r2");
    settle(ppc64.sort, heap_sort(), "ppc64.sort");
    if (facts_.has_text("Expect noop after relocate")) {
        ppc64.nop_message = arch::NopMessage::expect_noop_after_relocate;
    } else if (facts_.has_text("Expected nop after call")) {
        ppc64.nop_message = arch::NopMessage::expected_nop_after_call;
    } else {
        features_.unknown.emplace_back("ppc64.nop_message");
    }
    ppc64.dynamic_ftrace = enabled("CONFIG_DYNAMIC_FTRACE");
    ppc64.dynamic_ftrace_with_regs = enabled("CONFIG_DYNAMIC_FTRACE_WITH_REGS");
    ppc64.ftrace_stubs_use_kernel_toc =
        enabled("CONFIG_MPROFILE_KERNEL") || enabled("CONFIG_ARCH_USING_PATCHABLE_FUNCTION_ENTRY");
    if (enabled("CONFIG_PPC_FTRACE_OUT_OF_LINE"))
        settle(ppc64.out_of_line_stub_size, facts_.header("ftrace_ool_stub"), "ppc64.out_of_line_stub_size");
    settle(ppc64.ftrace_caller, facts_.address_of("ftrace_caller"), "ppc64.ftrace_caller");
    settle(ppc64.ftrace_regs_caller, facts_.address_of("ftrace_regs_caller"), "ppc64.ftrace_regs_caller");
    settle(ppc64.kernel_toc, facts_.toc, "ppc64.kernel_toc");
    settle(ppc64.paca_kernel_toc_offset, facts_.header("paca_kernel_toc"), "ppc64.paca_kernel_toc_offset");
    settle(ppc64.paca_thread_info_offset, facts_.header("paca_thread_info"), "ppc64.paca_thread_info_offset");
    settle(ppc64.livepatch_sp_offset, facts_.header("livepatch_sp"), "ppc64.livepatch_sp_offset");
}

void Derivation::s390x() {
    // Without CONFIG_EXPOLINE_OFF they are on, or (CONFIG_EXPOLINE_AUTO) left to the machine.
    features_.arch.s390.expoline = enabled("CONFIG_EXPOLINE") && !enabled("CONFIG_EXPOLINE_OFF");
    if (enabled("CONFIG_EXPOLINE_AUTO")) features_.unknown.emplace_back("s390.expoline");
    features_.arch.s390.zeroed_stack = enabled("CONFIG_INIT_STACK_ALL_ZERO");
    settle(features_.arch.rewrites.s390_alternative_size, facts_.header("alt_instr"), "rewrites.s390_alternative_size");
}

void Derivation::arm64() {
    arch::Arm64Features& arm64 = features_.arch.arm64;
    if (enabled("CONFIG_ARM64_ERRATUM_843419")) features_.unknown.emplace_back("arm64.erratum_843419");
    settle(arm64.sort, heap_sort(), "arm64.sort");
    arm64.module_unload = enabled("CONFIG_MODULE_UNLOAD");
    if (enabled("CONFIG_DYNAMIC_FTRACE"))
        settle(arm64.ftrace_caller, facts_.address_of("ftrace_caller"), "arm64.ftrace_caller");
    arm64.init_ftrace_trampoline = facts_.has_text(".init.text.ftrace_trampoline");
    arm64.message_prefix = facts_.has_text("Modules: module %s: unsupported RELA relocation") ? "Modules: " : "";
    arm64.ftrace_call_ops = enabled("CONFIG_DYNAMIC_FTRACE_WITH_CALL_OPS");
    if (arm64.ftrace_call_ops)
        settle(arm64.ftrace_nop_ops, facts_.address_of("ftrace_nop_ops"), "arm64.ftrace_nop_ops");
}

// Whatever the answers depend on.
std::string cache_key(const Kernel& kernel) {
    const Manifest& manifest = kernel.manifest();
    std::string inputs = fmt::format("3\n{}\n{}\n{}\n", manifest.release, manifest.arch, manifest.source.string());
    for (const HeaderQuestion& each : header_questions()) inputs += fmt::format("{}={}\n", each.name, each.expression);
    for (const fs::path& file : {manifest.vmlinux, manifest.source / "include/config/auto.conf"}) {
        std::error_code missing;
        const auto size = fs::file_size(file, missing);
        const auto time = fs::last_write_time(file, missing);
        if (!missing) inputs += fmt::format("{} {}\n", size, time.time_since_epoch().count());
    }
    return sha256_hex(as_bytes(inputs)).substr(0, 24);
}

FeatureFacts facts_of(const Kernel& kernel) {
    const fs::path file = kernel.cache_folder() / fmt::format("features-{}.json", cache_key(kernel));
    if (fs::exists(file)) return facts_from_json(read_text(file), file);
    FeatureFacts facts = ask(kernel);
    // A compiler that is missing today may be there tomorrow.
    if (!facts.headers_error) write_file(file, to_json(facts));
    return facts;
}

}  // namespace

Features features_from(const FeatureFacts& facts, const Config& config, std::string_view arch) {
    return Derivation(facts, config, arch).run();
}

Features probe(const Kernel& kernel) {
    return features_from(facts_of(kernel), kernel.config(), kernel.manifest().arch);
}

arch::KernelFeatures probe_features(const Kernel& kernel) {
    return probe(kernel).arch;
}

}  // namespace klp::kernel
