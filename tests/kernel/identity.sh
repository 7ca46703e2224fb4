# SPDX-License-Identifier: GPL-2.0-or-later
# Data that is more than its content: variables by another name, tables of operations whose address files keep, tables
# of labels; what outlives the livepatch, and what keeps it from coming.
. "$(dirname "$0")/../lib.sh"

# build STATUS FILE SED-SCRIPT: identity.ko of the patch that applies SED-SCRIPT to FILE of the source.
build() {
    rm -f identity.patch identity.ko
    add_change identity.patch "$2" "$3"
    expect_status "$1" "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o identity.ko identity.patch
    [ "$1" -eq 0 ] || expect_no_file identity.ko
}
# made_of LINES: the functions of the last build.
made_of() {
    jq -r '.objects[].functions[] | if .new then "new \(.name)" else .name end' out | sort >made
    echo "$1" | diff - made || fail "other functions than expected"
}

# The ids are those that the running kernel has given away.
build 3 fs/eventfd.c 's/eventfd_ida/eventfd_ids/'
build 0 fs/eventfd.c 's/eventfd_ida/eventfd_ids/; s/ctx->count = count;/ctx->count = count + 0x77;/'
made_of do_eventfd
jq -e '[.references[].symbol] | any(. == "eventfd_ida") and all(. != "eventfd_ids")' out >/dev/null || fail "$(cat out)"
jq -e '.objects[0].data == []' out >/dev/null || fail "$(cat out)"
build 2 fs/eventfd.c 's/eventfd_ida, ctx->id/eventfd_ids, ctx->id + 1/; s/eventfd_ida, 0/eventfd_ids, 1/
                      s/eventfd_ida/eventfd_ids/'
expect_in "[diff.renamed-data]" err
expect_in "'eventfd_ida'" err
expect_in "'eventfd_ids'" err

# A new variable is told of.
build 0 fs/eventfd.c 's/^static DEFINE_IDA.*/&\nstatic long how_many;/; s/ctx->count = count;/ctx->count = count + how_many++;/'
made_of do_eventfd
jq -e '.objects[0].data | length == 1 and (.[0] | .name == "how_many" and .size == 8 and .writable)' out >/dev/null || fail "$(cat out)"
jq -e '.notes | any(contains("new variable '\''how_many'\''"))' out >/dev/null || fail "$(cat out)"
"$KLP" inspect identity.ko >out
expect_in "vmlinux:how_many:8" out
"$KLP" inspect --json identity.ko | jq -e '.modinfo.klpkit_new_data == "vmlinux:how_many:8"' >/dev/null || fail "inspect"

# Files have the address of the table, and eventfd_fget() compares it.
build 2 fs/eventfd.c 's/= noop_llseek/= generic_file_llseek/'
expect_in "[diff.constant-identity]" err
expect_in "'eventfd_fops'" err
build 2 fs/eventpoll.c 's/= noop_llseek/= generic_file_llseek/'
expect_in "'eventpoll_fops'" err

# A member that has another name is no other table.
build 0 fs/eventfd.c 's/eventfd_poll/eventfd_poll_with_care/; s/events |= EPOLLERR;/events |= EPOLLERR | EPOLLHUP;/'
made_of eventfd_poll
jq -e '.objects[0].data == []' out >/dev/null || fail "$(cat out)"
build 3 fs/eventfd.c 's/eventfd_poll/eventfd_poll_with_care/'

# One that calls the old function replaces it, and brings it along, since the old place leads to the new one.
build 0 fs/eventfd.c 's/^static __poll_t eventfd_poll(/static noinline __poll_t eventfd_poll(/
    s/^void eventfd_ctx_do_read/static __poll_t eventfd_poll_2(struct file *file, poll_table *wait)\n{\n\treturn eventfd_poll(file, wait) | EPOLLHUP;\n}\n\n&/
    s/= eventfd_poll,/= eventfd_poll_2,/'
made_of "eventfd_poll
new eventfd_poll"
"$KLP" inspect --json identity.ko | jq -e '.symbols == [] and .objects[0].functions[0].replacement == "eventfd_poll_2"' >/dev/null || fail "inspect"

# The interpreter's table of labels goes with it.
build 0 kernel/bpf/core.c 's/tail_call_cnt >= MAX_TAIL_CALL_CNT/tail_call_cnt >= MAX_TAIL_CALL_CNT - 1/'
made_of ___bpf_prog_run
readelf -rW identity.ko >relocations
awk '/^Relocation section/ {inside = /c_jump_table/} inside && /R_X86_64_64/ {print $5}' relocations | sort | uniq -c >labels
[ "$(awk '{sum += $1} END {print sum}' labels)" -eq 256 ] || { cat labels; fail "256 labels were expected"; }
# All of them are in the module.
readelf -sW identity.ko | awk '$7 != "UND" {print $8}' >defined
while read -r _ symbol; do grep -qxF "$symbol" defined || fail "labels lead to $symbol"; done <labels

# What others may keep: in the module, too.
build 0 fs/proc/loadavg.c 's/^static int loadavg_proc_show/static void keep_me(void) { jiffies; }\n&/; s/get_avenrun(avnrun/m->private = keep_me;\n\t&/'
expect_in "[diff.outlives]" err
expect_in "new function 'keep_me'" err
jq -e '.objects[0].outlives | length == 1' out >/dev/null || fail "$(cat out)"
expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" identity.ko
expect_in "[check.outlives]" err
"$KLP" inspect identity.ko >out
expect_in "'keep_me' in 'loadavg_proc_show'+0x" out

build 0 mm/vmscan.c 's/alloc_order = reclaim_order = READ_ONCE(pgdat->kswapd_order);/& alloc_order += 0 * order_base_2(reclaim_order + 1) + 1;/'
expect_in "[diff.never-ends]" err
expect_in "'kswapd'" err

# It goes over to another file, with the functions that use it.
rm -f identity.patch identity.ko
add_change identity.patch fs/eventfd.c 's/^static DEFINE_IDA.*/int id_get(void);\nvoid id_put(int id);/
    s/ida_simple_remove(&eventfd_ida, ctx->id)/id_put(ctx->id)/; s/ida_simple_get(&eventfd_ida, 0, 0, GFP_KERNEL)/id_get()/'
add_change identity.patch fs/timerfd.c 's/^struct timerfd_ctx {/#include <linux\/idr.h>\nstatic DEFINE_IDA(eventfd_ida);\nint id_get(void);\
void id_put(int id);\nint id_get(void) { return ida_alloc(\&eventfd_ida, GFP_KERNEL); }\
void id_put(int id) { ida_free(\&eventfd_ida, id); }\n&/'
expect_status 2 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o identity.ko identity.patch
expect_in "[diff.renamed-data]" err
expect_in "'eventfd_ida' is new here and gone from fs/eventfd.c" err
expect_no_file identity.ko
