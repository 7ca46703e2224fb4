# SPDX-License-Identifier: GPL-2.0-or-later
# Which units a patched header reaches, and what becomes of files that are nothing to the kernel, on the stock kernel.
. "$(dirname "$0")/../lib.sh"

source=$(path_of source)

# edit FILE SED-SCRIPT: adds the change to headers.patch.
edit() { add_change headers.patch "$@"; }

# new FILE TEXT: adds a file to headers.patch.
new() {
    printf -- '--- /dev/null\n+++ b/%s\n@@ -0,0 +1 @@\n+%s\n' "$1" "$2" >>headers.patch
}

# build STATUS [OPTION...]: of the edits so far.
build() {
    local status=$1
    shift
    expect_status "$status" "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o headers.ko "$@" headers.patch
    rm -f headers.patch headers.ko
}

# reached JQ: of the units.
reached() {
    jq -r "[.units[] | select($1) | .source] | sort | join(\" \")" out
}

# By way of a macro: `#include GENL_MAGIC_INCLUDE_FILE`. The compiler's word for it is its dependency file.
edit include/linux/drbd_genl.h 's/disk_timeout, DRBD_DISK_TIMEOUT_DEF)/disk_timeout, DRBD_DISK_TIMEOUT_DEF + 1)/'
build 0
[ "$(reached .changed)" = drivers/block/drbd/drbd_nl.c ] || fail "changed: $(reached .changed)"
jq -e '[.objects[] | .name] == ["drbd"]' out >/dev/null || fail "$(cat out)"
jq -e 'any(.notes[]; startswith("10 units of this kernel include include/linux/drbd_genl.h and use nothing"))' out >/dev/null ||
    fail "no note on the other ten: $(jq .notes out)"

# A trace header, which define_trace.h includes by two macros. What it is made into cannot be traced.
edit include/trace/events/sctp.h 's/__entry->rwnd = asoc->peer.rwnd;/__entry->rwnd = asoc->peer.rwnd + 1;/'
build 2
expect_in "diff.not-traceable" err
expect_in "net/sctp/sm_statefuns.c" err

# A macro of a header, in vmlinux and in a module.
edit block/elevator.h 's/list_entry((ptr), struct request, queuelist)/list_entry((ptr)->next, struct request, queuelist)/'
build 0
jq -e '[.objects[].name] == ["vmlinux", "bfq"]' out >/dev/null || fail "$(jq .objects out)"
[ "$(reached .changed)" = "block/bfq-iosched.c block/mq-deadline.c" ] || fail "changed: $(reached .changed)"

# On a terminal, a bar, of which nothing is left.
edit block/elevator.h 's/list_entry((ptr), struct request, queuelist)/list_entry((ptr)->next, struct request, queuelist)/'
script -qec "'$KLP' build --kernel '$KLPKIT_TEST_KERNEL' -o headers.ko headers.patch" typed >/dev/null </dev/null || fail "$(cat typed)"
expect_in "of 4 objects compiled" typed
tail -n 1 typed | grep -q '^Script done' || fail "$(tail -n 3 typed | cat -v)"
[ "$(tr '\r' '\n' <typed | grep -c '^.\[K\[')" -ge 2 ] || fail "no bar"
[ "$(tr '\r' '\n' <typed | grep -c '^.\[K[^[]')" -ge 1 ] || fail "the bar stays"
rm headers.patch headers.ko

# Comments, and definitions that nobody uses, change nothing.
edit block/elevator.h '1a /* a comment */'
build 3
expect_in "only comments change" err
edit fs/proc/fd.h 's/^#define.*/&\n#define NOBODY_USES_THIS 1/'
build 3
expect_in "changes no code" err
edit fs/proc/fd.h 's/^#define.*/&\nint nobody_calls_this(void);/'
build 3
expect_in "fs/proc/fd.h: no unit of this kernel uses what changes in it" err
for line in '/* a comment */' 'extern int nobody_calls_this(struct task_struct *task);'; do
    edit include/linux/sched.h "/^struct task_struct {/i $line"
    build 3
done

# A prototype that nothing has mentioned: of all that include the header, the patched unit alone.
edit fs/proc/internal.h '/^struct proc_dir_entry \*proc_create_reg(/i extern int new_answer(void);'
edit fs/proc/cmdline.c 's/^static int cmdline_proc_show/int new_answer(void)\n{\n\treturn 42;\n}\n&/; s/seq_putc(m, /seq_printf(m, " %d", new_answer()); &/; s/^#include <linux.seq_file.h>/&\n#include "internal.h"/'
build 0
[ "$(reached true)" = fs/proc/cmdline.c ] || fail "reached: $(reached true)"

# Macros paste names of pieces: F2FS_FEATURE_FUNCS(casefold, CASEFOLD) uses F2FS_FEATURE_CASEFOLD, which no source
# mentions.
edit fs/f2fs/f2fs.h 's/^#define F2FS_FEATURE_CASEFOLD.*/#define F2FS_FEATURE_CASEFOLD 0x800000/'
build 2
expect_in "fs/f2fs/super.c" err
expect_in "f2fs_attr_sb_casefold" err

# A prototype of a private header, which 27 units include: the two that mention it are compiled. A change that none of them
# notices, behind a condition and with another header, reaches nobody.
edit fs/ext4/ext4_jbd2.h 's/^int ext4_expand_extra_isize(/long ext4_expand_extra_isize(/'
edit fs/ext4/inode.c 's/^int ext4_expand_extra_isize(/long ext4_expand_extra_isize(/'
build 0
[ "$(reached true)" = "fs/ext4/inode.c fs/ext4/ioctl.c" ] || fail "reached: $(reached true)"
edit fs/ext4/ext4_jbd2.h 's/^#include "ext4.h"/&\n#include <linux\/crc7.h>/; s/^int ext4_expand_extra_isize(/#ifdef CONFIG_NOBODY\n#error no\n#endif\n&/'
build 3
expect_in "fs/ext4/ext4_jbd2.h: no unit of this kernel uses what changes in it" err

# A macro of a module's header, by way of another one; a type, whose layout is looked at in units that have it only from
# there.
edit include/net/sctp/sctp.h '/^#define SCTP_SAT_LEN/s/(x) \*/((x) + 1) */'
build 0
jq -e '[.objects[].name] == ["sctp"]' out >/dev/null || fail "$(jq .objects out)"
edit fs/proc/internal.h '/^struct proc_dir_entry {/a \\tlong new_member;'
build 2
expect_in "[diff.layout]" err
expect_in "proc_dir_entry" err

# Included by an option of the compiler, and so by all: too many, unless they are allowed.
edit include/linux/kconfig.h 's/^#define IS_BUILTIN(option) .*/#define IS_BUILTIN(option) (__is_defined(option) + 0)/'
build 2 --limit 3
expect_in "reach more than 3 units" err
expect_in "source files that may include them say" err
expect_in "--yes" err
expect_in "minutes" err
edit block/elevator.h 's/list_entry((ptr), struct request, queuelist)/list_entry((ptr)->next, struct request, queuelist)/'
build 2 --max-units 1
expect_in "reach more than 1 units" err
edit block/elevator.h 's/list_entry((ptr), struct request, queuelist)/list_entry((ptr)->next, struct request, queuelist)/'
build 0 --limit 1 --yes

# A new header of a patched file; one that is taken away.
edit fs/proc/cmdline.c 's/^#include <linux\/seq_file.h>/&\n#include "cmdline-text.h"/; s/seq_puts(m, saved_command_line);/seq_puts(m, CMDLINE_TEXT);/'
new fs/proc/cmdline-text.h '#define CMDLINE_TEXT "patched"'
build 0
jq -e '[.objects[].functions[].name] == ["cmdline_proc_show"]' out >/dev/null || fail "$(cat out)"
{
    printf -- '--- a/fs/proc/fd.h\n+++ /dev/null\n@@ -1,%d +0,0 @@\n' "$(wc -l <"$source/fs/proc/fd.h")"
    sed 's/^/-/' "$source/fs/proc/fd.h"
} >headers.patch
build 1
expect_in "fd.h: No such file" err

# Assembly cannot be replaced: it must come out as it was.
edit include/asm-generic/export.h 's/^.macro ___EXPORT_SYMBOL.*/&\n\tnop/'
build 2
expect_in "[build.header]" err
expect_in "is made into, which a livepatch cannot replace" err

# What makefiles make source code from is not documentation.
edit arch/x86/lib/x86-opcode-map.txt 's/^00: ADD/00: SUB/'
build 2
expect_in "[build.source-input]" err
edit arch/x86/include/asm/cpufeatures.h 's/^#define X86_FEATURE_FPU.*/& \/* "text" *\/\n#define X86_FEATURE_NEW 1/'
build 2
expect_in "[build.source-input]" err
edit drivers/tty/vt/defkeymap.map '1i # nothing'
build 2
expect_in "[build.source-input]" err

# Files that are nothing to this kernel go by the way, as long as something is left.
patch_of_cmdline() {
    edit fs/proc/cmdline.c 's/seq_puts(m, saved_command_line);/seq_puts(m, "patched");/'
}
skipped() {
    build 0
    jq -e --arg file "$1" 'any(.notes[]; startswith($file + ": "))' out >/dev/null || fail "no note on $1: $(jq .notes out)"
}
edit arch/arm64/include/asm/pgtable.h 's/^#ifndef __ASSEMBLY__/&\n#define NEW_HERE 1/'
build 2
expect_in "[build.not-built]" err
patch_of_cmdline
edit arch/arm64/include/asm/pgtable.h 's/^#ifndef __ASSEMBLY__/&\n#define NEW_HERE 1/'
skipped arch/arm64/include/asm/pgtable.h
edit fs/Kconfig '1i # nothing'
build 2
expect_in "[build.build-system]" err
for file in fs/Kconfig arch/powerpc/kernel/module.c tools/testing/selftests/Makefile arch/x86/configs/x86_64_defconfig \
    fs/cramfs/inode.c fs/cramfs/Makefile drivers/s390/char/sclp.c drivers/fpga/Kconfig rust/kernel/lib.rs samples/kprobes/kprobe_example.c Documentation/process/howto.rst; do
    [ -e "$source/$file" ] || continue
    patch_of_cmdline
    edit "$file" '1i # nothing'
    skipped "$file"
done

# Lines of a Makefile for options that are not set; others are still refused.
patch_of_cmdline
edit fs/proc/Makefile '$a obj-$(CONFIG_NOT_OF_THIS_KERNEL) += new.o'
skipped fs/proc/Makefile
patch_of_cmdline
edit fs/proc/Makefile '$a ccflags-y += -DNEW'
build 2
expect_in "[build.build-system]" err
