// SPDX-License-Identifier: GPL-2.0-or-later
// Livepatches that come after each other, built under several names. IN_VMLINUX, IN_TARGET: what is patched; REPLACES: whether all
// others go; STATE: the version of a system state, 0 without one.
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

extern int hidden_value;

static int stacked_cmdline_proc_show(struct seq_file *file, void *unused)
{
	seq_puts(file, KBUILD_MODNAME "\n");
	return 0;
}

static int stacked_target_show(struct seq_file *file, void *unused)
{
#if IN_TARGET
	seq_printf(file, KBUILD_MODNAME " %d\n", hidden_value);
#endif
	return 0;
}

static struct klp_func vmlinux_functions[] = {
	{ .old_name = "cmdline_proc_show", .new_func = stacked_cmdline_proc_show },
	{ }
};

static struct klp_func target_functions[] = {
	{ .old_name = "target_show", .new_func = stacked_target_show },
	{ }
};

static struct klp_object objects[] = {
#if IN_VMLINUX
	{ .funcs = vmlinux_functions },
#endif
#if IN_TARGET
	{ .name = "klp_target", .funcs = target_functions },
#endif
	{ }
};

static struct klp_state states[] = { { .id = 7, .version = STATE }, { } };

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objects,
	.states = STATE ? states : NULL,
	.replace = REPLACES,
};

static const void *const used[] __used = { vmlinux_functions, target_functions };

static int __init livepatch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit livepatch_exit(void)
{
}

module_init(livepatch_init);
module_exit(livepatch_exit);
MODULE_DESCRIPTION("one of several livepatches");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
