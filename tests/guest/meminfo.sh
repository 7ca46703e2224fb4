# SPDX-License-Identifier: GPL-2.0-or-later
# A changed string: the traditional first livepatch.
. "$(dirname "$0")/../lib.sh"

build_example meminfo
run_guest meminfo.ko -- "cat /proc/meminfo"
expect_in VmallocChunk before
expect_in VMALLOCCHUNK after
expect_not_in VmallocChunk after
expect_in VmallocChunk reverted
