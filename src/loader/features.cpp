// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/features.hpp"

#include "arch/module_loading.hpp"

namespace klp::loader {

Features features_from(const kernel::Features& probed, const arch::ModuleLoading& loading, const Options& options) {
    Features features;
    static_cast<kernel::LoaderFeatures&>(features) = probed.loader;
    features.arch = probed.arch->with({options.clear_relocations, options.livepatch_stubs});
    if (options.clear_relocations) features.clears_livepatch_relocations = *options.clear_relocations;
    features.ftrace_sites = loading.ftrace_sites(*features.arch);
    features.separate_memories = features.areas == kernel::ModuleAreas::by_type;
    features.static_call_inline = features.arch->static_call_inline;
    features.init_sections = loading.has_init_sections();
    features.page_bytes = features.page_size.value_or(features.page_bytes);
    features.first_address = features.module_area.value_or(features.first_address);
    if (options.layout) features.layout = options.layout;
    if (options.module_init) features.module_init = options.module_init;
    if (options.module_exit) features.module_exit = options.module_exit;
    if (features.layout) features.module_size = features.layout->module_size;
    return features;
}

Features features_of(const kernel::Kernel& kernel, const Options& options) {
    return features_from(kernel::probe(kernel), kernel.arch().module_loading(), options);
}

}  // namespace klp::loader
