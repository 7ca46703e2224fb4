# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's own samples and selftests of livepatches, which its own tests load and run: convert takes all of them, and
# check calls none of them unsound, as they came or as they were converted.
. "$(dirname "$0")/../small-kernel.sh"

# all_sound FOLDER [VARIABLE=VALUE]...: of the kernel's source, where it is there; counts the livepatches.
all_sound() {
    local folder=$1 module objects=()
    shift
    [ -d "$(path_of source)/$folder" ] || return 0
    rm -rf own
    cp -r "$(path_of source)/$folder" own
    build_modules "$PWD/own" "$@"
    for module in own/*.ko; do
        [ -n "$(PATH=$PATH:/usr/sbin:/sbin modinfo -F livepatch "$module")" ] || objects+=("$module")
    done
    for module in own/*.ko; do
        [ -n "$(PATH=$PATH:/usr/sbin:/sbin modinfo -F livepatch "$module")" ] || continue
        livepatches=$((livepatches + 1))
        expect_status 0 "$KLP" convert --kernel "$KLPKIT_TEST_KERNEL" "${objects[@]/#/--module=}" -o converted.ko "$module"
        expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" "${objects[@]/#/--object=}" converted.ko
        expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" "${objects[@]/#/--object=}" "$module"
    done
}

stock=$KLPKIT_TEST_KERNEL
for kernel in "$stock" test-x86_64-clearing; do
    "$KLP" kernel list --json | jq -e --arg name "$kernel" 'any(.name == $name)' >/dev/null || { echo "no kernel $kernel here"; continue; }
    KLPKIT_TEST_KERNEL=$kernel
    livepatches=0
    all_sound samples/livepatch CONFIG_SAMPLE_LIVEPATCH=m
    all_sound lib/livepatch CONFIG_TEST_LIVEPATCH=m
    all_sound tools/testing/selftests/livepatch/test_modules
    echo "$kernel: $livepatches livepatches"
    [ "$livepatches" -ge 8 ] || fail "$kernel: no more than $livepatches livepatches in its source"
done
