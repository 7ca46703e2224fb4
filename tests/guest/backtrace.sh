# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's unwinder knows the patched function (.orc_unwind), and its caller with no question mark before it.
. "$(dirname "$0")/../lib.sh"

build_example backtrace
run_guest backtrace.ko -- "cat /proc/version; dmesg | grep -A 2 -E ' dump_stack(_lvl)?\+'"
expect_not_in dump_stack before
sed -nE '/ dump_stack(_lvl)?\+/,$ { s/^\[[^]]*\] *//; s/\+0x[^ ]*//; p }' after >trace
expect_in "version_proc_show [livepatch_backtrace]" trace
sed -n 3p trace | found -x seq_read_iter || fail "$(cat trace)"
[ "$(grep -c ' dump_stack' reverted)" = 1 ] || fail "the new code ran after reverting: $(cat reverted)"
