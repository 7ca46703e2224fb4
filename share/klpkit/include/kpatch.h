/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What patches take from the header of kpatch's core module: its shadow variables. */
#ifndef KLPKIT_KPATCH_H
#define KLPKIT_KPATCH_H

#include "kpatch-shadow.h"

#endif
