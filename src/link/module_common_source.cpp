// SPDX-License-Identifier: GPL-2.0-or-later
#include "link/module_common.hpp"

namespace klp::link {

// What scripts/mod/modpost.c:add_header writes into a module's .mod.c, and what a livepatch's own source file
// would say. Left to the link of each module: klp_patch, the module's name, __versions, import_ns.
//
// The module is not marked `intree`: it taints the kernel as any module from outside does, which is true.
std::string module_common_source() {
    return R"(// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/module.h>
#define INCLUDE_VERMAGIC
#if __has_include(<linux/build-salt.h>)
#include <linux/build-salt.h>
#endif
#if __has_include(<linux/elfnote-lto.h>)
#include <linux/elfnote-lto.h>
#endif
#include <linux/vermagic.h>
#include <linux/livepatch.h>

#ifdef BUILD_SALT
BUILD_SALT;
#endif
#ifdef BUILD_LTO_INFO
BUILD_LTO_INFO;
#endif

MODULE_INFO(vermagic, VERMAGIC_STRING);
MODULE_INFO(depends, "");
#if defined(CONFIG_RETPOLINE) || defined(CONFIG_MITIGATION_RETPOLINE)
MODULE_INFO(retpoline, "Y");
#endif
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");

extern struct klp_patch klp_patch;

int __init init_module(void)
{
	return klp_enable_patch(&klp_patch);
}

void __exit cleanup_module(void)
{
}

__visible struct module __this_module __section(".gnu.linkonce.this_module") = {
	.name = "",
	.init = init_module,
#ifdef CONFIG_MODULE_UNLOAD
	.exit = cleanup_module,
#endif
	.arch = MODULE_ARCH_INIT,
};
)";
}

}  // namespace klp::link
