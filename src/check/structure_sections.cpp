// SPDX-License-Identifier: GPL-2.0-or-later
// Rules on livepatch relocation sections.
#include <elf.h>
#include <fmt/format.h>

#include <map>

#include "base/kernel_names.hpp"
#include "check/structure.hpp"

namespace klp::check {

namespace {

class Sections {
public:
    explicit Sections(Structure& structure) : structure_(structure) {}

    void run() {
        for (const auto& section : structure_.module.sections()) {
            if (is_livepatch_section(*section)) {
                check(*section);
            } else if (section->name.starts_with(format::rela_prefix)) {
                add(rules::section_flag, *section,
                    fmt::format(
                        "flags are 0x{:x}, without SHF_RELA_LIVEPATCH (0x{:x}): the module loader would apply it "
                        "at once, with symbols of value 0",
                        section->flags, elf::shf_rela_livepatch))
                    .hint("'ld -r' loses the flag: make the livepatch after the last link");
            }
        }
    }

private:
    Finding& add(const Rule& rule, const elf::Section& section, std::string message) {
        return structure_.findings.add(rule, section.name, {}, std::move(message));
    }

    void check(const elf::Section& section) {
        const auto name = format::parse_rela_name(section.name);
        if (!name) {
            add(rules::section_name, section,
                fmt::format("expected a name of the form {}OBJECT.SECTION", format::rela_prefix));
        } else if (!is_module_name(name->object)) {
            add(rules::object_name, section, fmt::format("no object is named '{}'", name->object))
                .hint("the kernel names modules with '_' where their files have '-'");
        }
        if (!section.is_alloc()) {
            add(rules::section_alloc, section, fmt::format("flags are 0x{:x}, without SHF_ALLOC", section.flags))
                .note("the livepatch core reads it later, when the loader's copy of the file is gone");
        }
        if (!section.is_rela()) {
            add(rules::section_type, section,
                fmt::format("section type is {}, expected {} (RELA)", section.type, SHT_RELA));
            return;
        }
        check_target(section, name);
        if (section.size() == 0) add(rules::section_empty, section, "has no relocation");
    }

    void check_target(const elf::Section& section, const std::optional<format::RelaName>& name) {
        const elf::Section* target = section.target;
        if (target == nullptr) {
            add(rules::section_target, section, "sh_info is 0, expected the section that the relocations apply to");
            return;
        }
        if (!target->is_alloc()) {
            add(rules::section_target, section,
                fmt::format("applies to '{}', which is not in memory: the kernel would not apply it", target->name));
        } else if (target->type == SHT_RELA || target->type == SHT_SYMTAB || target->is_nobits()) {
            add(rules::section_target, section,
                fmt::format("applies to '{}' of section type {}, which holds neither code nor data", target->name,
                            target->type));
        }
        if (!name) return;
        if (name->section != target->name) {
            add(rules::target_name, section,
                fmt::format("applies to '{}', not to the section in its name", target->name));
        }
        const auto [first, is_new] = by_target_.try_emplace({name->object, target}, &section);
        if (is_new) return;
        add(rules::section_repeated, section,
            fmt::format("applies to '{}' for {}, as section {} does: expected one", target->name, name->object,
                        first->second->original_index));
    }

    Structure& structure_;
    std::map<std::pair<std::string, const elf::Section*>, const elf::Section*> by_target_;
};

}  // namespace

void check_sections(Structure& structure) {
    Sections(structure).run();
}

}  // namespace klp::check
