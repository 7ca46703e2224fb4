// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/public_view.hpp"

namespace klp::loader {

namespace {

Rewrite rewrite_view(const arch::CodeRewrite& rewrite) {
    return {std::string(arch::name_of(rewrite.mechanism)), std::string(arch::reason_of(rewrite.mechanism)),
            rewrite.section, rewrite.range, rewrite.after.has_value()};
}

PatchedObject view_of(const KlpObject& object) {
    PatchedObject view{object.display_name(), object.is_loaded(), object.patched, {}};
    for (const KlpFunc& function : object.functions) {
        view.functions.push_back({function.old_name, function.sympos, function.old_address, function.old_size,
                                  function.new_address,
                                  function.patched ? std::optional(function.hook) : std::nullopt});
    }
    return view;
}

Patch view_of(const KlpPatch& patch) {
    Patch view{patch.enabled, patch.replace, patch.replaced, {}};
    for (const KlpObject& object : patch.objects) view.objects.push_back(view_of(object));
    return view;
}

// What is hooked changes with every event.
void set_rewrites(Module& module, const System& system, const std::vector<arch::Range>& hooked) {
    std::vector<Rewrite>& rewrites = module.loaded.rewrites;
    rewrites.clear();
    for (const arch::CodeRewrite& rewrite : module.rewrites) rewrites.push_back(rewrite_view(rewrite));
    rewrites.insert(rewrites.end(), module.unknown_values.begin(), module.unknown_values.end());
    for (const arch::CodeRewrite& rewrite :
         arch::ftrace_call_rewrites(system.kernel.arch(), module.image, *system.features.arch, hooked))
        rewrites.push_back(rewrite_view(rewrite));
}

}  // namespace

void update_view(Module& module, const System& system, const LivepatchCore& livepatch) {
    LoadedModule& view = module.loaded;
    set_rewrites(module, system, livepatch.hooked_functions());
    view.name = module.name;
    view.live = module.state == LoadState::live;
    view.sections.clear();
    view.live_data.clear();
    for (std::uint32_t i = 0; i < module.layout.places.size(); ++i) {
        const auto& place = module.layout.places[i];
        if (!place) continue;
        const arch::ImageSection& section = module.image.sections[i];
        view.sections.push_back(
            {i, section.name, place->area, section.address, section.memory, is_init(place->area) && module.init_freed});
        if (arch::is_live_data(system.kernel.arch(), section)) view.live_data.push_back(section.name);
    }
    view.reserved_text_address = module.image.reserved_text.empty() ? 0 : module.image.text_address;
    view.reserved_text = module.image.reserved_text;
    const KlpPatch* patch = livepatch.patch_of(module);
    view.patch = patch == nullptr ? std::nullopt : std::optional(view_of(*patch));
}

}  // namespace klp::loader
