// SPDX-License-Identifier: GPL-2.0-or-later
// Sizes and offsets of the kernel's structures, as its own headers give them under its own config.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arch/arch.hpp"
#include "elf/object.hpp"

namespace klp::kernel {

// In bytes. The members are named after the C expressions that give them.
struct StructLayout {
    std::uint64_t klp_func_size = 0, klp_func_old_name = 0, klp_func_new_func = 0, klp_func_old_sympos = 0;
    std::uint64_t klp_object_size = 0, klp_object_name = 0, klp_object_funcs = 0;
    std::uint64_t klp_object_pre_patch = 0, klp_object_post_patch = 0;
    std::uint64_t klp_object_pre_unpatch = 0, klp_object_post_unpatch = 0;
    std::uint64_t klp_patch_size = 0, klp_patch_mod = 0, klp_patch_objs = 0, klp_patch_replace = 0;
    std::uint64_t klp_func_kobj = 0, klp_object_kobj = 0, klp_patch_kobj = 0, kobject_size = 0;
    std::uint64_t kobject_kset = 0, kobject_flags = 0;  // state_initialized and the bits that follow it
    std::uint64_t module_size = 0, module_name = 0, module_name_size = 0;
    std::uint64_t module_state = 0, module_list = 0;
    std::uint64_t module_folders = 0, module_folders_end = 0;                         // of mkobj, from drivers_dir on
    std::uint64_t module_source_list = 0, module_target_list = 0, module_refcnt = 0;  // 0: CONFIG_MODULE_UNLOAD=n
    std::uint64_t modversion_size = 0, modversion_name = 0, modversion_name_size = 0;
};

struct LayoutField {
    std::string_view name;        // key in the cache
    std::string_view expression;  // C
    std::uint64_t StructLayout::*member;
};
[[nodiscard]] const std::vector<LayoutField>& layout_fields();

// A C file whose compilation holds the values of some expressions in the section `.klp.probe`, in their order. Headers
// that the kernel does not have are left out.
[[nodiscard]] std::string probe_source(const std::vector<std::string>& headers,
                                       const std::vector<std::string>& expressions);
// Error: not `count` values.
[[nodiscard]] std::vector<std::uint64_t> read_probe(const elf::Object& object, std::size_t count);

}  // namespace klp::kernel
