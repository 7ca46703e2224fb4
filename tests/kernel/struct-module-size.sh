# SPDX-License-Identifier: GPL-2.0-or-later
# Later kernels compare the size of a module's struct module with their own, which their headers tell: with one that is
# larger, or cut short, a module of theirs is refused; nothing of this kernel is unknown.
. "$(dirname "$0")/../small-kernel.sh"

use_small_kernel x86_64 clearing
cp "$(sample livepatch-sample)" good.ko
objcopy -O binary --only-section=.gnu.linkonce.this_module good.ko this_module

simulate() { "$KLP" simulate --kernel "$KLPKIT_TEST_KERNEL" "$@"; }

expect_status 0 simulate good.ko
expect_not_in 'not known of kernel' out
expect_status 0 simulate --json good.ko
jq -e '.unknown == [] and .headers_error == null' out >/dev/null || fail "$(jq -c '.unknown, .headers_error' out)"

# resized BYTES: good.ko with a struct module of that size.
resized() {
    cp this_module changed
    truncate -s "$1" changed
    objcopy --update-section .gnu.linkonce.this_module=changed good.ko resized.ko
}
size=$(stat -c %s this_module)
resized "$size"
expect_status 0 simulate resized.ko
for other in $((size + 64)) $((size - 64)); do
    resized "$other"
    expect_status 2 simulate resized.ko
    expect_in "section size must match the kernel's built struct module size at run time" out
    expect_status 2 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" resized.ko
    expect_in '[check.load]' err
done
