# SPDX-License-Identifier: GPL-2.0-or-later
# Static keys, static calls and tracepoints of the patched module: read, or called through the trampoline, in the new
# code, whatever else of the file tests them.
. "$(dirname "$0")/../lib.sh"

# build STATUS FILE SED-SCRIPT FUNCTIONS: keys.ko of the patch that applies SED-SCRIPT to FILE of the source.
build() {
    rm -f keys.patch keys.ko
    add_change keys.patch "$2" "$3"
    expect_status "$1" "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o keys.ko keys.patch
    [ "$1" -eq 0 ] || return 0
    jq -r '.objects[].functions[] | if .new then "new \(.name)" else .name end' out | sort >made
    echo "$4" | diff - made || fail "other functions than expected"
    readelf -rW keys.ko >relocations
    expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" keys.ko
}

# Ten functions of the file test the key, the patch is of one.
build 0 drivers/md/dm-bufio.c '/^void dm_bufio_mark_partial_buffer_dirty/,/^}/s/BUG_ON(start >= end);/&\n	WARN_ON_ONCE(start > 0x10000000);/' \
    dm_bufio_mark_partial_buffer_dirty
expect_in "static_key_count" relocations
expect_in ".klp.sym.dm_bufio.no_sleep_enabled" relocations
jq -e '.notes | any(contains("static key '\''no_sleep_enabled'\'' belongs to the module"))' out >/dev/null || fail "$(jq .notes out)"
objdump -dr -j .text.dm_bufio_mark_partial_buffer_dirty keys.ko >code 2>/dev/null || objdump -dr keys.ko >code
expect_in "static_key_count" code
! grep -q 'klp.rela.dm_bufio.__jump_table' relocations || fail "a branch on the module's key"

# Tracepoints of the module are asked as well, and called through their trampolines.
build 0 fs/ext4/ialloc.c '/^void ext4_free_inode/,/^}/s/^	trace_ext4_free_inode(inode);/	WARN_ON_ONCE(!inode->i_sb);\n&/' ext4_free_inode
expect_in ".klp.sym.ext4.__tracepoint_ext4_free_inode" relocations
expect_in ".klp.sym.ext4.__SCT__tp_func_ext4_free_inode" relocations
jq -e '.notes | any(contains("tracepoint '\''ext4_free_inode'\'' belongs to the module"))' out >/dev/null || fail "$(jq .notes out)"

