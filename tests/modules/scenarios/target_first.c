// SPDX-License-Identifier: GPL-2.0-or-later
// A module to be patched: /proc/scn_target shows what its functions return. Two have one name.
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

int second_twin(void);

static __attribute__((__noipa__)) int one(void)
{
	return 1;
}
static __attribute__((__noipa__)) int two(void)
{
	return 2;
}
static __attribute__((__noipa__)) int twin(void)
{
	return 3;
}
static notrace __attribute__((__noipa__)) int untraced(void)
{
	return 4;
}
static __init __attribute__((__noipa__)) int initial(void)
{
	return 0;
}

static int target_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "one %d two %d twins %d %d untraced %d\n", one(), two(), twin(), second_twin(), untraced());
	return 0;
}

static int __init target_init(void)
{
	return initial() ?: proc_create_single("scn_target", 0444, NULL, target_show) ? 0 : -ENOMEM;
}

static void __exit target_exit(void)
{
	remove_proc_entry("scn_target", NULL);
}

module_init(target_init);
module_exit(target_exit);
MODULE_DESCRIPTION("a module to be patched");
MODULE_LICENSE("GPL");
