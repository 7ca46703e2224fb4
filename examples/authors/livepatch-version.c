// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/version tells whether the kernel loads signed modules only. */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/utsname.h>
#include <klpkit/livepatch.h>

/* The first sig_enforce is kernel/module/signing.c's, the second kernel/kexec_file.c's. */
extern bool sig_enforce;
KLP_MODULE_RELOC(vmlinux) vmlinux_relocs[] = {
	KLP_SYMPOS(sig_enforce, 1),
};

/* The other form, here for a name of our own. */
extern const char banner[] KLP_RELOC_SYMBOL(vmlinux, vmlinux, linux_proc_banner);

static int livepatch_version_proc_show(struct seq_file *m, void *v)
{
	seq_printf(m, banner, utsname()->sysname, utsname()->release, utsname()->version);
	seq_printf(m, "modules without signature: %s\n", sig_enforce ? "refused" : "loaded");
	return 0;
}

static struct klp_func funcs[] = {
	{ .old_name = "version_proc_show", .new_func = livepatch_version_proc_show },
	{ }
};

static struct klp_object objs[] = {
	{ .funcs = funcs },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
	.replace = true,
};

static int __init livepatch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit livepatch_exit(void)
{
}

module_init(livepatch_init);
module_exit(livepatch_exit);
MODULE_DESCRIPTION("livepatch: /proc/version with the policy on modules");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
