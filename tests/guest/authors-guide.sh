# SPDX-License-Identifier: GPL-2.0-or-later
# docs/patch-authors.md: its files are those of examples/authors, and its commands do what it says.
. "$(dirname "$0")/../lib.sh"

# A code block is either a file, named after its language (```c livepatch-foo.c), or commands (```sh).
mkdir files steps outputs
awk '
    /^```$/ { target = ""; next }
    /^```/ {
        target = $2 != "" ? "files/" $2 : $1 == "```sh" ? sprintf("steps/%02d", ++steps) : "unknown"
        next
    }
    target != "" { print >target }' "$KLPKIT_ROOT/docs/patch-authors.md"
expect_no_file unknown
diff -r files "$KLPKIT_ROOT/examples/authors" || fail "the guide and examples/authors differ"
[ "$(ls steps | wc -l)" -ge 8 ] || fail "the guide has the commands $(cat steps/*)"

# The guide's kernel is the only one there is.
own_catalogue
mkdir bin
ln -s "$KLP" bin/klp
export PATH=$PWD/bin:$PATH KLPKIT=$KLPKIT_ROOT/share/klpkit
unset KERNEL KDIR SYMBOLS
for step in steps/*; do
    (cd files && bash -e "../$step") >"outputs/${step##*/}" 2>&1 </dev/null ||
        { cat "$step" "outputs/${step##*/}"; fail "a command of the guide failed"; }
done

# use WORD: takes the one step that has it as ./step, and its three outputs of klp run as ./before, ./after, ./reverted.
use() {
    local found
    found=$(grep -lF -- "$1" steps/*)
    cp "outputs/${found##*/}" step
    for phase in before after reverted; do
        awk -v phase="$phase" '/^== / { in_phase = $2 == phase; next } in_phase' step >"$phase"
    done
}

# The same fix in both ways.
for way in "run loadavg.ko" "run livepatch-loadavg.ko"; do
    use "$way"
    grep -qE '^[0-9. ]+ [0-9]+/[0-9]+ 0$' after || fail "$way: $(cat step)"
    for phase in before reverted; do
        grep -qE '^[0-9. ]+ [0-9]+/[0-9]+ [1-9][0-9]*$' "$phase" || fail "$way, $phase: $(cat step)"
    done
done

use "run livepatch-version.ko"
expect_in "modules without signature: refused" after
expect_not_in signature before
expect_not_in signature reverted

use "--late-module pktgen"
grep -q '^livepatched Packet Generator' after || fail "$(cat step)"
grep -q '^Packet Generator' reverted || fail "$(cat step)"
use "check livepatch-pktgen.ko"
expect_in check.reload step

use "build dirty-ratio.patch"
expect_in diff.data-changed step
expect_no_file files/livepatch_dirty_ratio.ko

use "run livepatch-dirty-ratio.ko"
[ "$(cat before after reverted | tr '\n' ' ')" = "20 5 20 " ] || fail "$(cat step)"
expect_status 0 klp run files/livepatch-dirty-ratio.ko -- cat /proc/sys/vm/dirty_ratio
grep -qx 10 out || fail "$(cat out)"

use "run --module dummy"
grep -qx "hello, read 1 times" after && grep -qx "hello, read 2 times" after || fail "$(cat step)"
expect_in "livepatch-ifalias: demo goes, its alias was read 2 times" after
for phase in before reverted; do
    grep -qx hello "$phase" && ! grep -q livepatch-ifalias: "$phase" || fail "$phase: $(cat step)"
done

# Without its annotation, the symbol could be either.
cd files
sed -i '/^KLP_MODULE_RELOC/,/^};/d' livepatch-version.c
expect_status 2 make
expect_in sig_enforce err
expect_no_file livepatch-version.ko
