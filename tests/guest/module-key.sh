# SPDX-License-Identifier: GPL-2.0-or-later
# New code tests a static key of the module that it patches, which is there before the livepatch, or comes later.
. "$(dirname "$0")/../lib.sh"

add_change key.patch drivers/net/bonding/bond_procfs.c 's/^	if (bond_mode_uses_xmit_hash(bond)) {/	seq_printf(seq, "Key: %d\\n", static_branch_unlikely(\&bond_bcast_neigh_enabled) ? 1 : 0);\n	static_branch_enable(\&bond_bcast_neigh_enabled);\n&/'
expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o key.ko key.patch
expect_in "static key 'bond_bcast_neigh_enabled' belongs to the module" out
for when in --module --late-module; do
    run_guest "$when" bonding key.ko -- "grep -h Key: /proc/net/bonding/bond0 /proc/net/bonding/bond0; echo read"
    [ "$(tail -1 before)" = read ] || fail "$(cat before)"
    [ "$(cat after)" = "Key: 0
Key: 1
read" ] || fail "$(cat after)"
    [ "$(cat reverted)" = read ] || fail "$(cat reverted)"
done
