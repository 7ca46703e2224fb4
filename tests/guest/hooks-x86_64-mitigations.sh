# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel with IBT that keeps the ftrace records of overridden weak functions: for some functions the livepatch core is
# given such a record, says that it has patched the function, and nothing changes.
. "$(dirname "$0")/../small-kernel.sh"

use_small_kernel x86_64 mitigations

# The kernel itself, asked for all of its functions: ftrace_set_filter_ips() looks them up as the livepatch core does, and
# only what is traced then is in enabled_functions.
mkdir asked
"$KLPKIT_TOOLS/ftrace_hooks" "$KLPKIT_TEST_KERNEL" >hooks
awk '$4 == "own" || $4 == "elsewhere" { print "\t0x" $1 "," }' hooks | sort -u >asked/addresses.h
echo 'obj-m := asked.o' >asked/Makefile
cat >asked/asked.c <<'END'
#include <linux/ftrace.h>
#include <linux/module.h>
static unsigned long addresses[] = {
#include "addresses.h"
};
static void notrace seen(unsigned long ip, unsigned long parent, struct ftrace_ops *ops, struct ftrace_regs *regs)
{
}
static struct ftrace_ops asked_ops = { .func = seen };
static int asked_init(void)
{
	int error = ftrace_set_filter_ips(&asked_ops, addresses, ARRAY_SIZE(addresses), 0, 0);

	return error ? error : register_ftrace_function(&asked_ops);
}
static void asked_exit(void)
{
	unregister_ftrace_function(&asked_ops);
}
module_init(asked_init);
module_exit(asked_exit);
MODULE_LICENSE("GPL");
END
build_modules "$PWD/asked"

# Two functions patched by hand: one is hooked elsewhere, the other is not.
# livepatch NAME FUNCTION: that writes NAME to the file in /proc of which FUNCTION is the show function.
livepatch() {
    mkdir "$1"
    echo "obj-m := $1.o" >"$1/Makefile"
    cat >"$1/$1.c" <<END
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>
static int new_show(struct seq_file *file, void *data)
{
	seq_puts(file, "$1\n");
	return 0;
}
static struct klp_func funcs[] = { { .old_name = "$2", .new_func = new_show }, {} };
static struct klp_object objs[] = { { .funcs = funcs }, {} };
static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs };
static int start(void)
{
	return klp_enable_patch(&patch);
}
static void stop(void)
{
}
module_init(start);
module_exit(stop);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
END
    build_modules "$PWD/$1"
}
livepatch overlooked loadavg_proc_show
livepatch replaced uptime_proc_show

# What klp says of them, without a guest…
expect_status 2 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" overlooked/overlooked.ko
expect_in "'loadavg_proc_show' of vmlinux would never be replaced: ftrace hooks another place [check.hooked-elsewhere]" err
expect_in "meets the one at 0xf4 behind its start" err
expect_status 2 "$KLP" simulate --kernel "$KLPKIT_TEST_KERNEL" overlooked/overlooked.ko
expect_in "'loadavg_proc_show' is not replaced" out
expect_status 2 "$KLP" simulate --json --kernel "$KLPKIT_TEST_KERNEL" overlooked/overlooked.ko
[ "$(jq -c '[.events[-1].ok, .events[-1].not_replaced, .modules[0].patch.objects[0].functions[0].hook]' out)" = \
    '[true,["loadavg_proc_show"],"elsewhere"]' ] || fail "$(cat out)"
expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" replaced/replaced.ko
expect_status 0 "$KLP" simulate --json --kernel "$KLPKIT_TEST_KERNEL" replaced/replaced.ko
[ "$(jq -c '.modules[0].patch.objects[0].functions[0].hook' out)" = '"own"' ] || fail "$(cat out)"

# No livepatch of it is made.
add_change loadavg.patch fs/proc/loadavg.c 's/%lu\.%02lu %lu/7%lu.%02lu %lu/'
expect_status 2 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" loadavg.patch -o none.ko
expect_in "'loadavg_proc_show' would never be replaced: ftrace hooks another place [resolve.hooked-elsewhere]" err
expect_no_file none.ko

# …and what is so in the guest.
expect_status 1 "$KLP" run --json --kernel "$KLPKIT_TEST_KERNEL" overlooked/overlooked.ko -- cat /proc/loadavg
[ "$(jq -c '[.transition_complete, .unloaded, (.not_replaced | length)]' out)" = '[true,true,1]' ] || fail "$(cat out)"
expect_in "'loadavg_proc_show' of vmlinux is not replaced" err
if jq -r .after.stdout out | found overlooked; then fail "it was replaced"; fi
expect_status 0 "$KLP" run --json --kernel "$KLPKIT_TEST_KERNEL" replaced/replaced.ko -- cat /proc/uptime
[ "$(jq -r .after.stdout out)" = replaced ] || fail "$(cat out)"
[ "$(jq -c .not_replaced out)" = '[]' ] || fail "$(cat out)"

cat >asking <<'END'
[ -e /asked ] || { cat /proc/kallsyms; echo ==; cat /sys/kernel/tracing/enabled_functions; }
echo >/asked
END
expect_status 0 "$KLP" run --json --kernel "$KLPKIT_TEST_KERNEL" --module asked/asked.ko --timeout 300 \
    replaced/replaced.ko -- "$(cat asking)"
jq -r .before.stdout out >seen
sed '/^==$/,$d' seen >kallsyms
sed '1,/^==$/d' seen >enabled
expect_status 0 python3 "$KLPKIT_ROOT/tests/ftrace_locations.py" "$(path_of vmlinux)" kallsyms 16 4096 5 0
awk '{ print $1, $2, $3 }' hooks | sort >of_model
sort out >of_script
diff of_model of_script || fail "the model and the script differ"
[ "$(awk '$4 == "elsewhere"' hooks | wc -l)" -gt 20 ] || fail "too few functions are hooked elsewhere"
# The kernel prints the first name of an address.
awk '$4 == "own" { print $1, $2 }' hooks | sort -k 1,1 -s -u | awk '{ print $2 }' | sort >expected
awk 'NF { print $1 }' enabled | sort >hooked
diff expected hooked >difference || fail "the kernel hooks others than the model says: $(head -n 40 difference)"
