// SPDX-License-Identifier: GPL-2.0-or-later
// Rules on the module as a whole: kernel/module/main.c:check_modinfo and what it calls.
#include <fmt/format.h>

#include <algorithm>

#include "check/target.hpp"
#include "format/versions.hpp"
#include "kernel/features.hpp"

namespace klp::check {

namespace {

constexpr std::string_view modinfo_section = ".modinfo";
constexpr std::string_view signature_mark = "~Module signature appended~\n";  // include/linux/module_signature.h

Finding& add_modinfo(const Check& check, const check::Rule& rule, std::string message) {
    return check.findings.add(rule, std::string(modinfo_section), {}, std::move(message));
}

std::string_view without_release(std::string_view vermagic) {
    return vermagic.substr(std::min(vermagic.find(' '), vermagic.size()));
}

// kernel/module/version.c:same_magic does not look at the release where the module has CRCs.
void check_vermagic(const Check& check, const std::optional<std::string>& theirs) {
    const std::string_view ours = kernel::modinfo(check.module, "vermagic");
    if (ours.empty() || !theirs || ours == *theirs) return;
    const bool has_versions = check.module.find_section(format::versions_section) != nullptr &&
                              check.target.kernel().config().enabled("CONFIG_MODVERSIONS");
    if (has_versions && without_release(ours) == without_release(*theirs)) {
        add_modinfo(check, rules::release,
                    fmt::format("made for release '{}', but the kernel is '{}'", ours.substr(0, ours.find(' ')),
                                check.target.kernel().manifest().release))
            .note("the kernel takes it where CRCs agree; names, positions and code of another release need not");
        return;
    }
    add_modinfo(check, rules::vermagic, fmt::format("vermagic is '{}', expected '{}'", ours, *theirs));
}

void check_retpoline(const Check& check, bool is_wanted) {
    if (!is_wanted || !kernel::modinfo(check.module, "retpoline").empty()) return;
    add_modinfo(check, rules::retpoline, "no retpoline=Y, but the kernel is compiled with retpolines")
        .note("CPUs that need them become vulnerable to Spectre v2; the kernel complains");
}

void check_signature(const Check& check) {
    if (!check.target.kernel().config().enabled("CONFIG_MODULE_SIG_FORCE")) return;
    if (is_signed(check.module)) return;
    check.findings.add(rules::is_unsigned, "the file has no signature, without which the kernel loads no module")
        .hint("sign it with a key that the kernel trusts (scripts/sign-file)");
}

void check_depends(const Check& check) {
    for (std::string_view rest = kernel::modinfo(check.module, "depends"); !rest.empty();) {
        const std::string_view name = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(name.size() + 1, rest.size()));
        if (name.empty() || check.target.module(name) != nullptr) continue;
        add_modinfo(check, rules::depends_missing,
                    fmt::format("depends on module '{}', which kernel {} does not have", name,
                                check.target.kernel().manifest().name))
            .hint("name its file with --object");
    }
}

void check_arch_sections(const Check& check, const kernel::LoaderFeatures& features) {
    const arch::Arch& arch = check.target.kernel().arch();
    for (const format::ArchSection& section : check.livepatch.arch_sections) {
        if (features.processes_arch_sections && arch.has_arch_section(section.section)) continue;
        check.findings
            .add(rules::arch_ignored, section.name, {},
                 fmt::format("this kernel does not process {} for the sake of '{}'", section.section, section.object))
            .hint("make the livepatch with a tool for Linux 5.8 or later");
    }
}

// Tables that the kernel walks with steps of its own.
void check_structures(const Check& check, const std::optional<kernel::StructLayout>& layout) {
    if (!layout) return;
    const auto compare = [&](std::string_view name, std::uint64_t ours, std::uint64_t theirs) {
        if (ours == 0 || ours == theirs) return true;
        check.findings
            .add(rules::struct_size, fmt::format("struct {} has {} bytes, but {} in this kernel", name, ours, theirs))
            .hint("compile the module with the kernel's headers and config");
        return false;
    };
    for (const format::PatchedObject& object : check.livepatch.objects) {
        if (!compare("klp_object", object.object_size, layout->klp_object_size)) return;
        if (!compare("klp_func", object.function_size, layout->klp_func_size)) return;
    }
}

}  // namespace

bool is_signed(const elf::Object& module) {
    const std::vector<std::byte> file = module.write();
    return as_text(file).ends_with(signature_mark);
}

bool is_for_kernel(const Check& check) {
    const kernel::Kernel& kernel = check.target.kernel();
    if (check.module.machine() == kernel.arch().machine()) return true;
    check.findings.add(rules::other_machine,
                       fmt::format("ELF machine is {}, but kernel {} has {} ({})", check.module.machine(),
                                   kernel.manifest().name, kernel.arch().machine(), kernel.manifest().arch));
    return false;
}

void check_kernel_fit(const Check& check) {
    if (!check.target.kernel().config().enabled("CONFIG_LIVEPATCH"))
        check.findings.add(rules::kernel_livepatch, "the kernel is configured without CONFIG_LIVEPATCH");
    const kernel::LoaderFeatures& features = kernel::probe(check.target.kernel()).loader;
    check_vermagic(check, features.vermagic);
    check_structures(check, features.layout);
    check_retpoline(check, features.needs_retpoline);
    check_signature(check);
    check_depends(check);
    check_arch_sections(check, features);
}

}  // namespace klp::check
