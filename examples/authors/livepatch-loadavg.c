// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/loadavg no longer tells which process number was given last. */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched/loadavg.h>
#include <linux/sched/stat.h>
#include <linux/seq_file.h>

static int livepatch_loadavg_proc_show(struct seq_file *m, void *v)
{
	unsigned long avnrun[3];

	get_avenrun(avnrun, FIXED_1 / 200, 0);

	seq_printf(m, "%lu.%02lu %lu.%02lu %lu.%02lu %u/%d 0\n",
		   LOAD_INT(avnrun[0]), LOAD_FRAC(avnrun[0]),
		   LOAD_INT(avnrun[1]), LOAD_FRAC(avnrun[1]),
		   LOAD_INT(avnrun[2]), LOAD_FRAC(avnrun[2]),
		   nr_running(), nr_threads);
	return 0;
}

static struct klp_func funcs[] = {
	{ .old_name = "loadavg_proc_show", .new_func = livepatch_loadavg_proc_show },
	{ }
};

static struct klp_object objs[] = {
	{ .funcs = funcs },	/* no name: vmlinux */
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
MODULE_DESCRIPTION("livepatch: /proc/loadavg without the last process number");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
