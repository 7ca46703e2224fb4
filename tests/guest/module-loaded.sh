# SPDX-License-Identifier: GPL-2.0-or-later
# The patched module is there before the livepatch.
. "$(dirname "$0")/../lib.sh"

build_example module-loaded
run_guest --module binfmt_misc module-loaded.ko -- \
    "mkdir -p /b; mount -t binfmt_misc none /b; cat /b/status; umount /b"
[ "$(cat before)" = enabled ] || fail "$(cat before)"
[ "$(cat after)" = ENABLED ] || fail "$(cat after)"
[ "$(cat reverted)" = enabled ] || fail "$(cat reverted)"
