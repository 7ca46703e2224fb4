# SPDX-License-Identifier: GPL-2.0-or-later
# New static data starts with its initial value and keeps what is written to it.
. "$(dirname "$0")/../lib.sh"

build_example new-data
run_guest new-data.ko -- "cat /proc/uptime; cat /proc/uptime"
expect_not_in reads before
grep -q " reads 101$" after || fail "$(cat after)"
grep -q " reads 102$" after || fail "$(cat after)"
expect_not_in reads reverted
