# SPDX-License-Identifier: GPL-2.0-or-later
# A few of the changed livepatches of scripts/verdicts, in one kernel. KLPKIT_SEED is another seed for them.
. "$(dirname "$0")/../small-kernel.sh"

use_small_kernel x86_64
expect_status 0 "$KLPKIT_ROOT/scripts/verdicts" --kernel "$KLPKIT_TEST_KERNEL" --seed "${KLPKIT_SEED:-2}" --count 20 \
    --sequences 10 --folder "$PWD/verdicts"
expect_in "differences without a reason" out
expect_in "10 of 10 sequences of events equal (240 events)" out

# What the model says of another kernel is not what this one does: the test would see it.
cat >wrong <<'END'
#!/usr/bin/env bash
if [ "$1" = simulate ]; then "$REAL_KLP" "$@" | sed 's/"errno": *[0-9]*/"errno": 99/'; exit "${PIPESTATUS[0]}"; fi
exec "$REAL_KLP" "$@"
END
chmod +x wrong
export REAL_KLP=$KLP
KLP=$PWD/wrong expect_status 1 "$KLPKIT_ROOT/scripts/verdicts" --kernel "$KLPKIT_TEST_KERNEL" --count 1 --sequences 1 --folder "$PWD/verdicts"
expect_in "the model says 99" err
