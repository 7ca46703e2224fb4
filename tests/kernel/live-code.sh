# SPDX-License-Identifier: GPL-2.0-or-later
# What is left of preprocessed units is compiled to what they are; the seed is in the output.
. "$(dirname "$0")/../lib.sh"

expect_status 0 "$KLP" kernel info --kbuild "$KLPKIT_TEST_KERNEL"
arguments=$(cat out)
live_code() {
    python3 "$KLPKIT_ROOT/tests/live_code.py" "$@" "$(path_of source)" --make "$arguments" --count 6
}
live_code "$KLPKIT_TOOLS/live_code" || fail "another outcome"

# It can fail: a tool that loses the last item.
printf '#!/bin/sh\n"%s" "$1" | sed "\$d"\n' "$KLPKIT_TOOLS/live_code" >lossy
chmod +x lossy
! live_code ./lossy || fail "a lost item was not seen"
