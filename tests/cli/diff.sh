# SPDX-License-Identifier: GPL-2.0-or-later
# `klp diff` on a pair that gcc made: the object that comes out is one that readelf and ld accept.
. "$(dirname "$0")/../lib.sh"

cat >original.c <<'C'
extern int external(const char *text);
static int counter;
static __attribute__((noinline)) int helper(int x) { return external("helper") + x + counter++; }
int unchanged(int x) { return helper(x) + 1; }
int changed(int x) { return helper(x) + 2; }
C
sed -e 's/helper(x) + 2/helper(x) + fresh(x) + 3/' \
    -e '4i static int total = 7; static __attribute__((noinline)) int fresh(int x) { return total += x; }' original.c >patched.c
for side in original patched; do
    gcc-12 -O2 -fno-pie -mcmodel=kernel -mno-red-zone -pg -mfentry -mrecord-mcount -fcf-protection=none \
        -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -c -o $side.o $side.c
done

expect_status 0 "$KLP" diff original.o patched.o -o out.o --json
jq -e '[.functions[] | {name, status}] | sort_by(.name) ==
       [{"name": "changed", "status": "changed"}, {"name": "fresh", "status": "new"}]' out >/dev/null || fail "$(cat out)"
jq -e '.functions[] | select(.name == "changed") | .section == ".text.changed"' out >/dev/null || fail "$(cat out)"
jq -e '[.data[].name] | index("total") != null' out >/dev/null || fail "$(cat out)"
jq -e '.references | type == "array"' out >/dev/null || fail "$(cat out)"

readelf -aW out.o >dump 2>warnings
[ ! -s warnings ] || fail "readelf: $(cat warnings)"
grep -qE 'FUNC +(GLOBAL|LOCAL) .* changed$' dump || fail "no changed in out.o"
grep -qE 'UND helper$' dump || fail "helper is not a reference"
! grep -qE ' unchanged$' dump || fail "unchanged was carried along"
ld -r -o linked.o out.o || fail "ld -r does not accept out.o"
objdump -dr out.o | grep -A12 '<changed>:' | found 'helper' || fail "changed does not call helper"

expect_status 3 "$KLP" diff original.o original.o -o none.o
expect_no_file none.o

# Callbacks as kpatch's and klp-build's own headers write them: functions of the output, and nothing else of them.
{ cat original.c
  echo 'struct entry { int (*fn)(void *); char *name; };
        static int before(void *object) { return 0; }
        static int after(void *object) { return 1; }
        static struct entry data __attribute__((used, section(".kpatch.callbacks.pre_patch"))) = { before, 0 };
        void *__klp_post_unpatch_callback_vmlinux __attribute__((section(".discard.klp_callback_ptrs"))) = after;'
} >callbacks.c
sed 's/".kpatch.callbacks.pre_patch"/".kpatch.hooks.load"/' callbacks.c >hooks.c
for side in callbacks hooks; do gcc-12 -O2 -pg -mfentry -mrecord-mcount -fno-pie -mcmodel=kernel -mno-red-zone -ffunction-sections -fdata-sections -c $side.c; done
readelf -SW callbacks.o >dump
expect_in .discard.klp_callback_ptrs dump
expect_status 0 "$KLP" diff original.o callbacks.o -o out.o --json
jq -e '.callbacks == [{"event": "pre_patch", "function": "before"}, {"event": "post_unpatch", "function": "after"}]' out >/dev/null ||
    fail "$(cat out)"
readelf -aW out.o >dump
grep -qE 'FUNC +LOCAL .* before$' dump && grep -qE 'FUNC +LOCAL .* after$' dump || fail "the callbacks are not in out.o"
expect_not_in .kpatch. dump
expect_not_in klp_ dump
expect_status 2 "$KLP" diff original.o hooks.o -o none.o
expect_in "[diff.directive]" err
expect_no_file none.o

# Initialised data that changed cannot be expressed.
sed 's/static int counter;/int table[2] = {1, 2};\nstatic int counter;/' original.c >a.c
sed 's/{1, 2}/{1, 3}/; s/helper(x) + 2/helper(x) + table[1]/' a.c >b.c
for side in a b; do gcc-12 -O2 -pg -mfentry -mrecord-mcount -fno-pie -mcmodel=kernel -mno-red-zone -ffunction-sections -fdata-sections -c $side.c; done
expect_status 2 "$KLP" diff a.o b.o -o none.o
expect_in table err
expect_no_file none.o

expect_status 1 "$KLP" diff original.o original.c -o none.o
expect_in original.c err
expect_status 64 "$KLP" diff original.o
expect_no_file none.o
