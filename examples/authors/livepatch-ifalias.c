// SPDX-License-Identifier: GPL-2.0-or-later
/* Each network device counts how often its alias is read: a field that struct net_device does not have. */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

/* Id of the shadow variable, and of the state that says who has such variables; the same in all our livepatches. */
#define ALIAS_READS 2

/* Set while no task runs the old netdev_release(), which would free a device and forget its shadow variable. */
static bool counting;

static ssize_t livepatch_ifalias_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct net_device *netdev = to_net_dev(dev);
	atomic_t *reads = NULL;
	char tmp[IFALIASZ];
	ssize_t ret;

	if (READ_ONCE(counting))	/* zeroed where it is new */
		reads = klp_shadow_get_or_alloc(netdev, ALIAS_READS, sizeof(*reads), GFP_KERNEL, NULL, NULL);

	ret = dev_get_alias(netdev, tmp, sizeof(tmp));
	if (ret > 0)
		ret = sysfs_emit(buf, "%s, read %d times\n", tmp, reads ? atomic_inc_return(reads) : 0);
	return ret;
}

static void say_reads(void *netdev, void *reads)
{
	pr_info("livepatch-ifalias: %s goes, its alias was read %d times\n",
		netdev_name(netdev), atomic_read((atomic_t *)reads));
}

static void livepatch_netdev_release(struct device *d)
{
	struct net_device *dev = to_net_dev(d);

	BUG_ON(dev->reg_state != NETREG_RELEASED);

	klp_shadow_free(dev, ALIAS_READS, say_reads);
	kfree(rcu_access_pointer(dev->ifalias));
	netdev_freemem(dev);
}

static void post_patch(struct klp_object *obj)
{
	WRITE_ONCE(counting, true);
}

static void pre_unpatch(struct klp_object *obj)
{
	WRITE_ONCE(counting, false);
}

/*
 * No task runs our code any more. Either the livepatch was disabled, or its transition was reversed, and the variables
 * are still those of the livepatch that it was to replace.
 */
static void post_unpatch(struct klp_object *obj)
{
	if (!klp_get_prev_state(ALIAS_READS))
		klp_shadow_free_all(ALIAS_READS, NULL);
}

static struct klp_func funcs[] = {
	{ .old_name = "ifalias_show", .new_func = livepatch_ifalias_show },
	{ .old_name = "netdev_release", .new_func = livepatch_netdev_release },
	{ }
};

static struct klp_object objs[] = {
	{
		.funcs = funcs,
		.callbacks = {
			.post_patch = post_patch,
			.pre_unpatch = pre_unpatch,
			.post_unpatch = post_unpatch,
		},
	},
	{ }
};

static struct klp_state states[] = {
	{ .id = ALIAS_READS, .version = 1 },
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
MODULE_DESCRIPTION("livepatch: network devices count reads of their alias");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
