// SPDX-License-Identifier: GPL-2.0-or-later
// Rules on klp_patch, klp_object and klp_func.
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/kernel_names.hpp"
#include "check/structure.hpp"

namespace klp::check {

namespace {

class Tables {
public:
    explicit Tables(Structure& structure) : structure_(structure) {}

    void run() {
        if (structure_.tables.objects.empty() || !structure_.tables.problems.empty()) missing();
        if (structure_.tables.objects.empty()) return;
        for (const format::PatchedObject& object : structure_.tables.objects) check(object);
        check_relocated_objects();
    }

private:
    void missing() {
        Finding& finding = structure_.findings.add(
            rules::no_tables,
            structure_.tables.objects.empty()
                ? "found no klp_patch that can be read in the module's data: rules on patched functions are not checked"
                : "a klp_patch of several cannot be read from the module's data: its functions are not checked");
        for (const format::TableProblem& each : structure_.tables.problems)
            finding.note(
                fmt::format("{}: {}", Location{"", each.where.section->name, each.where.offset}.text(), each.reason));
        if (structure_.module.find_section(".kpatch.funcs") != nullptr)
            finding.note("kpatch's hook makes it of .kpatch.funcs when the module is loaded");
    }

    void check(const format::PatchedObject& object) {
        objects_.insert(object.name);
        if (!of_patches_.emplace(object.patch, object.name).second) {
            structure_.findings.add(rules::object_repeated, fmt::format("object '{}' is there twice", object.name))
                .note("the kernel keeps a folder for each object in sysfs");
        }
        if (object.never_comes) {
            structure_.findings
                .add(rules::object_name, "the object named 'vmlinux' is a module that never comes: nothing is patched")
                .note("kernel/livepatch/core.c:klp_is_module() asks whether there is a name")
                .hint("leave klp_object.name out: that is vmlinux");
        } else if (object.name != "vmlinux" && !is_module_name(object.name)) {
            structure_.findings.add(rules::object_name, fmt::format("no object is named '{}'", object.name))
                .hint(
                    is_module_name(with_underscores(object.name))
                        ? fmt::format("did you mean '{}'? the kernel names modules with '_' where their files have '-'",
                                      with_underscores(object.name))
                        : "the kernel names modules with letters, digits and '_'");
        }
        if (object.functions.empty() && !object.has_callbacks)
            structure_.findings.add(rules::object_empty,
                                    fmt::format("object '{}' has neither functions nor callbacks", object.name));
        std::set<std::pair<std::string, std::uint64_t>> seen;
        for (const format::PatchedFunction& function : object.functions) {
            // Names in sysfs have position 1 for 0 (kernel/livepatch/core.c:klp_init_func).
            const bool is_new = seen.emplace(function.old_name, std::max<std::uint64_t>(function.sympos, 1)).second;
            if (!is_new)
                structure_.findings.add(rules::function_repeated, fmt::format("function '{}' of {} is there twice",
                                                                              function.old_name, object.name));
            if (function.nop) {
                check_nop(object, function);
            } else {
                check_new_function(function);
            }
        }
    }

    // kernel/livepatch/core.c:klp_free_func_nop() gives back what klp_alloc_func_nop() has allocated, and asks nobody.
    void check_nop(const format::PatchedObject& object, const format::PatchedFunction& function) {
        structure_.findings
            .add(rules::nop_entry, fmt::format("the entry of '{}' of {} has nop set, which is for the kernel's own",
                                               function.old_name, object.name))
            .note(
                "the kernel frees such an entry as if it had allocated it: with the livepatch, or when a livepatch "
                "that replaces others is enabled")
            .hint("leave the entry out, and replace the livepatch that patches the function");
    }

    // klp_init_object_loaded() asks kallsyms for it, and ftrace jumps there.
    void check_new_function(const format::PatchedFunction& function) {
        const auto add = [&](std::string message) {
            structure_.findings.add(rules::new_function, function.new_section, function.new_offset, std::move(message));
        };
        const elf::Section* section = structure_.module.find_section(function.new_section);
        if (section == nullptr || !section->is_alloc()) {
            add(fmt::format("the replacement of '{}' is in a section that is not in memory", function.old_name));
        } else if (function.new_section.starts_with(".init")) {
            add(fmt::format("the replacement of '{}' is gone when the module's init is over", function.old_name));
        } else if (function.new_name.empty()) {
            add(fmt::format("no function begins where new_func for '{}' leads to", function.old_name));
        }
    }

    // klp_apply_object_relocs() runs for each klp_object; those of vmlinux are applied while the module is loaded.
    void check_relocated_objects() {
        for (const auto& section : structure_.module.sections()) {
            if (!is_livepatch_section(*section)) continue;
            const auto name = format::parse_rela_name(section->name);
            if (!name || name->object == "vmlinux" || objects_.contains(name->object)) continue;
            structure_.findings.add(
                rules::object_unpatched, section->name, {},
                fmt::format("'{}' is not among the patched objects: its relocations are never applied", name->object));
        }
    }

    Structure& structure_;
    std::set<std::string, std::less<>> objects_;
    std::set<std::pair<std::size_t, std::string>> of_patches_;
};

}  // namespace

void check_tables(Structure& structure) {
    Tables(structure).run();
}

}  // namespace klp::check
