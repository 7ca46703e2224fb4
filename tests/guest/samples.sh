# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's samples of livepatches, built for the stock kernel, passed through convert, and all at work in one guest.
. "$(dirname "$0")/../lib.sh"

build_kernel_modules samples/livepatch CONFIG_SAMPLE_LIVEPATCH=m
convert_livepatches samples/livepatch
sample=samples/livepatch/livepatch

# The module of the shadow variables frees what it allocated 12 s before, every 3 s.
cat >steps <<'END'
cat /proc/cmdline
if [ -d /sys/kernel/livepatch/livepatch_sample ]; then sleep 18; else sleep 4; fi
dmesg -c | grep -E "dummy|livepatch"
END
run_guest --module $sample-shadow-mod.ko --module $sample-callbacks-mod.ko --late-module $sample-callbacks-busymod.ko \
    $sample-sample.ko $sample-callbacks-demo.ko $sample-shadow-fix1.ko $sample-shadow-fix2.ko -- "$(cat steps)"

[ "$(head -n 1 after)" = "this has been live patched" ] || fail "$(head -n 1 after)"
for phase in before reverted; do
    head -n 1 "$phase" | found '^console=' || fail "$phase: $(head -n 1 "$phase")"
done

# Callbacks of each object as it comes: vmlinux, a loaded module, one that is loaded later and whose function is patched.
demo=livepatch_callbacks_demo
for callback in pre_patch_callback post_patch_callback; do
    expect_in "$demo: $callback: vmlinux" after
    expect_in "$demo: $callback: livepatch_callbacks_mod -> [MODULE_STATE_LIVE] Normal state" after
    expect_in "$demo: $callback: livepatch_callbacks_busymod -> [MODULE_STATE_COMING] Full formed, running module_init" after
done
expect_in "$demo: patched_work_func" after
expect_not_in busymod_work_func after
for callback in pre_unpatch_callback post_unpatch_callback; do
    for object in vmlinux "livepatch_callbacks_mod -> [MODULE_STATE_LIVE] Normal state" \
        "livepatch_callbacks_busymod -> [MODULE_STATE_LIVE] Normal state"; do
        expect_in "$demo: $callback: $object" reverted
    done
done

# Shadow variables: fix1 keeps what leaked, fix2 frees it, and counts in a variable of its own.
expect_in "] dummy_alloc: dummy @" before
expect_not_in livepatch_fix before
expect_in "livepatch_fix1_dummy_alloc: dummy @" after
grep -q 'livepatch_fix2_dummy_free: dummy @ .* leaked!' after || fail "no dummy from before the livepatch was freed: $(cat after)"
grep -q 'livepatch_fix2_dummy_leak_dtor: dummy @ .*, prevented leak @' after || fail "no leak was prevented: $(cat after)"
grep -q 'livepatch_fix2_dummy_free: dummy @ .*, check counter = [1-9]' after || fail "no counter: $(cat after)"
expect_in "] dummy_free: dummy @" reverted
