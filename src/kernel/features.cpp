// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/features.hpp"

#include <fmt/format.h>

#include "kernel/compiler.hpp"
#include "kernel/feature_facts.hpp"
#include "kernel/ftrace_table.hpp"
#include "kernel/selection.hpp"

namespace klp::kernel {

namespace {

// struct module_memory came with the areas; so did the name of the function that lays them out.
std::optional<ModuleAreas> areas_of(const FeatureFacts& facts) {
    const auto by_type = facts.is_defined("module_memory");
    if (by_type) return *by_type ? ModuleAreas::by_type : ModuleAreas::core_and_init;
    if (facts.has_symbol("module_get_offset_and_type")) return ModuleAreas::by_type;
    if (facts.has_symbol("module_get_offset")) return ModuleAreas::core_and_init;
    return std::nullopt;
}

std::optional<StructLayout> layout_of(const FeatureFacts& facts) {
    StructLayout layout;
    for (const LayoutField& field : layout_fields()) {
        const auto value = facts.header(field.name);
        if (!value) return std::nullopt;
        layout.*field.member = *value;
    }
    return layout;
}

void read_config(const arch::Derivation& derivation, LoaderFeatures& loader) {
    const auto enabled = [&](std::string_view option) { return derivation.enabled(option); };
    loader.livepatch = enabled("CONFIG_LIVEPATCH");
    loader.reliable_stack = enabled("CONFIG_STACKTRACE") && enabled("CONFIG_HAVE_RELIABLE_STACKTRACE");
    loader.strict_module_rwx = enabled("CONFIG_STRICT_MODULE_RWX");
    loader.module_unload = enabled("CONFIG_MODULE_UNLOAD");
    loader.force_load = enabled("CONFIG_MODULE_FORCE_LOAD");
    loader.modversions = enabled("CONFIG_MODVERSIONS");
    loader.module_sig = enabled("CONFIG_MODULE_SIG");
    loader.module_sig_force = enabled("CONFIG_MODULE_SIG_FORCE");
    loader.btf_modules = enabled("CONFIG_DEBUG_INFO_BTF_MODULES");
    loader.allows_btf_mismatch = enabled("CONFIG_MODULE_ALLOW_BTF_MISMATCH");
    loader.smp = enabled("CONFIG_SMP");
    loader.kallsyms_all = enabled("CONFIG_KALLSYMS_ALL");
    loader.needs_retpoline = enabled("CONFIG_RETPOLINE") || enabled("CONFIG_MITIGATION_RETPOLINE");
    loader.allows_missing_namespaces = enabled("CONFIG_MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS");
    loader.prel32 = enabled("CONFIG_HAVE_ARCH_PREL32_RELOCATIONS");
}

void read_image(const FeatureFacts& facts, LoaderFeatures& loader) {
    loader.clears_livepatch_relocations = facts.has_symbol("clear_relocate_add");
    loader.applies_vmlinux_relocations_at_load = facts.has_symbol("klp_apply_section_relocs");
    loader.processes_arch_sections = facts.has_symbol("arch_klp_init_object_loaded");
    loader.keeps_vmlinux_symbols_apart =
        facts.has_text("invalid access to vmlinux symbol '%s' from module-specific livepatch relocation section");
    if (loader.areas != ModuleAreas::by_type) return;  // what follows came later
    loader.export_flags = facts.has_symbol(export_flags_symbol);
    loader.relocates_percpu = loader.export_flags;
    loader.init_eexist_is_busy = loader.export_flags;
    loader.tells_btf_mismatch_once = facts.has_text("Kernel module BTF mismatch detected");
    loader.marks_ro_after_init = facts.has_symbol("module_mark_ro_after_init");
    loader.strict_elf_checks = facts.has_text("symbol string table missing leading NUL");
    loader.livepatch_symbol_message_names_index =
        facts.has_text("symbol %s at rela sec %u idx %d is not marked as a livepatch symbol");
}

// struct module_layout core_layout and init_layout, or struct module_memory mem[MOD_MEM_NUM_TYPES].
std::vector<std::uint64_t> module_sizes(const FeatureFacts& facts) {
    constexpr unsigned types = 7;
    std::vector<std::uint64_t> sizes;
    for (const char* name : {"module_core_size", "module_init_size"})
        if (const auto offset = facts.header(name)) sizes.push_back(*offset);
    const auto first = facts.header("module_memories"), size = facts.header("module_memory"),
               field = facts.header("module_memory_size");
    for (unsigned i = 0; first && size && field && i < types; ++i) sizes.push_back(*first + i * *size + *field);
    return sizes;
}

// Kernels with one core and one init area keep symbols in no other bounds.
std::optional<bool> keeps_symbols_within_memory(const FeatureFacts& facts, const LoaderFeatures& loader) {
    if (loader.areas != ModuleAreas::by_type) return false;
    return facts.source_says(kallsyms_question.name);
}

LoaderFeatures loader_features(const FeatureFacts& facts, const Config& config, const arch::KernelProbe& probe) {
    arch::Derivation derivation(facts, [&](std::string_view option) { return config.enabled(option); });
    LoaderFeatures loader;
    derivation.settle(loader.areas, areas_of(facts), "loader.areas",
                      "the memory of modules is modelled as one core and one init area, as before Linux 6.4");
    read_config(derivation, loader);
    read_image(facts, loader);
    loader.checks_names_first = facts.source_says(names_question.name).value_or(false);
    derivation.settle(loader.kallsyms_within_memory, keeps_symbols_within_memory(facts, loader),
                      "loader.kallsyms_within_memory",
                      "an address in front of the first symbol of a module's memory is taken to have a symbol");
    derivation.settle(loader.page_size, probe.page_size(derivation), "loader.page_size",
                      "pages are taken to have 4096 bytes");
    if (derivation.enabled("CONFIG_DYNAMIC_FTRACE"))
        derivation.settle(loader.ftrace_record_size, facts.header("dyn_ftrace"), "loader.ftrace_record_size",
                          "which record of ftrace is met for a function was told for those of the usual size");
    derivation.settle(loader.module_area, probe.module_area(derivation), "loader.module_area",
                      "modules are modelled at addresses of which none may be the kernel's");
    derivation.settle(loader.vermagic, facts.vermagic, "loader.vermagic", "vermagic was not compared");
    derivation.settle(loader.layout, layout_of(facts), "loader.layout",
                      "the sizes of struct module, klp_object and klp_func were not compared");
    loader.module_init = facts.header("module_init");
    loader.module_exit = facts.header("module_exit");
    loader.module_sizes = module_sizes(facts);
    loader.unknown = derivation.unknown();
    return loader;
}

// nullopt where it is missing: then the headers cannot be asked, and that answer is not kept.
std::optional<std::string> compiler_of_facts(const Kernel& kernel) {
    try {
        return kernel.compiler().identity;
    } catch (const NoCompiler&) {
        return std::nullopt;
    }
}

// Whatever the answers depend on, but for the compiler.
std::vector<std::string> origin_of_facts(const Kernel& kernel) {
    std::vector<std::string> origin = {"6"};
    for (const arch::HeaderQuestion& each : header_questions(kernel.arch()))
        origin.push_back(fmt::format("{}={}", each.name, each.expression));
    for (const arch::SourceQuestion& each : source_questions(kernel.arch()))
        origin.push_back(fmt::format("{}={}", each.file, each.text));
    const arch::KernelProbe& probe = kernel.arch().kernel_probe();
    for (const auto& names : {probe.symbols(), probe.image_symbols(), probe.texts()})
        for (const std::string_view name : names) origin.emplace_back(name);
    for (const fs::path& file : {kernel.vmlinux_path(), kernel.manifest().source / "include/config/auto.conf"}) {
        std::error_code missing;
        const auto size = fs::file_size(file, missing);
        const auto time = fs::last_write_time(file, missing);
        if (!missing) origin.push_back(fmt::format("{} {}", size, time.time_since_epoch().count()));
    }
    return origin;
}

FeatureFacts facts_of(const Kernel& kernel) {
    const DerivedFile file = kernel.derived("features", origin_of_facts(kernel));
    const std::optional<std::string> compiler = compiler_of_facts(kernel);
    if (const auto text = file.load()) {
        // The first line is the compiler's. What it said stays true where it is no longer there.
        const std::size_t end = text->find('\n');
        if (!compiler || text->substr(0, end) == *compiler) return facts_from_json(text->substr(end + 1), file.path());
    }
    FeatureFacts facts = ask(kernel);
    // A compiler that is missing today may be there tomorrow.
    if (compiler && !facts.headers_error) file.store(*compiler + "\n" + to_json(facts));
    return facts;
}

}  // namespace

Features features_from(const FeatureFacts& facts, const Config& config, const arch::Arch& arch) {
    arch::Derivation derivation(facts, [&](std::string_view option) { return config.enabled(option); });
    Features features;
    features.arch = arch.kernel_probe().derive(derivation);
    features.unknown = derivation.unknown();
    features.loader = loader_features(facts, config, arch.kernel_probe());
    for (const arch::SpecialSection& special : arch.special_sections())
        if (const auto size = facts.header(special.name))
            features.entry_sizes.emplace_back(special.name, static_cast<std::uint32_t>(*size));
    features.headers_error = facts.headers_error;
    return features;
}

Features probe_features(const Kernel& kernel) {
    return features_from(facts_of(kernel), kernel.config(), kernel.arch());
}

const Features& probe(const Kernel& kernel) {
    return kernel.features();
}

std::vector<arch::UnknownFeature> unknown_features(const Kernel& kernel) {
    const Features& features = probe(kernel);
    std::vector<arch::UnknownFeature> unknown = features.loader.unknown;
    unknown.insert(unknown.end(), features.unknown.begin(), features.unknown.end());
    if (!FtraceTable(kernel).known())
        unknown.push_back({"loader.ftrace_sites", "whether ftrace can hook functions of vmlinux was not checked"});
    return unknown;
}

}  // namespace klp::kernel
