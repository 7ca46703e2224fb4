# SPDX-License-Identifier: GPL-2.0-or-later
# klp killed at a few random moments of fetching and building; scripts/kill-test does many.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../small-kernel.sh"
use_small_kernel x86_64

KLPKIT_KILL_KERNEL=$KLPKIT_TEST_KERNEL "$KLPKIT_ROOT/scripts/kill-test" 8
