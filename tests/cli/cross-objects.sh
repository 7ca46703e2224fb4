# SPDX-License-Identifier: GPL-2.0-or-later
# klp diff on what compilers of other architectures make: room before arm64 functions, where ftrace keeps a pointer, and
# tail calls of ppc64le. Read with readelf and objdump.
. "$(dirname "$0")/../lib.sh"

for tool in aarch64-linux-gnu-gcc-12 powerpc64le-linux-gnu-gcc-12; do
    command -v "$tool" >/dev/null || skip "no $tool"
done

cat >before.c <<'END'
int counter;
extern int other(int);
#define sched __attribute__((__section__(".sched.text"))) __attribute__((noinline))
static __attribute__((noinline)) int helper(int x) { return other(x) + counter; }
int show(int x) { if (x > 3) counter += x; return helper(x + 1); }
int caller(int x) { return helper(x) + 2; }
sched int first(int x) { return other(x) * 3; }
sched int second(int x) { return other(x) * 5; }
END
sed -e 's/x > 3/x > 4/' -e 's/\* 5/* 7/' before.c >after.c
sed 's/+ 2/+ 4/' before.c >local.c
sed 's/other(x) \* 3/other(x) * 4/' before.c >plain.c
options='-g -O2 -fno-pic -falign-functions=8 -ffunction-sections -fdata-sections -fno-section-anchors -fno-asynchronous-unwind-tables'

# arm64 OPTION...: the objects compiled with them, and what changed in out.o.
arm64() {
    # shellcheck disable=SC2086  # the options are words
    for side in before after; do aarch64-linux-gnu-gcc-12 $options "$@" -c "$side.c" -o "$side.o"; done
    expect_status 0 "$KLP" diff before.o after.o -o out.o
    expect_in "show" out
    expect_in "second" out
    aarch64-linux-gnu-readelf -rW out.o | awk '/__patchable_function_entries/ { on = 1; next } /^$/ { on = 0 }
        on && /R_AARCH64_ABS64/ { print $5 $6 $7 }' | sort >entries
    aarch64-linux-gnu-readelf -sW out.o | awk '$4 == "FUNC" { print $8 "=" $2 + 0 }' | sort >values
    aarch64-linux-gnu-objdump -d out.o | awk '/^[0-9a-f]+ <.*>:/ { name = $2 } /^ / { print name, $3 }' >code
}
# expect_lines FILE LINE...
expect_lines() {
    printf '%s\n' "${@:2}" | diff - "$1" || { cat out; fail "$1"; }
}

for protection in none bti pac-ret+bti; do
    arm64 "-mbranch-protection=$protection" -fpatchable-function-entry=4,2
    expect_lines entries second-8 show-8
    expect_lines values second=8 show=8
    for function in second show; do
        [ "$(grep -c "^<$function-0x8>: nop$" code)" = 2 ] || { cat code; fail "no room before $function"; }
    done
    expect_status 3 "$KLP" diff after.o after.o
done
arm64 -mbranch-protection=none -fpatchable-function-entry=2
expect_lines entries second+0 show+0
expect_lines values second=0 show=0

# The kernel takes the branch in place of the call, and nobody restores r2.
ppc64le() {
    # shellcheck disable=SC2086  # the options are words
    powerpc64le-linux-gnu-gcc-12 $options -mcpu=power8 -pg -mprofile-kernel -mcmodel=medium -c "$1.c" -o "$1.o"
}
for side in before after local plain; do ppc64le "$side"; done
powerpc64le-linux-gnu-objdump -dr after.o | grep -B1 'R_PPC64_REL24.*helper' | found -w b || fail "no tail call in the object"
expect_status 2 "$KLP" diff before.o after.o -o none.o
expect_in "'show' goes over to 'helper', which stays where it is" err
expect_in "[diff.tail-call]" err
expect_no_file none.o
# Nor does anybody after a call, where the compiler left no room for it.
expect_status 2 "$KLP" diff before.o local.o -o none.o
expect_in "'caller' calls 'helper', which stays where it is: expected a nop after the call" err
expect_in "[diff.local-call]" err
expect_no_file none.o
expect_status 0 "$KLP" diff before.o plain.o -o out.o
# A copy under another name comes along.
sed -e 's/^int show/static __attribute__((noinline)) int copy(int x) { return other(x + 2) + counter; }\nint show/' \
    -e 's/helper(x + 1)/copy(x - 1)/' before.c >after.c
ppc64le after
expect_status 0 "$KLP" diff before.o after.o -o out.o
powerpc64le-linux-gnu-readelf -sW out.o | found 'FUNC .* copy$' || fail "the copy is not there"
