# SPDX-License-Identifier: GPL-2.0-or-later
# A changed function calls a new one.
. "$(dirname "$0")/../lib.sh"

build_example new-function
jq -e '[.objects[].functions[] | select(.new) | .name] == ["show_livepatch_mark"]' new-function.json >/dev/null || fail "the new function is not reported"
run_guest new-function.ko -- "cat /proc/cmdline"
expect_not_in "livepatched: " before
grep -q "^livepatched: .*console" after || fail "$(cat after)"
cmp before reverted
