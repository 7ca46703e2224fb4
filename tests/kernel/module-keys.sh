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
    cp out built.json
    expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" keys.ko
}

# The function is inlined where it reads the key: its callers, which the kernel has as they are in the patched source,
# are replaced as well.
add_change keys.patch drivers/md/dm-bufio.c '/^static void dm_bufio_lock/,/^}/s/^	if (static/	WARN_ON_ONCE(!c->block_size);\n&/'
expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o keys.ko keys.patch
jq -e '[.objects[].functions[].name] | (any(. == "dm_bufio_lock") or any(. == "dm_bufio_release"))' out >/dev/null || fail "$(jq .objects out)"
readelf -rW keys.ko >relocations
expect_in "static_key_count" relocations
expect_in ".klp.sym.dm_bufio.no_sleep_enabled" relocations
expect_not_in "__jump_table" relocations
jq -e '.notes | any(contains("static key '\''no_sleep_enabled'\'' belongs to the module"))' out >/dev/null || fail "$(jq .notes out)"

# Tracepoints of the module are asked as well, and called through their trampolines. Other functions of the file have
# tracepoints, too, and are left as they are.
build 0 fs/ext4/ialloc.c '/^void ext4_free_inode/,/^}/s/^	trace_ext4_free_inode(inode);/	if (inode->i_ino == 7777777)\n		return;\n&/' ext4_free_inode
expect_in ".klp.sym.ext4.__tracepoint_ext4_free_inode" relocations
expect_in ".klp.sym.ext4.__SCT__tp_func_ext4_free_inode" relocations
jq -e '.notes | any(contains("tracepoint '\''ext4_free_inode'\'' belongs to the module"))' built.json >/dev/null || fail "$(jq .notes built.json)"

