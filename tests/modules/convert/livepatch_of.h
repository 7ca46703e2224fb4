/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a livepatch of one object is made of. */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#define LIVEPATCH(object_name, old, new)						\
	static struct klp_func functions[] = { { .old_name = old, .new_func = new }, { } };	\
	static struct klp_object objects[] = {						\
		{ .name = object_name, .funcs = functions }, { }			\
	};										\
	static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };	\
	static int __init livepatch_init(void) { return klp_enable_patch(&patch); }	\
	static void __exit livepatch_exit(void) { }					\
	module_init(livepatch_init);							\
	module_exit(livepatch_exit);							\
	MODULE_DESCRIPTION("a livepatch written by hand");				\
	MODULE_LICENSE("GPL");								\
	MODULE_INFO(livepatch, "Y")
