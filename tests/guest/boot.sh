# SPDX-License-Identifier: GPL-2.0-or-later
# What comes back from a guest: a command's output byte for byte, a panic, a file that is no module, complaints of the kernel.
. "$(dirname "$0")/../small-kernel.sh"

stock=$KLPKIT_TEST_KERNEL
use_small_kernel x86_64
release=$("$KLP" kernel info "$KLPKIT_TEST_KERNEL" --json | jq -r .release)
run() { "$KLP" run --kernel "$KLPKIT_TEST_KERNEL" --json "$@"; }

sample=$(sample livepatch-sample)
expect_status 0 run "$sample" -- "uname -r; printf 'a\\000\\033\\r\\n'; echo to stderr >&2; exit 7"
for phase in before after reverted; do
    jq -e --arg release "$release" ".$phase"' | .status == 7 and .stdout == $release + "\na\u0000\u001b\r\nto stderr\n"' out >/dev/null ||
        { cat out; fail "$phase is not what the command wrote"; }
done
jq -e '.loaded and .transition_complete and .unloaded and .failure == null and .warnings == []' out >/dev/null || fail "$(cat out)"

echo "no module" >fake.ko
expect_status 1 run fake.ko -- true
jq -e '(.loaded | not) and .before.status == 0 and .after == null and
    (.failure | contains("load livepatch fake.ko: invalid module format"))' out >/dev/null || fail "$(cat out)"
# The stock kernel can be told to panic.
expect_status 1 "$KLP" run --kernel "$stock" --json fake.ko -- 'echo c >/proc/sysrq-trigger'
jq -e '.before == null and .after == null and (.loaded | not) and
    (.failure | startswith("run the command, before: Kernel panic"))' out >/dev/null || fail "$(cat out)"

# A complaint is shown, and is no failure.
expect_status 0 run "$sample" -- "echo 'WARNING: CPU: 0 PID: 1 at mm/somewhere.c:1' >/dev/kmsg"
jq -e '.warnings == [range(3) | "WARNING: CPU: 0 PID: 1 at mm/somewhere.c:1"]' out >/dev/null || fail "$(jq .warnings out)"
expect_status 0 "$KLP" run --kernel "$KLPKIT_TEST_KERNEL" "$sample" -- "echo 'WARNING: CPU: 0 PID: 1 at mm/somewhere.c:1' >/dev/kmsg"
expect_in "klp: warning: the guest's kernel complained: WARNING: CPU: 0 PID: 1 at mm/somewhere.c:1 [run.kernel-warning]" err
