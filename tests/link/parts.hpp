// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel of a few lines, and units for it, made by the assembler.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "arch/registry.hpp"
#include "format/livepatch.hpp"
#include "link/target.hpp"
#include "support/assemble.hpp"

namespace klp::link::test {

inline constexpr std::string_view glue_text = R"(
    .section .init.text,"ax"
    .globl init_module
    .type init_module, @function
    init_module:
        mov $klp_patch, %rdi
        jmp klp_enable_patch
    .section .modinfo,"a"
    .string "livepatch=Y"
    .section .gnu.linkonce.this_module,"aw"
    .balign 64
    .globl __this_module
    .type __this_module, @object
    .size __this_module, 128
    __this_module: .zero 128
)";

inline constexpr std::string_view symvers =
    "0x11111111\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n"
    "0x22222222\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n"
    "0x33333333\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n"
    "0x44444444\tcrypto_it\tvmlinux\tEXPORT_SYMBOL_GPL\tCRYPTO_INTERNAL\n"
    "0x55555555\tjbd2_it\tfs/jbd2/jbd2\tEXPORT_SYMBOL\t\n"
    "0x66666666\ta_name_of_so_many_characters_that_no_table_of_versions_holds_it\tvmlinux\tEXPORT_SYMBOL\t\n";

// 64 and 112 bytes an entry, as no kernel has them: offsets must come from the layout.
inline kernel::StructLayout small_layout() {
    kernel::StructLayout layout;
    layout.klp_func_size = 64;
    layout.klp_func_old_name = 0;
    layout.klp_func_new_func = 8;
    layout.klp_func_old_sympos = 16;
    layout.klp_object_size = 112;
    layout.klp_object_name = 0;
    layout.klp_object_funcs = 8;
    layout.klp_object_pre_patch = 16;
    layout.klp_object_post_patch = 24;
    layout.klp_object_pre_unpatch = 32;
    layout.klp_object_post_unpatch = 40;
    layout.klp_patch_size = 40;
    layout.klp_patch_mod = 0;
    layout.klp_patch_objs = 8;
    layout.klp_patch_replace = 16;
    layout.module_name = 24;
    layout.module_name_size = 56;
    layout.modversion_size = 64;
    layout.modversion_name = 8;
    layout.modversion_name_size = 56;
    return layout;
}

// Units in the order of their making; each owns its object.
class SmallKernel {
public:
    SmallKernel() {
        klp::test::assemble(glue_text).write_to(folder_.path() / "common.o");
        write_file(folder_.path() / "Module.symvers", symvers);
        exports_ = kernel::Exports::read(folder_.path() / "Module.symvers");
        glue_.object = folder_.path() / "common.o";
        glue_.layout = small_layout();
        glue_.linker = {"ld", "-r", "-m", "elf_x86_64"};
        request.name = "livepatch_test";
    }

    // Resolutions by name; names without one are exported.
    using Resolutions = std::map<std::string, resolve::Resolution>;
    UnitPart& unit(const std::string& object, std::string_view text, const std::vector<std::string>& replaced,
                   const Resolutions& resolutions = {}) {
        objects_.push_back(std::make_unique<elf::Object>(klp::test::assemble(text)));
        UnitPart part;
        part.object = object;
        part.source = object + ".c";
        part.extracted = objects_.back().get();
        for (const std::string& name : replaced) part.functions.push_back({name, 0, part.extracted->find_symbol(name)});
        for (const auto& symbol : part.extracted->symbols()) {
            if (symbol->placement != elf::Placement::undefined) continue;
            part.references.push_back({symbol.get(), symbol->name, nullptr, false});
            const auto found = resolutions.find(symbol->name);
            part.resolutions.push_back(
                found != resolutions.end()
                    ? found->second
                    : resolve::Resolution{resolve::Resolution::Kind::exported, "", symbol->name, 0, ""});
        }
        request.units.push_back(std::move(part));
        return request.units.back();
    }

    std::vector<std::byte> link_bytes() {
        return link({arch::for_name("x86_64"), *exports_, true, glue_}, request, diagnostics);
    }
    elf::Object link_module() { return elf::Object::read(link_bytes(), "livepatch_test.ko"); }

    // The ids of the findings that make the link fail; empty where it succeeds.
    std::vector<std::string> refusal() {
        try {
            (void)link_bytes();
            return {};
        } catch (const Error&) {
            std::vector<std::string> ids;
            for (const Finding& finding : diagnostics.findings()) ids.push_back(finding.id);
            return ids;
        }
    }

    ModuleRequest request;
    Diagnostics diagnostics;

private:
    TempDir folder_;
    std::optional<kernel::Exports> exports_;
    ModuleCommon glue_;
    std::vector<std::unique_ptr<elf::Object>> objects_;
};

inline resolve::Resolution livepatch_symbol(std::string object, std::string name, std::uint32_t sympos = 0) {
    return {resolve::Resolution::Kind::livepatch, std::move(object), std::move(name), sympos, ""};
}
inline resolve::Resolution internal_symbol(std::string name) {
    return {resolve::Resolution::Kind::internal, "vmlinux", std::move(name), 0, ""};
}

}  // namespace klp::link::test
