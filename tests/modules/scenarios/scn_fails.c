// SPDX-License-Identifier: GPL-2.0-or-later
// A module whose symbol nobody exports: it never gets as far as its livepatches.
#include <linux/module.h>

extern int scn_missing(void);

static __attribute__((__noipa__)) int one(void)
{
	return scn_missing();
}

static int __init fails_init(void)
{
	return one();
}

module_init(fails_init);
MODULE_DESCRIPTION("a module that cannot be loaded");
MODULE_LICENSE("GPL");
