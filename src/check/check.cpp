// SPDX-License-Identifier: GPL-2.0-or-later
#include "check/check.hpp"

#include "check/structure_rules.hpp"
#include "check/target.hpp"

namespace klp::check {

Summary check_module(const elf::Object& module, Diagnostics& findings) {
    check_structure(module, findings);
    return {};
}

Summary check_module(const elf::Object& module, const kernel::Kernel& kernel, const Request& request,
                     Diagnostics& findings) {
    Summary summary;
    summary.kernel = kernel.manifest().name;
    check_structure(module, findings);
    std::optional<format::LivepatchModule> livepatch;
    try {
        livepatch = format::read_module(module);
    } catch (const Error&) {
        // What is wrong with its form is among the findings.
        if (!findings.has_errors()) throw;
        return summary;
    }
    const Target target(kernel, request.objects);
    RuleFindings found(module.display_name());
    const Check check{module, *livepatch, target, found};
    if (is_for_kernel(check)) {
        check_kernel_fit(check);
        check_imports(check);
        check_livepatch_symbols(check);
        check_patched_functions(check);
        // The model cannot run an init function that fills klp_patch.
        const bool can_simulate = !findings.has_errors() && !found.has_errors() && !livepatch->objects.empty();
        if (can_simulate) simulate_load(check, summary);
    }
    found.move_to(findings);
    return summary;
}

std::optional<std::string> release_of(const elf::Object& module) {
    const std::string_view vermagic = kernel::modinfo(module, "vermagic");
    const std::string_view release = vermagic.substr(0, vermagic.find(' '));
    return release.empty() ? std::nullopt : std::optional<std::string>(release);
}

}  // namespace klp::check
