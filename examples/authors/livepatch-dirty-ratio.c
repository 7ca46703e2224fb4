// SPDX-License-Identifier: GPL-2.0-or-later
/* Another default for /proc/sys/vm/dirty_ratio. */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/writeback.h>

#ifndef DIRTY_RATIO
#define DIRTY_RATIO 10
#endif

#define DIRTY_RATIO_STATE 1	/* the same in all our livepatches */

extern int vm_dirty_ratio;	/* static in mm/page-writeback.c */

static struct klp_patch patch;

static void set_dirty_ratio(int ratio)
{
	WRITE_ONCE(vm_dirty_ratio, ratio);
	writeback_set_ratelimit();
}

/* All tasks run the new code. What the kernel had is in the state of the livepatch that this one replaces, if any. */
static void post_patch(struct klp_object *obj)
{
	struct klp_state *state = klp_get_state(&patch, DIRTY_RATIO_STATE);
	struct klp_state *previous = klp_get_prev_state(DIRTY_RATIO_STATE);

	state->data = previous ? previous->data : (void *)(long)vm_dirty_ratio;
	set_dirty_ratio(DIRTY_RATIO);
}

/* Runs where the livepatch is disabled, and not where another one replaces it. */
static void pre_unpatch(struct klp_object *obj)
{
	struct klp_state *state = klp_get_state(&patch, DIRTY_RATIO_STATE);

	if (vm_dirty_ratio == DIRTY_RATIO)	/* nobody has set it since */
		set_dirty_ratio((long)state->data);
}

static struct klp_func no_funcs[] = {
	{ }
};

static struct klp_object objs[] = {
	{
		.funcs = no_funcs,
		.callbacks = {
			.post_patch = post_patch,
			.pre_unpatch = pre_unpatch,
		},
	},
	{ }
};

static struct klp_state states[] = {
	{ .id = DIRTY_RATIO_STATE, .version = 1 },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
	.states = states,
	.replace = true,
};

static int __init livepatch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit livepatch_exit(void)
{
}

module_init(livepatch_init);
module_exit(livepatch_exit);
MODULE_DESCRIPTION("livepatch: another default of vm.dirty_ratio");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
