# SPDX-License-Identifier: GPL-2.0-or-later
# Livepatches written by hand that look right, and that the stock kernel dies of: convert and check refuse them.
. "$(dirname "$0")/../small-kernel.sh"

mkdir own
cp "$KLPKIT_ROOT"/tests/modules/convert/{livepatch_of.h,pair.h,pair.c,pair_first.c,pair_second.c} own
cat >own/Makefile <<'END'
ccflags-y := -I$(src)
obj-m := klp_pair.o klp_inlined.o klp_per_cpu.o
klp_pair-y := pair.o pair_first.o pair_second.o
END
# beta() could be a function of the module that the compiler has inlined; vmlinux has a variable of that name
# (net/ipv4/tcp_cubic.c).
cat >own/klp_inlined.c <<'END'
#include "livepatch_of.h"
extern unsigned int beta(unsigned int a);
static int livepatch_pair_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "%u\n", beta(1));
	return 0;
}
LIVEPATCH("klp_pair", "pair_show", livepatch_pair_show);
END
# Not relocated before Linux 7: the pointer is null on every CPU.
cat >own/klp_per_cpu.c <<'END'
#include "livepatch_of.h"
#include <linux/percpu.h>
static int value = 42;
static DEFINE_PER_CPU(int *, pointer) = &value;
static int livepatch_cmdline_proc_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "%d\n", *this_cpu_read(pointer));
	return 0;
}
LIVEPATCH(NULL, "cmdline_proc_show", livepatch_cmdline_proc_show);
END
build_modules "$PWD/own" KBUILD_MODPOST_WARN=1

expect_status 2 "$KLP" convert --kernel "$KLPKIT_TEST_KERNEL" --module own/klp_pair.ko -o none.ko own/klp_inlined.ko
expect_in "'beta', which it does not have, from vmlinux, which does not export it [convert.foreign-symbol]" err
expect_in "the code goes to 'beta', which is data [convert.reference]" err
expect_no_file none.ko
"$KLPKIT_TOOLS/livepatchify" own/klp_inlined.ko klp_inlined.ko beta=vmlinux.beta,0
expect_status 2 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" --object own/klp_pair.ko klp_inlined.ko
expect_in "the code goes to 'beta', which is data [check.reference]" err
expect_status 1 "$KLP" run --kernel "$KLPKIT_TEST_KERNEL" --module own/klp_pair.ko klp_inlined.ko -- cat /proc/klp_pair
expect_in "Kernel panic" err

expect_status 2 "$KLP" convert --kernel "$KLPKIT_TEST_KERNEL" -o none.ko own/klp_per_cpu.ko
expect_in "which this kernel does not relocate: it stays null [convert.per-cpu]" err
expect_no_file none.ko
expect_status 2 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" own/klp_per_cpu.ko
expect_in "[check.per-cpu]" err
expect_status 1 "$KLP" run --kernel "$KLPKIT_TEST_KERNEL" own/klp_per_cpu.ko -- cat /proc/cmdline
expect_in "Kernel panic" err
