# SPDX-License-Identifier: GPL-2.0-or-later
# Bodies that ftrace cannot hook in the real source: system calls and a static inline function come along with all of
# their callers; one that other files call is refused.
. "$(dirname "$0")/../lib.sh"

edit() { add_change callers.patch "$@"; }

edit fs/statfs.c '/^SYSCALL_DEFINE2(statfs,/,/^}/s/return error;/return error == -ENOENT ? -ENOTDIR : error;/'
edit mm/mincore.c '/^SYSCALL_DEFINE3(mincore,/,/^}/s/return -EINVAL;/return -ENOTTY;/'
edit kernel/bpf/hashtab.c '/^static inline int htab_lock_bucket/,/^}/s/return -EBUSY;/return -EAGAIN;/'
expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o callers.ko callers.patch
jq -r '.objects[].functions[] | select(.carried) | .name' out | sort >carried
printf '__do_sys_mincore\n__do_sys_statfs\nhtab_lock_bucket\n' | diff - carried || fail "other functions are carried"
jq -r '.objects[].functions[] | select(.carried | not) | "\(.name): \(.reason)"' out | sort >replaced
for call in mincore statfs; do
    for table in ia32 x64; do
        grep -qx "__${table}_sys_$call: it calls '__do_sys_$call', which cannot be hooked" replaced || fail "$(cat replaced)"
    done
done
# Whoever calls the function in what is compiled of the file: an independent look, at the shipped image.
"$KLP" kernel symbols "$KLPKIT_TEST_KERNEL" | cut -f 1 >kallsyms
address=$(awk '$3 == "htab_lock_bucket" { print $1 }' kallsyms)
[ "$(echo "$address" | wc -l)" -eq 1 ] || fail "htab_lock_bucket is there more than once"
begin=$((0x$address - 0x20000))
objdump -d --no-show-raw-insn --start-address=$begin --stop-address=$((begin + 0x40000)) "$(path_of vmlinux)" |
    awk -v to="$address" '/(call|jmp) / && index($0, "0x" to) { sub(":", "", $1); print $1 }' >calls
[ -s calls ] || fail "nothing calls htab_lock_bucket at $address"
sort kallsyms >sorted
while read -r call; do awk -v at="$call" '$1 <= at { name = $3 } $1 > at { exit } END { print name }' sorted; done <calls |
    sort -u >callers
grep -o "^[a-z_0-9.]*: it calls 'htab_lock_bucket'" replaced | cut -d : -f 1 | sort -u | diff callers - ||
    fail "other callers of htab_lock_bucket than the image has"
expect_in "diff.tail-call" err
rm -f callers.patch callers.ko

edit fs/open.c '/^inline int build_open_flags/,/^}/s/u64 strip = FMODE_NONOTIFY | O_CLOEXEC;/u64 strip = FMODE_NONOTIFY | O_CLOEXEC | 0x10;/'
expect_status 2 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o callers.ko callers.patch
expect_in "diff.not-traceable" err
expect_in "it is global: other files may call it" err
expect_no_file callers.ko
