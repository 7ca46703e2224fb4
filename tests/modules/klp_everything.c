// SPDX-License-Identifier: GPL-2.0-or-later
// A livepatch of vmlinux and of klp_target that has a bit of everything that kernels write into modules: livepatch
// relocations in code, constants and data, calls, indirect calls, exception table, bug table, atomics, alternatives,
// static keys, static calls, tracing.
#include <linux/atomic.h>
#include <linux/jump_label.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/static_call.h>
#include <linux/uaccess.h>

/* Of vmlinux, not exported. */
extern char *saved_command_line;
extern int nr_processes(void);
/* Of klp_target, local there. */
extern int hidden_value;
extern int hidden_function(int by);

static DEFINE_STATIC_KEY_FALSE(off_key);
static DEFINE_STATIC_KEY_TRUE(on_key);
static atomic_t calls = ATOMIC_INIT(0);

static noinline int own_function(int number)
{
	return number + 1;
}
DEFINE_STATIC_CALL(own_call, own_function);

typedef int (*number_function)(int);

static const number_function functions[] = { own_function, hidden_function };
static const void *const constants[] = { &saved_command_line, nr_processes, &hidden_value };
static const void *variables[] = { &hidden_value, &saved_command_line };

/* What the compiler cannot look up in a table at compile time. */
static const void *entry_of(const void *const *table, int index)
{
	OPTIMIZER_HIDE_VAR(table);
	return table[index];
}

static number_function function_of(int index)
{
	const number_function *table = functions;

	OPTIMIZER_HIDE_VAR(table);
	return table[index];
}

static noinline int indirect(number_function function, int number)
{
	return function(number) + 1;
}

static noinline int read_user(const int __user *from)
{
	int value = 0;

	if (get_user(value, from))
		return -EFAULT;
	return value;
}

static int livepatch_cmdline_proc_show(struct seq_file *file, void *unused)
{
	atomic_inc(&calls);
	if (static_branch_unlikely(&off_key))
		pr_info("never\n");
	if (static_branch_likely(&on_key))
		seq_printf(file, "patched: %s\n", saved_command_line);
	WARN_ON_ONCE(nr_processes() <= 0);
	seq_printf(file, "indirect %d static %d fault %d same %d\n", indirect(function_of(0), 1), static_call(own_call)(1),
		   read_user((const int __user *)1) == -EFAULT, entry_of(constants, 0) == entry_of(variables, 1));
	return 0;
}

static int livepatch_target_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "patched target: %d indirect %d same %d\n", hidden_function(hidden_value),
		   indirect(function_of(1), 1), entry_of(constants, 2) == entry_of(variables, 0));
	return 0;
}

static struct klp_func vmlinux_functions[] = {
	{ .old_name = "cmdline_proc_show", .new_func = livepatch_cmdline_proc_show },
	{ }
};

static struct klp_func target_functions[] = {
	{ .old_name = "target_show", .new_func = livepatch_target_show },
	{ }
};

static struct klp_object objects[] = {
	{ .funcs = vmlinux_functions },
	{ .name = "klp_target", .funcs = target_functions },
	{ }
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init livepatch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit livepatch_exit(void)
{
}

module_init(livepatch_init);
module_exit(livepatch_exit);
MODULE_DESCRIPTION("a livepatch with a bit of everything");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
