# SPDX-License-Identifier: GPL-2.0-or-later
# The module of the kernel's format document: vmlinux, 9p, btrfs and ext4 in one. Built, read by an independent reader,
# inspected, checked, simulated, and put to work with the modules loaded after it.
. "$(dirname "$0")/../lib.sh"

build_example four-objects
readelf -SW four-objects.ko >sections
for section in vmlinux..text.meminfo_proc_show 9p..text.caches_show btrfs..text.btrfs_feature_attr_show \
    ext4..text.ext4_attr_show; do
    grep -q " \.klp\.rela\.$section  *RELA .* AIo " sections || fail "no section .klp.rela.$section"
done
[ "$("$KLP" inspect --json four-objects.ko | jq -r '[.objects[].name] | sort | join(" ")')" = "9p btrfs ext4 vmlinux" ] ||
    fail "the objects are not those"

expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" --json four-objects.ko
# All that 6.1 has against it is that the modules cannot be loaded a second time.
jq -e '.findings | all(.severity == "note" or .id == "check.reload")' out >/dev/null || fail "$(cat out)"

expect_status 0 "$KLP" simulate --kernel "$KLPKIT_TEST_KERNEL" --json four-objects.ko --event load:9p --event load:btrfs \
    --event load:ext4 --event unload:9p --event disable
# Each object's section is applied when the object is there, and not before.
jq -r '.events[] | .event + " " + .module + ":" + ([.steps[] | select(.object != null) | .action + " " + .object] | join(","))' \
    out | grep -v ':$' >applied
grep -qx "load livepatch_four_objects:apply vmlinux" applied && grep -qx "load 9p:apply 9p" applied &&
    grep -qx "load btrfs:apply btrfs" applied && grep -qx "load ext4:apply ext4" applied || fail "$(cat applied)"
[ "$(wc -l <applied)" -eq 4 ] || fail "more than that is applied: $(cat applied)"

run_guest --late-module 9p --late-module btrfs --late-module ext4 four-objects.ko -- \
    "grep -i vmallocchunk /proc/meminfo; cat /sys/fs/9p/caches /sys/fs/btrfs/features/raid56 /sys/fs/ext4/features/lazy_itable_init"
grep -q "^VMALLOCCHUNK" after && grep -qx "9p is livepatched" after && grep -q "btrfs is livepatched" after &&
    grep -qx "supported, ext4 is livepatched" after || fail "$(cat after)"
grep -q "^VmallocChunk" reverted && grep -qx supported reverted || fail "$(cat reverted)"
