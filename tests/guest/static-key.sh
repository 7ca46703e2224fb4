# SPDX-License-Identifier: GPL-2.0-or-later
# The patched function follows a static key of the kernel, also when it is switched under the livepatch.
. "$(dirname "$0")/../lib.sh"

build_example static-key
run_guest static-key.ko -- "
    for state in 0 1 0; do
        echo \$state >/proc/sys/kernel/sched_schedstats
        echo \$(grep -c 'sleep_runtime is shown' /proc/self/sched) \$(grep -c 'sum_sleep_runtime' /proc/self/sched)
    done"
printf '0 0\n0 1\n0 0\n' >unpatched
printf '0 0\n1 1\n0 0\n' >patched
cmp before unpatched || fail "$(cat before)"
cmp after patched || fail "$(cat after)"
cmp reverted unpatched || fail "$(cat reverted)"
