/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Livepatches of functions that return a number. */
#include <linux/livepatch.h>
#include <linux/module.h>

#define REPLACEMENT(name, number)                                              \
	static noinline int name(void)                                         \
	{                                                                      \
		return number;                                                 \
	}

#define LIVEPATCH(object_name, replaces, ...)                                  \
	static struct klp_func functions[] = { __VA_ARGS__, {} };              \
	static struct klp_object objects[] = {                                 \
		{ .name = object_name, .funcs = functions }, {}                \
	};                                                                     \
	static struct klp_patch patch = {                                      \
		.mod = THIS_MODULE, .objs = objects, .replace = replaces       \
	};                                                                     \
	static int __init livepatch_init(void)                                 \
	{                                                                      \
		return klp_enable_patch(&patch);                               \
	}                                                                      \
	static void __exit livepatch_exit(void)                                \
	{                                                                      \
	}                                                                      \
	module_init(livepatch_init);                                           \
	module_exit(livepatch_exit);                                           \
	MODULE_DESCRIPTION("a livepatch of a scenario");                       \
	MODULE_LICENSE("GPL");                                                 \
	MODULE_INFO(livepatch, "Y")

#define FUNC(name, position, replacement)                                      \
	{ .old_name = name, .old_sympos = position, .new_func = replacement }
