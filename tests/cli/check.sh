# SPDX-License-Identifier: GPL-2.0-or-later
# klp check without a kernel: exit status, what goes where, JSON, files that cannot be read.
. "$(dirname "$0")/../lib.sh"
export KLPKIT_CACHE=$PWD/cache

# module FILE LINE...: what every module has, and the given lines.
module() {
    local file=$1
    shift
    {
        printf '.section .modinfo,"a"\n.string "name=live"\n.string "license=GPL"\n.string "vermagic=1.0 SMP "\n'
        printf '.section .gnu.linkonce.this_module,"aw"\n.zero 24\n.asciz "live"\n'
        printf '.section .init.text,"ax"\n.globl init_module\ninit_module: jmp klp_enable_patch\n'
        printf '.section .exit.text,"ax"\n.globl cleanup_module\ncleanup_module: ret\n'
        printf '%s\n' "$@"
    } | as -o "$file" -
}

# Warnings do not change the status.
module live.ko '.section .modinfo' '.string "livepatch=Y"'
expect_status 0 "$KLP" check live.ko
expect_in 'live.ko: 0 errors, 1 warning (checked: structure, not against a kernel)' out
expect_in 'klp: warning: live.ko: found no klp_patch' err
expect_in '[check.no-tables]' err
expect_in 'not checked:' out
expect_in '  the rules on patched functions: no klp_patch can be read' out
expect_in '  the rules against the kernel: there is no kernel to check against' out
expect_in '  what the new code does: instructions are not followed' out
expect_in "klp: note: live.ko:(.modinfo): no kernel of release '1.0' is in the catalogue" err
expect_in '[check.no-kernel]' err
expect_status 0 "$KLP" check --kernel none live.ko
expect_not_in 'check.no-kernel' err

# An error does.
module dead.ko
expect_status 2 "$KLP" check --kernel none dead.ko
expect_in 'klp: error: dead.ko:(.modinfo): no livepatch=Y' err
expect_in 'dead.ko: 1 error, 1 warning' out
expect_status 2 "$KLP" check --kernel none --json dead.ko
[ ! -s err ] || { cat err; fail "JSON comes with text"; }
jq -e '.file == "dead.ko" and .kernel == null and .summary.errors == 1 and .summary.warnings == 1 and .summary.notes == 0 and
    .summary.simulation == {done: false, objects: [], missing_objects: []} and
    (.summary.not_checked | any(.what == "the simulated load" and .why == "there is no kernel to check against")) and
    .summary.unknown == [] and .summary.headers_error == null and
    (.findings[0] | .id == "check.not-livepatch" and .severity == "error" and .file == "dead.ko" and .section == ".modinfo" and
     .offset == null and (.hints | length) == 1)' out >/dev/null || { cat out; fail "unexpected JSON"; }

# A livepatch symbol that `ld -r` made an ordinary one, as it does with SHN_LIVEPATCH.
module lost.ko '.section .modinfo' '.string "livepatch=Y"' '.text' 'call ".klp.sym.vmlinux.helper,0"'
expect_status 2 "$KLP" check --kernel none lost.ko
expect_in "lost.ko:(.symtab+0x" err
expect_in "symbol '.klp.sym.vmlinux.helper,0' is not marked as a livepatch symbol" err

# What cannot be read: status 1, one line with the place, nothing on standard output.
unreadable() {
    expect_status 1 "$KLP" check --kernel none "$1"
    [ ! -s out ] || fail "output for $1"
    [ "$(wc -l <err)" -eq 1 ] || { cat err; fail "more than one line for $1"; }
    expect_in "$2" err
}
echo text >text.ko
unreadable text.ko 'text.ko:+0x0: is not an ELF file'
unreadable missing.ko 'missing.ko'
head -c 300 live.ko >short.ko
unreadable short.ko 'short.ko'
# A relocation past the end of its section: the first of .rela.init.text.
cp live.ko past.ko
offset=$((0x$(readelf -SW live.ko | awk '$2 == ".rela.init.text" || $3 == ".rela.init.text"' | sed 's/.*RELA *[0-9a-f]* *\([0-9a-f]*\).*/\1/')))
printf '\xff\xff' | dd of=past.ko bs=1 seek="$offset" conv=notrunc 2>dd.log
unreadable past.ko 'past.ko:(.rela.init.text+0x0): relocation at 0xffff is past the end of section'

expect_status 64 "$KLP" check
expect_status 64 "$KLP" check --nonsense live.ko
expect_status 1 "$KLP" check --kernel nonsense live.ko
expect_in nonsense err
