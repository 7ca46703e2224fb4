# SPDX-License-Identifier: GPL-2.0-or-later
# Livepatches written by hand, converted and at work on the stock kernel.
. "$(dirname "$0")/../convert.sh"

by_hand_at_work

# A name that vmlinux has twice: each position leads to the symbol that the kernel itself shows at that place.
mkdir by-hand-twice
echo "ccflags-y := -I$KLPKIT_ROOT/include -I$KLPKIT_ROOT/tests/modules/convert
obj-m := klp_twice.o" >by-hand-twice/Makefile
cat >by-hand-twice/klp_twice.c <<'END'
#include <klpkit/livepatch.h>
#include "livepatch_of.h"
extern int m_show(struct seq_file *file, void *unused);
extern int other_m_show(struct seq_file *file, void *unused) KLP_RELOC_SYMBOL_POS(vmlinux, vmlinux, m_show, 1);
KLP_MODULE_RELOC(vmlinux) relocs[] = { KLP_SYMPOS(m_show, 2) };
static int livepatch_cmdline_proc_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "%px t m_show\n%px t m_show\n", other_m_show, m_show);
	return 0;
}
LIVEPATCH(NULL, "cmdline_proc_show", livepatch_cmdline_proc_show);
END
build_modules "$PWD/by-hand-twice" KBUILD_MODPOST_WARN=1
expect_status 0 "$KLP" convert --kernel "$KLPKIT_TEST_KERNEL" -o klp_twice.ko by-hand-twice/klp_twice.ko
expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" klp_twice.ko
expect_status 0 "$KLP" simulate --kernel "$KLPKIT_TEST_KERNEL" klp_twice.ko
run_guest klp_twice.ko -- 'cat /proc/cmdline; grep " m_show$" /proc/kallsyms'
[ "$(wc -l <after)" -eq 4 ] || fail "$(cat after)"
head -n 2 after >called
tail -n 2 after >shown
cmp called shown
