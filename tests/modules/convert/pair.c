// SPDX-License-Identifier: GPL-2.0-or-later
// A module to be patched whose two other files have a local function of one name.
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "pair.h"

static int pair_secret = 7;
module_param(pair_secret, int, 0444); /* so that no compiler takes it for a constant */

static int pair_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "pair: %d\n", pair_first(pair_secret) + pair_second(pair_secret));
	return 0;
}

static int __init pair_init(void)
{
	return proc_create_single("klp_pair", 0444, NULL, pair_show) ? 0 : -ENOMEM;
}

static void __exit pair_exit(void)
{
	remove_proc_entry("klp_pair", NULL);
}

module_init(pair_init);
module_exit(pair_exit);
MODULE_DESCRIPTION("a module to be patched");
MODULE_LICENSE("GPL");
