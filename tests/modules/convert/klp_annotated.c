// SPDX-License-Identifier: GPL-2.0-or-later
// klp_pair has same_name twice: both are meant, one in each form of annotation. pair_secret is unique.
#include <klpkit/livepatch.h>

#include "livepatch_of.h"

extern int pair_secret;
extern int same_name(int number);
extern int first_same_name(int number) KLP_RELOC_SYMBOL_POS(klp_pair, klp_pair, same_name, 1);
extern char *command_line KLP_RELOC_SYMBOL(vmlinux, vmlinux, saved_command_line);

KLP_MODULE_RELOC(klp_pair) klp_pair_relocs[] = {
	KLP_SYMPOS(same_name, 2),
};

static int livepatch_pair_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "patched pair: %d, %d, %s\n", first_same_name(pair_secret), same_name(pair_secret),
		   command_line ? "with a command line" : "without");
	return 0;
}

LIVEPATCH("klp_pair", "pair_show", livepatch_pair_show);
