# SPDX-License-Identifier: GPL-2.0-or-later
# What is no livepatch module gets one line that says why, and nothing on standard output.
. "$(dirname "$0")/../lib.sh"

refused() {
    expect_status 1 "$KLP" inspect --json "$1"
    [ ! -s out ] || fail "output for $1"
    [ "$(wc -l <err)" -eq 1 ] || { cat err; fail "more than one line for $1"; }
    expect_in "$2" err
}

echo text >text.ko
refused text.ko 'text.ko:+0x0: is not an ELF file'
: >empty.ko
refused empty.ko 'empty.ko'
refused . 'is a directory'
refused missing.ko 'missing.ko'
printf '.text\nnop\n' | as -o object.o -
refused object.o 'not a kernel module'
head -c 200 object.o >truncated.o
refused truncated.o 'truncated.o'
printf '.section .modinfo,"a"\n.string "name=plain"\n.section .gnu.linkonce.this_module,"aw"\n.zero 8\n' | as -o plain.ko -
refused plain.ko "module 'plain' is not a livepatch"
printf '.section .modinfo,"a"\n.string "name=live"\n.string "livepatch=Y"\n.section .gnu.linkonce.this_module,"aw"\n.zero 8\n' |
    as -o live.ko -
expect_status 0 "$KLP" inspect live.ko
expect_in 'livepatch module live' out
expect_status 0 "$KLP" inspect --json live.ko
jq -e '(.klp | test("^[0-9.]+")) and .schema == 1 and del(.klp, .schema) == {name: "live", modinfo: {name: "live", livepatch: "Y"}, objects: [], forced: [], symbols: [], relocations: [],
    arch_sections: [], other_forms: []}' out >/dev/null ||
    { cat out; fail "unexpected JSON"; }
expect_status 1 sh -c '"$KLP" inspect live.ko >/dev/full'
expect_in 'standard output' err

# What other times had in place of the format of today.
printf '.section .modinfo,"a"\n.string "name=old"\n.string "livepatch=Y"\n.section .gnu.linkonce.this_module,"aw"\n.zero 8
.section .klp.arch.ext4.altinstructions,"a"\n.zero 12\n.section .kpatch.dynrelas,"a"\n.zero 8\n' | as -o old.ko -
expect_status 0 "$KLP" inspect old.ko
expect_in 'ext4    altinstructions  .klp.arch.ext4.altinstructions' out
expect_in 'kpatch-dynrela  1      .kpatch.dynrelas  dynamic relocations of kpatch' out
expect_status 0 "$KLP" inspect --json old.ko
jq -e '.arch_sections == [{name: ".klp.arch.ext4.altinstructions", object: "ext4", section: "altinstructions"}] and
    (.other_forms | map({form, name, count}) == [{form: "kpatch-dynrela", name: ".kpatch.dynrelas", count: 1}])' out >/dev/null ||
    { cat out; fail "unexpected JSON"; }
