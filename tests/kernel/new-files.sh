# SPDX-License-Identifier: GPL-2.0-or-later
# New .c files, which a patched Makefile adds to an object of the kernel or to a module, on the stock kernel.
. "$(dirname "$0")/../lib.sh"


edit() { add_change new.patch "$@"; }

# new FILE: from standard input.
new() {
    cat >text
    printf -- '--- /dev/null\n+++ b/%s\n@@ -0,0 +1,%d @@\n' "$1" "$(wc -l <text)" >>new.patch
    sed 's/^/+/' text >>new.patch
    rm text
}

build() {
    local status=$1
    shift
    rm -f new.ko
    expect_status "$status" "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o new.ko "$@" new.patch
    [ "$status" -eq 0 ] || expect_no_file new.ko
}

patched_cmdline() {
    rm -f new.patch
    edit fs/proc/cmdline.c 's/^static int cmdline_proc_show/void new_text(struct seq_file *m);\n&/; s/seq_puts(m, saved_command_line);/new_text(m);/'
    edit fs/proc/Makefile 's/cmdline.o/& cmdline-new.o/'
}
body='#include <linux/seq_file.h>
#include "internal.h"
void new_text(struct seq_file *m);
static int calls;
void new_text(struct seq_file *m)
{
	seq_printf(m, "%d %s", ++calls, saved_command_line);
}'

# Into the image: the function is in the module, and what calls it.
patched_cmdline
new fs/proc/cmdline-new.c <<<"$body"
build 0
jq -e '[.objects[] | .name, (.functions[] | .name + (if .new then "+" else "" end))] == ["vmlinux", "new_text+", "cmdline_proc_show"]' out >/dev/null ||
    fail "$(jq .objects out)"
readelf -sW new.ko | found ' FUNC .* new_text$' || fail "no new_text"
readelf -rW new.ko | found 'R_X86_64_P.*32 .* new_text' || fail "nobody calls new_text"
readelf -SW new.ko | found '\.klp\.rela\.vmlinux\.' || fail "no livepatch relocations"

# Into a module, which has it only where the livepatch's object is that module.
rm -f new.patch
edit net/sctp/proc.c 's/^static int sctp_snmp_seq_show(/int new_answer(void);\n&/; s/seq_printf(seq, "%-32s/new_answer(), &/'
edit net/sctp/Makefile 's/protocol.o/& answer.o/'
new net/sctp/answer.c <<'E2'
int new_answer(void);
int new_answer(void) { return 42; }
E2
build 0
jq -e '[.objects[] | .name] == ["sctp"]' out >/dev/null || fail "$(jq .objects out)"

# What no livepatch can have is refused in a new file as well.
patched_cmdline
new fs/proc/cmdline-new.c <<<"#include <linux/module.h>
$body
static int __init start(void) { calls = 1; return 0; }
device_initcall(start);"
build 2
patched_cmdline
new fs/proc/cmdline-new.c <<<"#include <linux/module.h>
$body
EXPORT_SYMBOL(new_text);"
build 0
expect_in "[diff.not-carried]" err

# A new module; a Makefile that says more; a list that takes the place of a file; one that no Makefile names.
patched_cmdline
edit net/sctp/Makefile '$a obj-m += answer.o'
new fs/proc/cmdline-new.c <<<"$body"
new net/sctp/answer.c <<<"int answer;"
build 2
expect_in "[build.new-file]" err
expect_in "would make a new module, 'answer'" err
patched_cmdline
new fs/proc/cmdline-new.c <<<"$body"
edit fs/Makefile '$a ccflags-y += -DX'
build 2
expect_in "[build.build-system]" err
patched_cmdline
new fs/proc/other-name.c <<<"$body"
build 2
expect_in "[build.build-system]" err
rm -f new.patch
edit fs/proc/cmdline.c 's/seq_puts(m, saved_command_line);/seq_puts(m, "x");/'
edit fs/proc/Makefile '$a cmdline-y += cmdline-new.o'
new fs/proc/cmdline-new.c <<<"$body"
build 2
expect_in "[build.build-system]" err
# For a configuration that this kernel has not.
rm -f new.patch
edit fs/proc/cmdline.c 's/seq_puts(m, saved_command_line);/seq_puts(m, "x");/'
edit fs/proc/Makefile '$a proc-$(CONFIG_NOT_OF_THIS_KERNEL) += cmdline-new.o'
new fs/proc/cmdline-new.c <<<"$body"
build 0
jq -e 'any(.notes[]; startswith("fs/proc/cmdline-new.c: skipped"))' out >/dev/null || fail "$(jq .notes out)"
jq -e '[.objects[].functions[].name] == ["cmdline_proc_show"]' out >/dev/null || fail "$(jq .objects out)"
