// SPDX-License-Identifier: GPL-2.0-or-later
// saved_command_line is not exported, and unique: nothing has to be said.
#include "livepatch_of.h"

extern char *saved_command_line;

static int livepatch_cmdline_proc_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "%s livepatch=1\n", saved_command_line);
	return 0;
}

LIVEPATCH(NULL, "cmdline_proc_show", livepatch_cmdline_proc_show);
