// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/compiler.h>

#include "pair.h"

/* noipa: it keeps its name and its argument. */
static __attribute__((__noipa__)) int same_name(int number)
{
	return number + 100;
}

int pair_first(int number)
{
	return same_name(number);
}
