# SPDX-License-Identifier: GPL-2.0-or-later
# What is left of preprocessed units is compiled to what they are, and only headers whose change touches none of their words leave it
# as it was; the seed is in the output.
. "$(dirname "$0")/../lib.sh"

expect_status 0 "$KLP" kernel info --kbuild "$KLPKIT_TEST_KERNEL"
arguments=$(cat out)
touch began
live_code() {
    python3 "$KLPKIT_ROOT/tests/live_code.py" "$@" "$(path_of source)" --make "$arguments"
}
live_code "$KLPKIT_TOOLS/live_code" --count 6 || fail "another outcome"
live_code "$KLPKIT_TOOLS/live_code" --headers --count 10 || fail "a header's change was said to be none of a unit's"

# It can fail: a tool that loses the last item.
printf '#!/bin/sh\n"%s" "$1" | sed "\$d"\n' "$KLPKIT_TOOLS/live_code" >lossy
chmod +x lossy
! live_code ./lossy --count 6 || fail "a lost item was not seen"

# Or one that says of every header that no unit cares for it.
printf '#!/bin/sh\n[ $# -eq 1 ] || exec echo unaffected\nexec "%s" "$1"\n' "$KLPKIT_TOOLS/live_code" >careless
chmod +x careless
! live_code ./careless --headers --count 60 || fail "a unit that is affected was not seen"

# Asking make what it would do has made nothing: the tree is every test's.
changed=$(find "$(path_of source)" -newer began -not -type d)
[ -z "$changed" ] || fail "the kernel's source was changed: $changed"
