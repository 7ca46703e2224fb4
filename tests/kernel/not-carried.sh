# SPDX-License-Identifier: GPL-2.0-or-later
# What a patch to the real source says and no livepatch does is told.
. "$(dirname "$0")/../lib.sh"

edit() { add_change notes.patch "$@"; }

# told NUMBER: as text and in JSON.
told() {
    [ "$(grep -c 'note: .*diff.not-carried' err)" -eq "$1" ] || fail "$(cat err)"
    jq -r '.findings[] | select(.id == "diff.not-carried") | .severity' out >severities
    [ "$(grep -cx note severities)" -eq "$1" ] || fail "$(cat out)"
}

edit fs/eventfd.c 's/^EXPORT_SYMBOL_GPL(eventfd_signal);/EXPORT_SYMBOL(eventfd_signal);/
s/^EXPORT_SYMBOL_GPL(eventfd_fget);/EXPORT_SYMBOL_NS_GPL(eventfd_fget, EVENTS);/'
expect_status 3 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o notes.ko notes.patch
expect_in "'eventfd_signal' is exported for all modules by the patch, but it stays exported for GPL modules" err
expect_in "'eventfd_fget' is exported for GPL modules that import the namespace EVENTS by the patch" err
told 2
expect_no_file notes.ko

edit drivers/net/dummy.c '/^static int dummy_dev_init/,/^}/s/return -ENOMEM;/return -ENOSPC;/
s/^module_param(numdummies, int, 0);/module_param(numdummies, int, 0600);/
s/"Number of dummy pseudo devices"/"Number of dummies"/'
expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o notes.ko notes.patch
jq -r '.objects[].functions[].name' out >functions
echo dummy_dev_init | diff - functions || fail "other functions than expected"
expect_in "'__param_numdummies' change (mode 0600, was 0000)" err
expect_in 'the patched object does not get the module information "parm=numdummies:Number of dummies"' err
told 4

# What is refused is left out where the author says so, and recorded.
rm -f left.patch
add_change left.patch fs/proc/cmdline.c 's/proc_create_single("cmdline"/proc_create_single("cmdline2"/; s/seq_putc(m, .\\n.);/seq_puts(m, " left\\n");/'
expect_status 2 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o left.ko left.patch
accept=$(grep -o -- '--accept diff.init-code:[^ ]*' err)
[ -n "$accept" ] || fail "no hint that names --accept"
expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" $accept --accept diff.table:nothing -o left.ko left.patch
expect_in "the change of 'proc_cmdline_init' is left out" out
expect_in "--accept diff.table:nothing is not needed" err
modinfo left.ko >information
expect_in "vmlinux:left-out:diff.init-code:proc_cmdline_init" information
readelf -sW left.ko >symbols
! grep -q proc_cmdline_init symbols || fail "the module has what is left out"
expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" left.ko
expect_in "check.forced" err
expect_status 64 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --accept diff.export:x -o left.ko left.patch
# Nothing else changes then.
rm -f left.patch
add_change left.patch fs/proc/cmdline.c 's/proc_create_single("cmdline"/proc_create_single("cmdline2"/'
expect_status 3 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" $accept -o other.ko left.patch
[ ! -e other.ko ] || fail "an output file of nothing"
