# SPDX-License-Identifier: GPL-2.0-or-later
# For shell tests of klp convert: livepatches written by hand (tests/modules/convert), built with kbuild for the test
# kernel.
. "$(dirname "${BASH_SOURCE[0]}")/small-kernel.sh"

# build_by_hand: their modules in ./by-hand. What they lack is reported by convert, not by modpost.
build_by_hand() {
    cp -r "$KLPKIT_ROOT/tests/modules/convert" by-hand
    build_modules "$PWD/by-hand" KBUILD_MODPOST_WARN=1 "KLPKIT=$KLPKIT_ROOT"
}

# convert NAME [ARGUMENT]...: by-hand/NAME.ko to NAME.ko, which then keeps every rule.
convert() {
    local name=$1
    shift
    expect_status 0 "$KLP" convert --kernel "$KLPKIT_TEST_KERNEL" --module by-hand/klp_pair.ko -o "$name.ko" \
        "by-hand/$name.ko" "$@"
    cp out "$name.out"
    expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" --object by-hand/klp_pair.ko "$name.ko"
}

# by_hand_at_work: /proc/cmdline through a symbol of vmlinux, /proc/klp_pair through local symbols of a module that is
# loaded before, and after, the livepatch.
by_hand_at_work() {
    build_by_hand
    convert klp_automatic
    convert klp_annotated
    for when in --module --late-module; do
        run_guest $when by-hand/klp_pair.ko klp_automatic.ko klp_annotated.ko -- \
            'cat /proc/cmdline; if [ -e /proc/klp_pair ]; then cat /proc/klp_pair; fi'
        grep -q ' livepatch=1$' after || fail "$(cat after)"
        expect_in "patched pair: 107, 207, with a command line" after
        expect_not_in "livepatch=1" reverted
        expect_in "pair: 314" reverted
        expect_not_in patched reverted
    done
}
