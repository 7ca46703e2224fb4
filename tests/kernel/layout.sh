# SPDX-License-Identifier: GPL-2.0-or-later
# Types of the kernel that a patch lays out differently.
. "$(dirname "$0")/../lib.sh"

# layout FILE SED-SCRIPT STATUS ARGUMENT...: what `klp build` makes of that change; reports in ./out and ./err.
layout() {
    local file=$1 script=$2 status=$3
    shift 3
    rm -f layout.patch layout.ko
    add_change layout.patch "$file" "$script"
    expect_status "$status" "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o layout.ko "$@" layout.patch
    [ "$status" -eq 0 ] || expect_no_file layout.ko
}

# Two members swapped: a counter of an eventfd that is open would be read from where its flags are.
swap='/^struct eventfd_ctx {/,/^};/{/__u64 count;/d;s/^\tunsigned int flags;/&\n\t__u64 count;/}'
layout fs/eventfd.c "$swap" 2
expect_in '[diff.layout]' err
expect_in 'struct eventfd_ctx changed' err
expect_in "member 'count' moved from offset 0x20 to 0x28" err
grep -q 'note: used by: .*eventfd_read' err || fail "$(cat err)"
expect_in '--accept diff.layout:eventfd_ctx' err

# The same for programs.
layout fs/eventfd.c "$swap" 2 --json
jq -e '.findings[] | select(.id == "diff.layout").details |
       .type == "struct eventfd_ctx" and (.functions | index("eventfd_read") != null) and
       (.members[] | select(.name == "count") | .change == "moved" and .original.offset == 32 and .patched.offset == 40)' out >/dev/null ||
    fail "$(cat out)"

# An author who knows better, and the hint as it is printed.
layout fs/eventfd.c "$swap" 0 --json --accept diff.layout:eventfd_ctx
jq -e '.accepted == [.accepted[] | select(.id == "diff.layout" and .type == "struct eventfd_ctx" and .name == "eventfd_ctx")] and
       (.accepted | length == 1)' out >/dev/null || fail "$(cat out)"
layout fs/eventfd.c "$swap" 0 --accept diff.layout:eventfd_ctx
expect_in 'accepted: struct eventfd_ctx changed [diff.layout]' out
# The module says so, as a reader of its own shows.
[ "$(PATH=$PATH:/usr/sbin:/sbin modinfo -F klpkit_accepted layout.ko)" = diff.layout:eventfd_ctx ] || fail "$(strings layout.ko | grep klpkit)"
expect_status 0 "$KLP" inspect layout.ko
grep -Eq '^ +klpkit_accepted +diff.layout:eventfd_ctx$' out || fail "$(cat out)"
expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" --json layout.ko
jq -e '.findings[] | select(.id == "check.accepted") | .notes == ["diff.layout:eventfd_ctx"] and .severity == "warning"' out >/dev/null ||
    fail "$(cat out)"
layout fs/eventfd.c "$swap" 2 --accept diff.layout:file_operations
layout fs/eventfd.c "$swap" 2 --accept diff.layout:eventfd_ctx --accept diff.layout:eventfd_ctxt
expect_in '[diff.accept-unknown]' err
layout fs/eventfd.c "$swap" 0 --accept diff.layout:eventfd_ctx --accept diff.layout:file_operations
expect_in '[diff.accept-unused]' err
layout fs/eventfd.c "$swap" 64 --accept eventfd_ctx
layout fs/eventfd.c "$swap" 64 --accept diff.renamed-data:eventfd_ctx

# A new member of what hangs in a list.
layout block/genhd.c 's/^\tstruct blk_major_name \*next;/&\n\tint fresh;/' 2
expect_in 'struct blk_major_name changed' err
expect_in "member 'fresh' added at offset 0x8, 4 bytes" err

# A union, within an anonymous one of which all that follows moves; a bit-field; an enumeration.
layout fs/timerfd.c '/^struct timerfd_ctx {/,/^};/s/^\t\tstruct hrtimer tmr;/&\n\t\tchar more[500];/' 2
expect_in 'struct timerfd_ctx changed' err
expect_in "member 't.more' added at offset 0x0, 500 bytes" err
layout fs/fs-writeback.c '/^\tunsigned int tagged_writepages:1;/d; s/^\tunsigned int range_cyclic:1;.*/&\n\tunsigned int tagged_writepages:1;/' 2
expect_in 'struct wb_writeback_work changed' err
grep -q "member 'tagged_writepages' moved from offset 0x[0-9a-f]* bit 0 to 0x[0-9a-f]* bit 2" err || fail "$(cat err)"
layout kernel/seccomp.c 's/^\tSECCOMP_NOTIFY_INIT,/&\n\tSECCOMP_NOTIFY_MORE,/' 2
expect_in 'enum notify_state changed' err
expect_in "enumerator 'SECCOMP_NOTIFY_REPLIED' was 2, is 3" err

# A type of the stack alone, and names.
layout fs/select.c '/^struct sigset_argpack {/,/^};/{s/^\tsize_t size;//;s/^\tsigset_t __user \*p;/\tsize_t size;\n&/}
                    s/^\tstruct sigset_argpack x = {NULL, 0};/\tstruct sigset_argpack x = {0, NULL};/' 0
layout fs/eventfd.c 's/ctx->id\>/ctx->number/; s/^\tint id;/\tint number;/; /^static int eventfd_release/,/^}/s/return 0;/return 1;/' 0
