# SPDX-License-Identifier: GPL-2.0-or-later
# m_show is the name of two static functions; the livepatch says which by its position.
. "$(dirname "$0")/../lib.sh"

build_example duplicate-name
sympos=$(jq '.objects[].functions[] | select(.name == "m_show") | .sympos' duplicate-name.json)
[ "$sympos" -gt 0 ] || fail "sympos is $sympos"
run_guest --module binfmt_misc duplicate-name.ko -- 'cat /proc/modules; cat /proc/mounts'
grep -q '^[^ ]* /proc proc ' before || fail "$(cat before)"
grep -q '^mounted: [^ ]* /proc proc ' after || fail "$(cat after)"
grep -q '^binfmt_misc .* Live ' after || fail "$(cat after)"
cmp before reverted
