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
    for (const std::string& name : kernel::depends_of(check.module)) {
        if (check.target.module(name) != nullptr) continue;
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
    // One entry alone does not tell where the next one would be, and there may be several of zeros.
    const auto is_of = [](std::uint64_t table, std::size_t entries, std::uint64_t size) {
        return entries < 2 && table % size == 0 && table / size > entries;
    };
    const auto report = [&](std::string_view name, std::uint64_t ours, std::uint64_t theirs) {
        check.findings
            .add(rules::struct_size, fmt::format("struct {} has {} bytes, but {} in this kernel", name, ours, theirs))
            .hint("compile the module with the kernel's headers and config");
    };
    std::vector<std::size_t> objects;  // of each klp_patch
    for (const format::PatchedObject& object : check.livepatch.objects) {
        objects.resize(std::max(objects.size(), object.patch + 1));
        ++objects[object.patch];
    }
    for (const format::PatchedObject& object : check.livepatch.objects) {
        const std::uint64_t object_size = layout->klp_object_size, function_size = layout->klp_func_size;
        if (object.object_size != 0 && object.object_size != object_size &&
            !is_of(object.object_table, objects[object.patch], object_size))
            return report("klp_object", object.object_size, object_size);
        if (object.function_size != 0 && object.function_size != function_size &&
            !is_of(object.function_table, object.functions.size(), function_size))
            return report("klp_func", object.function_size, function_size);
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
