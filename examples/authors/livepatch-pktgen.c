// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/net/pktgen/pgctrl tells that pktgen is livepatched. */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

extern const char version[];	/* static in net/core/pktgen.c */

static int livepatch_pgctrl_show(struct seq_file *seq, void *v)
{
	seq_puts(seq, "livepatched ");
	seq_puts(seq, version);
	return 0;
}

static struct klp_func funcs[] = {
	{ .old_name = "pgctrl_show", .new_func = livepatch_pgctrl_show },
	{ }
};

static struct klp_object objs[] = {
	{ .name = "pktgen", .funcs = funcs },
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
MODULE_DESCRIPTION("livepatch: pktgen says that it is livepatched");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
