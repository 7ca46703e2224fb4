// SPDX-License-Identifier: GPL-2.0-or-later
// Refused: nothing says which same_name is meant.
#include "livepatch_of.h"

extern int same_name(int number);

static int livepatch_pair_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "patched pair: %d\n", same_name(1));
	return 0;
}

LIVEPATCH("klp_pair", "pair_show", livepatch_pair_show);
