# SPDX-License-Identifier: GPL-2.0-or-later
# The patched module is loaded after the livepatch: its relocations wait for it.
. "$(dirname "$0")/../lib.sh"

build_example module-late
run_guest --late-module pktgen module-late.ko -- "cat /proc/net/pktgen/pgctrl"
expect_not_in "Packet Generator" before
grep -q "^Livepatched Packet Generator" after || fail "$(cat after)"
grep -q "^Packet Generator" reverted || fail "$(cat reverted)"
