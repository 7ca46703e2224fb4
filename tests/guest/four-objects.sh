# SPDX-License-Identifier: GPL-2.0-or-later
# The module of the kernel's format document: vmlinux, 9p, btrfs and ext4 in one; others where the kernel has no 9p. Built, read
# by an independent reader, inspected, checked, simulated, and put to work with the modules loaded after it.
. "$(dirname "$0")/../lib.sh"

build_example four-objects
readelf -SW four-objects.ko >sections
if grep -q ' \.klp\.rela\.9p\.' sections; then
    objects=(9p btrfs ext4)
    files="/sys/fs/9p/caches /sys/fs/btrfs/features/raid56 /sys/fs/ext4/features/lazy_itable_init"
    shown=("9p is livepatched" "0, btrfs is livepatched" "supported, ext4 is livepatched")
    plain=(0 supported)
else
    objects=(binfmt_misc btrfs pktgen)
    files="/b/status /sys/fs/btrfs/features/raid56 /proc/net/pktgen/pgctrl; umount /b"
    shown=("binfmt_misc is livepatched" "0, btrfs is livepatched" "Livepatched Packet Generator .*")
    plain=(enabled 0 "Packet Generator .*")
fi
# Functions are all in .text, or each in a section of its own: the kernel's linker script says which.
for object in vmlinux "${objects[@]}"; do
    grep -q " \.klp\.rela\.$object\.\.text[^ ]*  *RELA .* AIo " sections || fail "no section for $object"
done
"$KLP" inspect --json four-objects.ko | jq -r '.objects[].name' | sort >inspected
printf '%s\n' "${objects[@]}" vmlinux | sort | cmp - inspected || fail "the objects are $(cat inspected)"

expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" --json four-objects.ko
# All that 6.1 has against it is that the modules cannot be loaded a second time.
jq -e '.findings | all(.severity == "note" or .id == "check.reload")' out >/dev/null || fail "$(cat out)"

expect_status 0 "$KLP" simulate --kernel "$KLPKIT_TEST_KERNEL" --json four-objects.ko "${objects[@]/#/--event=load:}" \
    --event "unload:${objects[0]}" --event disable
# Each object's section is applied when the object is there, and not before. Some kernels clear what belongs to one that goes.
jq -r '.events[] | .event + " " + .module + ":" + ([.steps[] | select(.object != null) | .action + " " + .object] | join(","))' \
    out | grep -v -e ':$' -e "^unload ${objects[0]}:clear" >applied
for object in "${objects[@]}"; do grep -qx "load $object:apply $object" applied || fail "$(cat applied)"; done
grep -qx "load livepatch_four_objects[a-z_]*:apply vmlinux" applied || fail "$(cat applied)"
[ "$(wc -l <applied)" -eq 4 ] || fail "more than that is applied: $(cat applied)"

run_guest "${objects[@]/#/--late-module=}" four-objects.ko -- \
    "grep -i vmallocchunk /proc/meminfo; mkdir -p /b; mount -t binfmt_misc none /b; cat $files"
for line in "VMALLOCCHUNK: .*" "${shown[@]}"; do grep -qx "$line" after || fail "no '$line': $(cat after)"; done
for line in "VmallocChunk: .*" "${plain[@]}"; do grep -qx "$line" reverted || fail "no '$line': $(cat reverted)"; done
! grep -qi "livepatched" reverted || fail "$(cat reverted)"
