// SPDX-License-Identifier: GPL-2.0-or-later
// Refused: klp_pair has two functions of the name, and no module is named nowhere.
#include <klpkit/livepatch.h>

#include "livepatch_of.h"

extern int same_name(int number);
extern int nowhere(void) KLP_RELOC_SYMBOL(nowhere, nowhere, nowhere);
KLP_MODULE_RELOC(klp_pair) klp_pair_relocs[] = { KLP_SYMPOS(same_name, 3) };

static int livepatch_pair_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "patched pair: %d\n", same_name(1) + nowhere());
	return 0;
}

LIVEPATCH("klp_pair", "pair_show", livepatch_pair_show);
