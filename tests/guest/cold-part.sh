# SPDX-License-Identifier: GPL-2.0-or-later
# A function with a .cold part in .text.unlikely, which is carried along.
. "$(dirname "$0")/../lib.sh"

build_example cold-part
readelf -sW cold-part.ko >symbols
grep -q " get_fs_type$" symbols || fail "no get_fs_type"
# gcc 12 makes no such parts where functions have padding before them.
if "$KLP" kernel symbols "$KLPKIT_TEST_KERNEL" | cut -f 1 | grep '\.cold$' >cold-names; then
    grep -q " get_fs_type.cold$" symbols || fail "no get_fs_type.cold"
fi
run_guest cold-part.ko -- "mkdir -p /mnt; mount -t nosuchfs none /mnt; dmesg | grep -c \"nosuchfs is not known\""
tail -n 1 before | found -x 0 || fail "$(cat before)"
tail -n 1 after | found -x 1 || fail "$(cat after)"
tail -n 1 reverted | found -x 1 || fail "the new code ran after reverting: $(cat reverted)"
