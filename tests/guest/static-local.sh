# SPDX-License-Identifier: GPL-2.0-or-later
# The value that the old code stored in its static variable is what the new code finds there.
. "$(dirname "$0")/../lib.sh"

build_example static-local
run_guest static-local.ko -- "echo 4 >/proc/sys/vm/drop_caches; dmesg | grep -c \"quiet was\"; dmesg | grep \"quiet was\""
[ "$(cat before)" = 0 ] || fail "$(cat before)"
expect_in "quiet was 4" after
expect_not_in "quiet was 0" after
[ "$(head -n 1 reverted)" = 1 ] || fail "the new code ran after reverting: $(cat reverted)"
