# SPDX-License-Identifier: GPL-2.0-or-later
# A patched file calls a function, and counts in a variable, that another patched file brings.
. "$(dirname "$0")/../lib.sh"

build_example two-files
run_guest two-files.ko -- 'cat /proc/version; cat /proc/version'
expect_not_in greeting before
[ "$(grep -c '^greeting first$' after)" = 1 ] || fail "$(cat after)"
[ "$(grep -c '^greeting again$' after)" = 1 ] || fail "$(cat after)"
cmp before reverted
