// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/compiler.h>

#include "pair.h"

/* noipa: it keeps its name and its argument. */
static __attribute__((__noipa__)) int same_name(int number)
{
	return number + 200;
}

int pair_second(int number)
{
	return same_name(number);
}
