# SPDX-License-Identifier: GPL-2.0-or-later
# klp explain and klp diff --explain: usage, what there is without debug information, without objdump, and with one that fails.
. "$(dirname "$0")/../lib.sh"

expect_status 64 "$KLP" explain
expect_in 'patch is required' err
expect_status 64 "$KLP" explain -o x.ko x.patch
expect_status 64 "$KLP" explain --accept nothing x.patch
expect_status 1 "$KLP" explain --kernel nowhere x.patch
[ ! -s out ] || fail "something is explained"
expect_status 0 "$KLP" explain --help
expect_in 'No module is written' out

for side in original patched; do
    [ $side = original ] && factor=3 || factor=5
    printf '%s\n' 'int g(int);' 'int f(int x)' '{' "	return g(x * $factor);" '}' >$side.c
    gcc-12 -O2 -g -ffunction-sections -fdata-sections -c -o $side.o $side.c
done
expect_status 0 "$KLP" diff --explain original.o patched.o
expect_in 'first difference at +0x' out
expect_in 'patched.c:4:' out
cp out with-lines
expect_status 0 "$KLP" diff --explain --json original.o patched.o
[ "$(jq -s length out)" = 1 ] || fail "not one document"
jq -e '.explanation.units[0].functions[0] | .name == "f" and .cause == "code" and (.difference.patched.line.file | endswith("/patched.c")) and .difference.patched.line.line == 4' \
    out >/dev/null || { cat out; fail "not so"; }
# An independent reader sees the instruction there.
offset=$(jq '.explanation.units[0].functions[0].difference.patched.instructions[] | select(.differs).offset' out)
addr2line -j .text.f -e patched.o "$(printf '%x' "$offset")" >seen
grep -q 'patched.c:4\b' seen || { cat seen; fail "addr2line has another line"; }
objdump -d --no-show-raw-insn -j .text.f patched.o >seen
expect_in "$(printf '%x:' "$offset")	$(jq -r '.explanation.units[0].functions[0].difference.patched.instructions[] | select(.differs).text' out)" seen

# Refused, with what was found.
for side in original patched; do
    [ $side = original ] && value=1 || value=2
    printf '%s\n' "int n = $value;" 'int f(void)' '{' "	return n++ + $value;" '}' >$side.c
    gcc-12 -O2 -g -ffunction-sections -fdata-sections -c -o $side.o $side.c
done
expect_status 2 "$KLP" diff --explain original.o patched.o
expect_in 'n: changed (not in the livepatch): its content changed' out
expect_in ': 2 (0x2), was 1 (0x1)' out
expect_in 'patched.c:1: ' out
expect_status 2 "$KLP" diff --explain --json original.o patched.o
jq -e '.status == 2 and any(.explanation.findings[]; .id == "diff.data-changed" and .line == 1) and (.explanation.units[0].data | length) == 1' out >/dev/null ||
    { cat out; fail "not so"; }

# Without the program that disassembles.
mkdir bin
expect_status 1 env PATH="$PWD/bin" "$KLP" diff --explain original.o patched.o
expect_in 'there is no objdump' err
expect_in 'hint: install binutils-multiarch' err
expect_status 2 env PATH="$PWD/bin" "$KLP" diff original.o patched.o
printf '#!/bin/sh\necho broken >&2\nexit 3\n' >bin/objdump
chmod +x bin/objdump
expect_status 1 env PATH="$PWD/bin" "$KLP" diff --explain --json original.o patched.o
expect_in 'objdump ended with status 3: broken' err
jq -e '.status == 1' out >/dev/null || fail "no document"
printf '#!/bin/sh\nexit 0\n' >bin/objdump
expect_status 1 env PATH="$PWD/bin" "$KLP" diff --explain original.o patched.o
expect_in 'shows no instruction of the section' err
