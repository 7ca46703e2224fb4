// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/struct_layout.hpp"

#include <fmt/format.h>

namespace klp::kernel {
namespace {

constexpr std::string_view probe_section = ".klp.probe";

}  // namespace

// include/linux/livepatch.h and include/linux/module.h; struct modversion_info is what __versions holds.
const std::vector<LayoutField>& layout_fields() {
    static const std::vector<LayoutField> fields = {
        {"klp_func_size", "sizeof(struct klp_func)", &StructLayout::klp_func_size},
        {"klp_func_old_name", "offsetof(struct klp_func, old_name)", &StructLayout::klp_func_old_name},
        {"klp_func_new_func", "offsetof(struct klp_func, new_func)", &StructLayout::klp_func_new_func},
        {"klp_func_old_sympos", "offsetof(struct klp_func, old_sympos)", &StructLayout::klp_func_old_sympos},
        {"klp_object_size", "sizeof(struct klp_object)", &StructLayout::klp_object_size},
        {"klp_object_name", "offsetof(struct klp_object, name)", &StructLayout::klp_object_name},
        {"klp_object_funcs", "offsetof(struct klp_object, funcs)", &StructLayout::klp_object_funcs},
        {"klp_object_pre_patch", "offsetof(struct klp_object, callbacks.pre_patch)",
         &StructLayout::klp_object_pre_patch},
        {"klp_object_post_patch", "offsetof(struct klp_object, callbacks.post_patch)",
         &StructLayout::klp_object_post_patch},
        {"klp_object_pre_unpatch", "offsetof(struct klp_object, callbacks.pre_unpatch)",
         &StructLayout::klp_object_pre_unpatch},
        {"klp_object_post_unpatch", "offsetof(struct klp_object, callbacks.post_unpatch)",
         &StructLayout::klp_object_post_unpatch},
        {"klp_patch_size", "sizeof(struct klp_patch)", &StructLayout::klp_patch_size},
        {"klp_patch_mod", "offsetof(struct klp_patch, mod)", &StructLayout::klp_patch_mod},
        {"klp_patch_objs", "offsetof(struct klp_patch, objs)", &StructLayout::klp_patch_objs},
        {"klp_patch_replace", "offsetof(struct klp_patch, replace)", &StructLayout::klp_patch_replace},
        {"klp_func_kobj", "offsetof(struct klp_func, kobj)", &StructLayout::klp_func_kobj},
        {"klp_object_kobj", "offsetof(struct klp_object, kobj)", &StructLayout::klp_object_kobj},
        {"klp_patch_kobj", "offsetof(struct klp_patch, kobj)", &StructLayout::klp_patch_kobj},
        {"kobject_size", "sizeof(struct kobject)", &StructLayout::kobject_size},
        {"kobject_kset", "offsetof(struct kobject, kset)", &StructLayout::kobject_kset},
        {"kobject_flags", "offsetofend(struct kobject, kref)", &StructLayout::kobject_flags},
        {"module_size", "sizeof(struct module)", &StructLayout::module_size},
        {"module_state", "offsetof(struct module, state)", &StructLayout::module_state},
        {"module_list", "offsetof(struct module, list)", &StructLayout::module_list},
        {"module_folders", "offsetof(struct module, mkobj.drivers_dir)", &StructLayout::module_folders},
        {"module_folders_end", "offsetofend(struct module, mkobj)", &StructLayout::module_folders_end},
        {"module_name", "offsetof(struct module, name)", &StructLayout::module_name},
        {"module_name_size", "sizeof(((struct module *)0)->name)", &StructLayout::module_name_size},
        {"module_source_list",
         "\n#ifdef CONFIG_MODULE_UNLOAD\noffsetof(struct module, source_list)\n#else\n0\n#endif\n",
         &StructLayout::module_source_list},
        {"module_target_list",
         "\n#ifdef CONFIG_MODULE_UNLOAD\noffsetof(struct module, target_list)\n#else\n0\n#endif\n",
         &StructLayout::module_target_list},
        {"module_refcnt", "\n#ifdef CONFIG_MODULE_UNLOAD\noffsetof(struct module, refcnt)\n#else\n0\n#endif\n",
         &StructLayout::module_refcnt},
        {"modversion_size", "sizeof(struct modversion_info)", &StructLayout::modversion_size},
        {"modversion_name", "offsetof(struct modversion_info, name)", &StructLayout::modversion_name},
        {"modversion_name_size", "sizeof(((struct modversion_info *)0)->name)", &StructLayout::modversion_name_size},
    };
    return fields;
}

std::string probe_source(const std::vector<std::string>& headers, const std::vector<std::string>& expressions) {
    std::string source;
    for (const std::string& header : headers)
        source += fmt::format("#if __has_include(<{0}>)\n#include <{0}>\n#endif\n", header);
    source += fmt::format("const unsigned long long klp_probe[] __attribute__((section(\"{}\"), used)) = {{\n",
                          probe_section);
    for (const std::string& expression : expressions) source += fmt::format("\t{},\n", expression);
    return source + "};\n";
}

std::vector<std::uint64_t> read_probe(const elf::Object& object, std::size_t count) {
    const elf::Section* section = object.find_section(probe_section);
    const std::size_t size = section == nullptr ? 0 : section->size();
    if (size != count * sizeof(std::uint64_t))
        throw Error({object.display_name(), std::string(probe_section), {}},
                    fmt::format("the probe has {} bytes, expected {}", size, count * sizeof(std::uint64_t)));
    Cursor cursor(section->content(), object.order(), {object.display_name(), std::string(probe_section), {}});
    std::vector<std::uint64_t> values;
    while (!cursor.at_end()) values.push_back(cursor.u64());
    return values;
}

}  // namespace klp::kernel
