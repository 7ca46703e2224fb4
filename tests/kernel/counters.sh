# SPDX-License-Identifier: GPL-2.0-or-later
# Names with __COUNTER__ and __LINE__ in them, in files that have lists of BTF ids: a use of the counter that is added
# above changes nothing.
. "$(dirname "$0")/../lib.sh"

edit() { add_change counters.patch "$@"; }
count='enum { counted_once_more = __COUNTER__ };'

edit net/core/filter.c "/^#include <net\/tls.h>/a\\
$count\\

/^BPF_CALL_1(bpf_skb_get_pay_offset/,/^}/s/return skb_get_poff(skb);/return skb_get_poff(skb) + 0x1111;/"
edit net/netfilter/nf_conntrack_bpf.c "/^#include <net\/netfilter\/nf_conntrack_core.h>/a\\
$count
/^static int _nf_conntrack_btf_struct_access/,/^}/s/return -EACCES;/return -EPERM;/"
expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o counters.ko counters.patch
jq -r '.objects[].functions[] | "\(.name) \(.new)"' out | sort >functions
printf '_nf_conntrack_btf_struct_access false\nbpf_skb_get_pay_offset false\n' | diff - functions || fail "other functions than expected"
expect_not_in "BTF" err
# The new code refers to the kernel's own entries, by the names that these have there.
jq -r '.references[].symbol' out | grep '^__BTF_ID__struct__nf_conn_' >entries || fail "no entry of a list is used"
"$KLP" kernel symbols --object nf_conntrack "$KLPKIT_TEST_KERNEL" >kallsyms
while read -r entry; do grep -q " $entry\s" kallsyms || fail "the kernel has no $entry"; done <entries
rm -f counters.patch counters.ko

# Code knows the places of a list.
edit net/core/filter.c '/^BTF_ID_LIST(bpf_sock_from_file_btf_ids)/,/^$/{s/(struct, socket)/(struct, FILE)/;s/(struct, file)/(struct, socket)/;s/FILE/file/}
/^BPF_CALL_1(bpf_skb_get_pay_offset/,/^}/s/return skb_get_poff(skb);/return skb_get_poff(skb) + 0x1111;/'
expect_status 2 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o counters.ko counters.patch
expect_in "in .BTF_ids" err
expect_no_file counters.ko
