// SPDX-License-Identifier: GPL-2.0-or-later
// A module to be patched: /proc/klp_target shows what its local function makes of its local variable.
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

static int hidden_value = 42;
module_param(hidden_value, int, 0444); /* so that no compiler takes it for a constant */

/* noipa: it keeps its name and its argument. */
static __attribute__((__noipa__)) int hidden_function(int by)
{
	return hidden_value + by;
}

static int target_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "target: %d\n", hidden_function(0));
	return 0;
}

static int __init target_init(void)
{
	return proc_create_single("klp_target", 0444, NULL, target_show) ? 0 : -ENOMEM;
}

static void __exit target_exit(void)
{
	remove_proc_entry("klp_target", NULL);
}

module_init(target_init);
module_exit(target_exit);
MODULE_DESCRIPTION("a module to be patched");
MODULE_LICENSE("GPL");
