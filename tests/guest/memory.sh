# SPDX-License-Identifier: GPL-2.0-or-later
# Memory of the stock kernel: a livepatch that was made with klp build, and the module that it waits for.
. "$(dirname "$0")/../small-kernel.sh"

build_example module-late
module=$(sample pktgen)
guest_memory seen 'snapshot; [ "$phase" = before ] || cat /proc/net/pktgen/pgctrl' --late-module "$module" module-late.ko
expect_memory module-late.ko seen/after
expect_memory "$module" seen/after
expect_memory "$module" seen/reverted
grep -q "^Livepatched Packet Generator" seen/after.output || fail "$(cat seen/after.output)"
