# SPDX-License-Identifier: GPL-2.0-or-later
# c_show is the name of several static functions; the livepatch says which by its position.
. "$(dirname "$0")/../lib.sh"

build_example duplicate-name
sympos=$(jq ".objects[].functions[] | select(.name == \"c_show\") | .sympos" duplicate-name.json)
[ "$sympos" -gt 0 ] || fail "sympos is $sympos"
run_guest duplicate-name.ko -- "cat /proc/crypto; head -n 3 /proc/cpuinfo"
grep -q "^name  " before || fail "$(cat before)"
grep -q "^algorithm  " after || fail "$(cat after)"
expect_in vendor_id after
grep -q "^name  " reverted || fail "$(cat reverted)"
