# SPDX-License-Identifier: GPL-2.0-or-later
# Fetching again is a no-op, without network too; a kernel can be added by its parts, and removed.
. "$(dirname "$0")/../lib.sh"

info() { "$KLP" kernel info "$1" --json | jq -r ".paths.$2"; }

export http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1  # nobody listens there
touch began
expect_status 0 "$KLP" kernel fetch "$KLPKIT_TEST_KERNEL"
[ "$(cat out)" = "$KLPKIT_TEST_KERNEL" ] && [ ! -s err ] || fail "fetching again: $(cat out err)"
[ -z "$(find "$(dirname "$(info "$KLPKIT_TEST_KERNEL" image)")" -maxdepth 1 -type f -newer began)" ] || fail "fetched again"

expect_status 0 "$KLP" kernel list --json
jq -e --arg name "$KLPKIT_TEST_KERNEL" 'any(.[]; .name == $name and .release == $name and .arch == "x86_64")' out >/dev/null ||
    fail "$(cat out)"
for part in source image vmlinux modules config symvers; do
    [ -e "$(info "$KLPKIT_TEST_KERNEL" $part)" ] || fail "no $part"
done

# In a catalogue of its own: the same kernel by its parts.
parts=(--source "$(info "$KLPKIT_TEST_KERNEL" source)" --image "$(info "$KLPKIT_TEST_KERNEL" image)"
    --config "$(info "$KLPKIT_TEST_KERNEL" config)" --symvers "$(info "$KLPKIT_TEST_KERNEL" symvers)"
    --modules "$(info "$KLPKIT_TEST_KERNEL" modules)")
"$KLP" kernel symbols "$KLPKIT_TEST_KERNEL" schedule >expected
export KLPKIT_CACHE=$PWD/cache
expect_status 1 "$KLP" kernel fetch newest
expect_in "hint: check the network" err
expect_status 1 "$KLP" kernel symbols mine
expect_in "the catalogue is empty" err
expect_status 0 "$KLP" kernel add mine "${parts[@]}"
"$KLP" kernel symbols mine schedule | cmp - expected || fail "the added kernel has other symbols"
expect_status 1 "$KLP" kernel add mine "${parts[@]}"
expect_in "there is a kernel 'mine' already" err
[ "$(info mine config)" = "${parts[5]}" ] || fail "config: $(info mine config)"
expect_status 0 "$KLP" kernel remove mine
expect_status 1 "$KLP" kernel info mine
expect_no_file cache/kernels/mine

# Parts of something else.
grep -v CONFIG_LIVEPATCH "${parts[5]}" >config
expect_status 1 "$KLP" kernel add mine "${parts[@]:0:4}" --config config "${parts[@]:6}"
expect_in CONFIG_LIVEPATCH err
head -c 4000000 "${parts[3]}" >image
expect_status 1 "$KLP" kernel add mine "${parts[@]:0:2}" --image image "${parts[@]:4}"
expect_in image err
expect_no_file cache/kernels/mine
