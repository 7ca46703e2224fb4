# SPDX-License-Identifier: GPL-2.0-or-later
# A function of .sched.text, in which tasks may be asleep when the livepatch comes.
. "$(dirname "$0")/../lib.sh"

build_example sched-text
run_guest sched-text.ko -- "sleep 0.01; dmesg | grep -c '[a-z] sleeps\$'"
[ "$(cat before)" = 0 ] || fail "$(cat before)"
[ "$(cat after)" = 1 ] || fail "$(cat after)"
[ "$(cat reverted)" = 1 ] || fail "the new code ran after reverting: $(cat reverted)"
