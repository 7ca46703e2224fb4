// SPDX-License-Identifier: GPL-2.0-or-later
// A livepatch of two functions of vmlinux and one of klp_target, with what the module loader has tables or memory of its
// own for: per-CPU data, data that is read-only after init, exports, parameters, states, alternatives, callbacks.
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <asm/alternative.h>
#include <asm/cpufeature.h>

extern char *saved_command_line;
extern int hidden_value;

static DEFINE_PER_CPU(unsigned long, per_cpu_number) = 7;
static unsigned long sealed_number __ro_after_init = 8;
static int parameter = 9;
module_param(parameter, int, 0444);

int tables_exported(void);
int tables_exported(void)
{
	return parameter;
}
EXPORT_SYMBOL_GPL(tables_exported);

static noinline int feature_number(void)
{
	int number = 0;

	alternative_io("movl $1, %0", "movl $2, %0", X86_FEATURE_FPU, "=r" (number), "i" (0));
	return number;
}

static int tables_cmdline_proc_show(struct seq_file *file, void *unused)
{
	WARN_ON_ONCE(!saved_command_line);
	seq_printf(file, "tables %s %lu %lu %d %d\n", saved_command_line, this_cpu_read(per_cpu_number), sealed_number,
		   feature_number(), boot_cpu_has(X86_FEATURE_XMM2));
	return 0;
}

static int tables_version_proc_show(struct seq_file *file, void *unused)
{
	seq_puts(file, "tables\n");
	return 0;
}

static int tables_target_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "tables %d\n", hidden_value);
	return 0;
}

static struct klp_func vmlinux_functions[] = {
	{ .old_name = "cmdline_proc_show", .new_func = tables_cmdline_proc_show },
	{ .old_name = "version_proc_show", .new_func = tables_version_proc_show, .old_sympos = 1 },
	{ }
};

static struct klp_func target_functions[] = {
	{ .old_name = "target_show", .new_func = tables_target_show },
	{ }
};

static struct klp_object objects[] = {
	{ .funcs = vmlinux_functions },
	{ .name = "klp_target", .funcs = target_functions },
	{ }
};

static struct klp_state states[] = { { .id = 1, .version = 2 }, { } };

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects, .states = states };

static int __init livepatch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit livepatch_exit(void)
{
}

module_init(livepatch_init);
module_exit(livepatch_exit);
MODULE_DESCRIPTION("a livepatch with tables");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
