# SPDX-License-Identifier: GPL-2.0-or-later
# klp simulate with modules that klp build makes for the test kernel: relocation sections in their time, reload, selectable
# features, dependencies of modules.
. "$(dirname "$0")/../lib.sh"

for example in meminfo module-late two-objects; do build_example "$example"; done
simulate() { "$KLP" simulate --kernel "$KLPKIT_TEST_KERNEL" "$@"; }

# The relocations of vmlinux come with the load, those of a module with the module.
expect_status 0 simulate meminfo.ko
expect_in 'load meminfo.ko: done' out
grep -qE 'apply \.klp\.rela\.vmlinux\.\.text\.meminfo_proc_show of livepatch_meminfo for vmlinux: [0-9]+ fields' out ||
    { cat out; fail "no livepatch relocations"; }
expect_in "livepatch: 'livepatch_meminfo': patching complete" out
address=$("$KLP" kernel symbols "$KLPKIT_TEST_KERNEL" meminfo_proc_show --json | jq -r '.[0].address')
grep -qE "livepatch_meminfo  vmlinux  meminfo_proc_show  patched  +$address  0xffffffffc" out || { cat out; fail "not at $address"; }

expect_status 0 simulate module-late.ko
expect_not_in '.klp.rela.pktgen' out
expect_in 'waits for pktgen' out
expect_status 0 simulate module-late.ko --event load:pktgen --at .text=0xffffffffc0100000 -v
expect_in 'apply .klp.rela.pktgen..text.pgctrl_show of livepatch_module_late for pktgen: 1 field' out
expect_in "livepatch: applying patch 'livepatch_module_late' to loading module 'pktgen'" out
grep -qE '^ +\.text\.pgctrl_show\+0x[0-9a-f]+  00000000 -> [0-9a-f]{8}  field$' out || { cat out; fail "no place"; }

# What depends on other modules brings them; what is there already is patched at once.
expect_status 0 simulate two-objects.ko --module binfmt_misc
expect_in "load binfmt_misc: done" out
expect_in 'for binfmt_misc' out
expect_status 0 simulate meminfo.ko --event load:nf_tables
grep -q '^load nfnetlink: done' out || { cat out; fail "no dependency"; }

# A module that comes again, on kernels that clear relocations and on others.
events=(--event load:pktgen --event unload:pktgen --event load:pktgen)
expect_status 0 simulate module-late.ko "${events[@]}" --clear yes --json
jq -e '[.events[] | select(.event == "unload").steps[] | .action, .section, .object] ==
    ["clear", ".klp.rela.pktgen..text.pgctrl_show", "pktgen"]' out >/dev/null || { cat out; fail "nothing is cleared"; }
expect_status 2 simulate module-late.ko "${events[@]}" --clear no
expect_in 'nvalid relocation target, existing value is nonzero for type' out
expect_in "refusing to load module 'pktgen'" out
expect_in 'refused at relocation 0: exec format error' out
status=0
simulate module-late.ko "${events[@]}" >out 2>err || status=$?
clears=$("$KLP" kernel info "$KLPKIT_TEST_KERNEL" --features --json | jq .features.clears_livepatch_relocations)
case $clears,$status in true,0 | false,2) ;; *) fail "clearing is $clears, but the reload ended with $status" ;; esac

# For another machine's stubs there is nothing to do.
simulate meminfo.ko --json >without
expect_status 0 simulate meminfo.ko --livepatch-stubs yes --json
cmp without out || fail "--livepatch-stubs changes x86_64"

# A livepatch that is there twice, enabled and unloaded, reverted and unloaded.
expect_status 2 simulate meminfo.ko --event unload:livepatch_meminfo
expect_in 'unload livepatch_meminfo: fails: resource temporarily unavailable' out
expect_status 2 simulate meminfo.ko --event load:meminfo.ko
expect_in 'load meminfo.ko: fails: file exists' out
expect_status 0 simulate meminfo.ko --event disable --event unload:livepatch_meminfo

# The images hold what the report says.
expect_status 0 simulate meminfo.ko --dump images --json
jq -r '.events[0].steps[] | select(.object == "vmlinux").writes[] | "\(.offset) \(.after) images/livepatch_meminfo/\(.section).bin"' out |
    while read -r offset after file; do
        found=$(od -An -v -tx1 -j "$offset" -N $((${#after} / 2)) "$file" | tr -d ' \n')
        [ "$found" = "$after" ] || fail "$file+$offset has $found, expected $after"
    done
