// SPDX-License-Identifier: GPL-2.0-or-later
#include "check/check.hpp"

#include <fmt/format.h>

#include <set>

#include "check/structure_rules.hpp"
#include "check/target.hpp"

namespace klp::check {

namespace {

void leave_out_kernel(LeftOut& left_out, const std::string& why) {
    left_out.add("the rules against the kernel", why);
    left_out.add("the simulated load", why);
}

// What a livepatch says of an object that is not there to be asked.
void leave_out_missing_objects(const Check& check) {
    std::set<std::string> names;
    for (const format::PatchedObject& object : check.livepatch.objects) names.insert(object.name);
    for (const format::LivepatchSymbol& symbol : check.livepatch.symbols) names.insert(symbol.name.object);
    for (const std::string& name : names)
        if (check.target.symbols(name) == nullptr)
            check.left_out.add(fmt::format("'{}', what refers to it, and its coming and going", name),
                               fmt::format("kernel {} has no such module, and --object names none",
                                           check.target.kernel().manifest().name));
}

void simulate_if_possible(const Check& check, const Diagnostics& findings, Summary& summary) {
    if (findings.has_errors() || check.findings.has_errors()) {
        check.left_out.add("the simulated load", "errors make it meaningless");
    } else if (!check.livepatch.objects.empty() && check.livepatch.objects.back().patch != 0) {
        check.left_out.add("the simulated load",
                           "the module has several klp_patch, of which its init function chooses");
    } else {
        simulate_load(check, summary);
        leave_out_running_system(check);
    }
}

void check_against_kernel(const Check& check, const Diagnostics& findings, Summary& summary) {
    check_kernel_fit(check);
    check_imports(check);
    check_livepatch_symbols(check);
    check_references(check);
    check_patched_functions(check);
    leave_out_missing_objects(check);
    simulate_if_possible(check, findings, summary);
    summary.unknown = kernel::unknown_features(check.target.kernel());
    summary.headers_error = kernel::probe(check.target.kernel()).headers_error;
}

}  // namespace

Summary check_module(const elf::Object& module, Diagnostics& findings) {
    Summary summary;
    summary.not_checked = check_structure(module, findings);
    leave_out_kernel(summary.not_checked, "there is no kernel to check against");
    leave_out_code(module, summary.not_checked);
    return summary;
}

Summary check_module(const elf::Object& module, const kernel::Kernel& kernel, const Request& request,
                     Diagnostics& findings) {
    Summary summary;
    summary.kernel = kernel.manifest().name;
    LeftOut& left_out = summary.not_checked;
    left_out = check_structure(module, findings);
    std::optional<format::LivepatchModule> livepatch;
    try {
        livepatch = format::read_module(module);
    } catch (const Error&) {
        // What is wrong with its form is among the findings.
        if (!findings.has_errors()) throw;
        leave_out_kernel(left_out, "the module cannot be read as a livepatch");
        leave_out_code(module, left_out);
        return summary;
    }
    const Target target(kernel, request.objects);
    RuleFindings found(module.display_name());
    const Check check{module, *livepatch, target, found, left_out};
    if (is_for_kernel(check)) {
        check_against_kernel(check, findings, summary);
    } else {
        leave_out_kernel(left_out, "the module is of another architecture");
    }
    leave_out_code(module, left_out);
    found.move_to(findings);
    return summary;
}

std::optional<std::string> release_of(const elf::Object& module) {
    const std::string_view vermagic = kernel::modinfo(module, "vermagic");
    const std::string_view release = vermagic.substr(0, vermagic.find(' '));
    return release.empty() ? std::nullopt : std::optional<std::string>(release);
}

}  // namespace klp::check
