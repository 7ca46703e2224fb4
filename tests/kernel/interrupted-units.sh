# SPDX-License-Identifier: GPL-2.0-or-later
# Ctrl-C while the units that a header reaches are compiled: it ends at once and leaves nothing behind, and what was
# compiled by then is not compiled again, of either side.
. "$(dirname "$0")/../lib.sh"

own_catalogue
export TMPDIR=$PWD/tmp
mkdir tmp
kept=cache/kernels/$KLPKIT_TEST_KERNEL/cache
add_change header.patch fs/proc/internal.h 's/^struct proc_dir_entry {/&\n\tlong new_member;/'
count() { find "$kept/$1" -type f ! -name '.*' 2>/dev/null | wc -l; }

env --default-signal=INT "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o output header.patch >out 2>err </dev/null &
klp=$!
until [ "$(count patched-objects)" -ge 3 ]; do
    kill -0 $klp 2>/dev/null || { cat err; fail "it ended before three units were compiled"; }
    sleep 0.05
done
sent=$EPOCHREALTIME
kill -INT $klp
status=0
wait $klp || status=$?
waited=$(((${EPOCHREALTIME/./} - ${sent/./}) / 1000))
[ $status -eq 1 ] || { cat err; fail "it ended with $status"; }
expect_in "klp: error: interrupted" err
[ $waited -lt 3000 ] || fail "it went on for $waited ms"
expect_no_file output
[ -z "$(ls -A tmp)" ] || fail "left in TMPDIR: $(ls -A tmp)"
[ -z "$(grep -lzx "TMPDIR=$TMPDIR" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3 | xargs -r ps -o comm= -p | grep -E 'gcc|cc1|as|make|klp' || true)" ] ||
    fail "programs are left"

# The next run goes on: what is there stays as it is.
state() { find "$kept" -path '*objects/*' -type f ! -name '.*' -printf '%p %i %T@\n' | sort; }
state >before
[ "$(grep -c patched-objects before)" -ge 3 ] || fail "$(cat before)"
expect_status 2 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o output header.patch
expect_in "[diff.layout]" err
state >after
! comm -23 before after | found . || fail "compiled again: $(comm -23 before after)"
[ "$(wc -l <after)" -gt "$(wc -l <before)" ] || fail "nothing was left to do"

# And once more: nothing is compiled. Another patch of the same header is another patch.
state >before
expect_status 2 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o output header.patch
state | cmp - before || fail "an object was compiled again"
sed 's/^+\tlong new_member;/+\tlong other_member;/' header.patch >other.patch
expect_status 2 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o output other.patch
expect_in "other_member" err
