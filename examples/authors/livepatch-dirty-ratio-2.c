// SPDX-License-Identifier: GPL-2.0-or-later
/* The next release, which takes over from the first. */
#define DIRTY_RATIO 5
#include "livepatch-dirty-ratio.c"
