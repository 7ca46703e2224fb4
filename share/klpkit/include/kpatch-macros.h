/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The macros of kpatch's header of this name, as klp understands them. Their uses may lack a final semicolon. */
#ifndef KLPKIT_KPATCH_MACROS_H
#define KLPKIT_KPATCH_MACROS_H

#include <linux/jiffies.h>
#include <linux/printk.h>

#include "klpkit-macros.h"
#include "kpatch-syscall.h"

/* What callbacks get. */
typedef struct klp_object patch_object;

#define KPATCH_PRE_PATCH_CALLBACK(function) KLPKIT_CALLBACK(pre_patch, int, function);
#define KPATCH_POST_PATCH_CALLBACK(function) KLPKIT_CALLBACK(post_patch, void, function);
#define KPATCH_PRE_UNPATCH_CALLBACK(function) KLPKIT_CALLBACK(pre_unpatch, void, function);
#define KPATCH_POST_UNPATCH_CALLBACK(function) KLPKIT_CALLBACK(post_unpatch, void, function);

/* Hooks of kpatch's own core module: klp says that it has none. */
#define KPATCH_LOAD_HOOK(function) KLPKIT_FUNCTION(".kpatch.hooks.load", function);
#define KPATCH_UNLOAD_HOOK(function) KLPKIT_FUNCTION(".kpatch.hooks.unload", function);

#define KPATCH_IGNORE_FUNCTION(function) KLPKIT_FUNCTION(".klpkit.ignore.functions", function);
#define KPATCH_IGNORE_SECTION(name) KLPKIT_TEXT(".klpkit.ignore.sections", __stringify(name));
#define KPATCH_FORCE_UNSAFE(function) KLPKIT_FUNCTION(".klpkit.force", function);

/*
 * printk() is marked as cold, and with it whatever leads to it. The condition, always true in a kernel that runs, keeps
 * that from the code around it.
 */
#define KPATCH_PRINTK(format, ...)					\
	({								\
		if (jiffies)						\
			printk(format, ##__VA_ARGS__);			\
	})
#define KPATCH_PRINTK_DEFERRED(format, ...)				\
	({								\
		if (jiffies)						\
			printk_deferred(format, ##__VA_ARGS__);		\
	})

#define KPATCH_STATIC_CALL(name) KLPKIT_STATIC_CALL(name)

#endif
