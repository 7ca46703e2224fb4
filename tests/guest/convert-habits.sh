# SPDX-License-Identifier: GPL-2.0-or-later
# Habits of livepatches written by hand: two klp_patch in one module, which kernels die of; tables that the init function
# fills, which they take; two names of one function; a module parameter whose code needs a module that is not there.
. "$(dirname "$0")/../small-kernel.sh"
use_small_kernel x86_64

mkdir own
cp "$KLPKIT_ROOT/tests/modules/convert/livepatch_of.h" own
cat >own/Makefile <<'END_OF_FILE'
ccflags-y := -I$(src)
obj-m := klp_own.o klp_twice.o klp_filled.o klp_names.o klp_parameter.o
END_OF_FILE
cat >own/klp_own.c <<'END_OF_FILE'
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
int own_value(int number);
int __attribute__((__noipa__)) own_value(int number) { return number + 1; }
int own_other_value(int number) __attribute__((alias("own_value")));
static int own_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "own: %d\n", own_value(1));
	return 0;
}
static int __init own_init(void) { return proc_create_single("klp_own", 0444, NULL, own_show) ? 0 : -ENOMEM; }
static void __exit own_exit(void) { remove_proc_entry("klp_own", NULL); }
module_init(own_init);
module_exit(own_exit);
MODULE_DESCRIPTION("a module to be patched");
MODULE_LICENSE("GPL");
END_OF_FILE
cat >own/parts.h <<'END_OF_FILE'
#include "livepatch_of.h"
#define SHOW(name) \
	static int name(struct seq_file *file, void *unused) { seq_puts(file, "patched\n"); return 0; }
#define MODULE(init) \
	static void __exit livepatch_exit(void) { } \
	module_init(init); module_exit(livepatch_exit); \
	MODULE_DESCRIPTION("a livepatch written by hand"); MODULE_LICENSE("GPL"); MODULE_INFO(livepatch, "Y")
END_OF_FILE
cat >own/klp_twice.c <<'END_OF_FILE'
#include "parts.h"
SHOW(shown)
static struct klp_func first[] = { { .old_name = "cmdline_proc_show", .new_func = shown }, { } };
static struct klp_func second[] = { { .old_name = "version_proc_show", .new_func = shown }, { } };
static struct klp_object first_objects[] = { { .funcs = first }, { } }, second_objects[] = { { .funcs = second }, { } };
static struct klp_patch first_patch = { .mod = THIS_MODULE, .objs = first_objects };
static struct klp_patch second_patch = { .mod = THIS_MODULE, .objs = second_objects };
static int __init livepatch_init(void)
{
	int error = klp_enable_patch(&first_patch);
	return error ? error : klp_enable_patch(&second_patch);
}
MODULE(livepatch_init);
END_OF_FILE
cat >own/klp_filled.c <<'END_OF_FILE'
#include "parts.h"
SHOW(shown)
static struct klp_func functions[2];
static struct klp_object objects[2];
static struct klp_patch patch;
static int __init livepatch_init(void)
{
	functions[0].old_name = "cmdline_proc_show";
	functions[0].new_func = shown;
	objects[0].funcs = functions;
	patch.mod = THIS_MODULE;
	patch.objs = objects;
	return klp_enable_patch(&patch);
}
MODULE(livepatch_init);
END_OF_FILE
cat >own/klp_names.c <<'END_OF_FILE'
#include "parts.h"
static int more(int number) { return number + 2; }
static struct klp_func functions[] = {
	{ .old_name = "own_value", .new_func = more }, { .old_name = "own_other_value", .new_func = more }, { }
};
static struct klp_object objects[] = { { .name = "klp_own", .funcs = functions }, { } };
static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };
static int __init livepatch_init(void) { return klp_enable_patch(&patch); }
MODULE(livepatch_init);
END_OF_FILE
cat >own/klp_parameter.c <<'END_OF_FILE'
#include "livepatch_of.h"
extern int own_value(int number);
static int get(char *text, const struct kernel_param *parameter) { return sprintf(text, "%d\n", own_value(1)); }
static const struct kernel_param_ops operations = { .get = get };
module_param_cb(value, &operations, NULL, 0444);
static int livepatch_own_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "patched: %d\n", own_value(1));
	return 0;
}
LIVEPATCH("klp_own", "own_show", livepatch_own_show);
END_OF_FILE
build_modules "$PWD/own" KBUILD_MODPOST_WARN=1
of_own() { "$KLP" "$1" --kernel "$KLPKIT_TEST_KERNEL" "${@:2}"; }

expect_status 0 of_own convert -o klp_twice.ko own/klp_twice.ko
expect_status 2 of_own check klp_twice.ko
expect_in "one more call of klp_enable_patch(), which a module can make only once [check.enabled-twice]" err
expect_status 1 of_own run klp_twice.ko -- cat /proc/cmdline
expect_in "Kernel panic" err

expect_status 0 of_own convert -o klp_filled.ko own/klp_filled.ko
expect_status 0 of_own check klp_filled.ko
expect_in "[check.no-tables]" err
run_guest klp_filled.ko -- cat /proc/cmdline
[ "$(cat after)" = patched ] || fail "$(cat after)"

expect_status 0 of_own convert --module own/klp_own.ko -o klp_names.ko own/klp_names.ko
expect_status 2 of_own check --object own/klp_own.ko klp_names.ko
expect_in "'own_other_value' of klp_own and 'own_value' are two names of one function [check.function-repeated]" err
expect_status 2 of_own simulate own/klp_own.ko --event load:klp_names.ko
expect_in "two names of one function" out

expect_status 0 of_own convert --module own/klp_own.ko -o klp_parameter.ko own/klp_parameter.ko
expect_in "[convert.early-code]" err
run_guest --module own/klp_own.ko klp_parameter.ko -- 'cat /proc/klp_own; cat /sys/module/klp_parameter/parameters/value || true'
[ "$(tr '\n' ' ' <after)" = "patched: 2 2 " ] || fail "$(cat after)"
expect_status 1 of_own run klp_parameter.ko -- cat /sys/module/klp_parameter/parameters/value
expect_in "Kernel panic" err
