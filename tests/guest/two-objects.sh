# SPDX-License-Identifier: GPL-2.0-or-later
# One livepatch over the kernel and a module.
. "$(dirname "$0")/../lib.sh"

build_example two-objects
[ "$(jq -r "[.objects[].name] | sort | join(\" \")" two-objects.json)" = "binfmt_misc vmlinux" ] || fail "$(cat two-objects.json)"
run_guest --module binfmt_misc two-objects.ko -- \
    "cat /proc/version; mkdir -p /b; mount -t binfmt_misc none /b; cat /b/status; umount /b"
grep -q "^Linux version" before && grep -qx enabled before || fail "$(cat before)"
grep -q "^Livepatched Linux version" after && grep -qx on after || fail "$(cat after)"
cmp before reverted
