# SPDX-License-Identifier: GPL-2.0-or-later
# klp simulate with a kernel of two functions: usage, exit status, text, --at, events, --dump, what it is given that is bad.
. "$(dirname "$0")/../tiny-kernel.sh"

# Without any kernel.
expect_status 64 "$KLP" simulate
expect_status 64 "$KLP" simulate --nonsense live.ko
expect_status 64 "$KLP" simulate --clear perhaps live.ko
expect_status 64 "$KLP" simulate --livepatch-stubs perhaps live.ko
expect_status 1 "$KLP" simulate live.ko
expect_in 'klp: error:' err

tiny_kernel
livepatch_text live | as -o live.ko -
livepatch_text other | as -o other.ko -
livepatch_text all '' 1 | as -o all.ko -
livepatch_text late_patch late | as -o late_patch.ko -
module_text late '.text' '.type show, @function' 'show: .nops 5' 'ret' '.size show, 6' '.section __mcount_loc, "a"' '.quad show' |
    as -o cache/kernels/tiny/modules/late.ko -
simulate() { "$KLP" simulate --kernel tiny "$@"; }

expect_status 64 simulate live.ko --at .text=here
expect_in '--at .text=here: expected SECTION=ADDRESS or MODULE:SECTION=ADDRESS' err
expect_status 64 simulate live.ko --at =0x1000
expect_status 64 simulate live.ko --at .text=1000 --at .text=2000
expect_status 64 simulate live.ko --event explode
expect_status 64 simulate live.ko --event load:
expect_in "--event load:: expected load:M" err
expect_status 64 simulate live.ko --event reload:late
expect_status 1 simulate live.ko --event load:missing
expect_in "kernel tiny has no module 'missing'" err
expect_status 1 simulate live.ko --module missing
expect_status 1 simulate missing.ko
expect_in 'missing.ko' err
[ ! -s out ] || fail "output of an error"
echo text >text.ko
expect_status 1 simulate text.ko
expect_in 'text.ko: not a 64-bit ELF file' err
expect_status 1 "$KLP" simulate --kernel nonsense live.ko
expect_in nonsense err

# One that loads. Names without a folder are files, whatever they end in.
expect_status 0 simulate live.ko
expect_in 'load live.ko: done' out
expect_in '    apply .rela.data of live: 5 fields' out
expect_in '    apply .rela.init.text of live: 1 field' out
expect_in "  | livepatch: 'live': patching complete" out
grep -qE '^  live  +vmlinux  +show  +patched  +0xffffffff81000010  0x[0-9a-f]{16}$' out || { cat out; fail "the function is not shown"; }
expect_not_in ' -> ' out
# This kernel has no headers to ask.
expect_in 'not known of kernel tiny (kernel tiny has no source tree):' out
expect_in '  loader.layout: the sizes of struct module, klp_object and klp_func were not compared' out
expect_status 0 simulate --json live.ko
jq -e '.headers_error == "kernel tiny has no source tree" and any(.unknown[]; .feature == "loader.layout" and
    .effect == "the sizes of struct module, klp_object and klp_func were not compared")' out >/dev/null || fail "$(jq -c .unknown out)"
cp live.ko live
expect_status 0 simulate live
expect_status 0 simulate --at .text=0xffffffffa0123000 --at other:.text=ffffffffa0200000 live.ko other.ko -v
grep -qE '^ +\.init\.text\+0x1  00000000 -> [0-9a-f]{8}  field$' out || { cat out; fail "no write is shown"; }
grep -qE '^  live +enabled  \.text +0xffffffffa0123000  0x1$' out || { cat out; fail "not at its address"; }
grep -qE '^  other +enabled  \.text +0xffffffffa0200000  0x1$' out || { cat out; fail "not at its address"; }

# Events.
expect_status 2 simulate live.ko --event unload:live
expect_in 'unload live: fails: resource temporarily unavailable' out
expect_status 0 simulate live.ko --event disable --event unload:live
expect_in 'disable live: done' out
expect_in 'unload live: done' out
expect_not_in functions out
expect_status 2 simulate live.ko --event disable:live --event enable:live
expect_in 'enable live: fails: no such file or directory' out
grep -qE '^  live .*  disabled  ' out || { cat out; fail "the function is not disabled"; }
expect_status 2 simulate live.ko --event load:./live.ko
expect_in 'load ./live.ko: fails: file exists' out
expect_status 0 simulate live.ko --event replace:all.ko
expect_in 'load all.ko: done' out
grep -qE '^  live .*  replaced  ' out || { cat out; fail "the function is not replaced"; }
expect_status 1 simulate live.ko --event replace:other.ko
expect_in 'other.ko: does not replace other livepatches' err
expect_status 0 simulate late_patch.ko
grep -qE '^  late_patch  late  +show  +waits for late  -  ' out || { cat out; fail "it does not wait"; }
expect_status 0 simulate late_patch.ko --event load:late
grep -qE '^  late_patch  late  +show  +patched  ' out || { cat out; fail "not patched"; }
expect_status 0 simulate late_patch.ko --module late --event unload:late
expect_in "livepatch: reverting patch 'late_patch' on unloading module 'late'" out
module_text late '.text' 'nothing: ret' | as -o late.ko -
expect_status 2 simulate late_patch.ko --event load:late --object late.ko
expect_in "livepatch: symbol 'show' not found in symbol table" out

# A livepatch that is refused is still what the events are about.
sed 's/1.0-tiny/2.0-tiny/' live.ko >wrong.ko
expect_status 2 simulate wrong.ko --event disable
expect_in "load wrong.ko: fails: exec format error" out
expect_in "version magic '2.0-tiny SMP mod_unload ' should be '1.0-tiny SMP mod_unload '" out
expect_in 'disable live: fails' out

# Addresses: an area is placed by one section; more must agree, and what is named must be there.
expect_status 1 simulate live.ko --at .data=0xffffffffa0010000 --at .text=0xffffffffa0020000 --at .exit.text=0xffffffffa0010000
expect_in 'contradict' err
expect_in '.text at 0xffffffffa0' err
expect_in '.exit.text' err
[ ! -s out ] || fail "output of an error"
expect_status 1 simulate live.ko --at .nothing=0xffffffffa0010000
expect_in 'address of .nothing: module live has no such section in memory' err
expect_status 1 simulate live.ko --at lvie:.text=0xffffffffa0010000
expect_in '--at lvie:.text=0xffffffffa0010000: no such module is loaded' err
expect_status 1 simulate late_patch.ko --event load:late --at late#2:.text=0xffffffffa0010000
expect_status 0 simulate late_patch.ko --at late:.text=0xffffffffa0010000 --at 'late#2:.text=0xffffffffa0020000' \
    --event load:late --event unload:late --event load:late --json
jq -e '[.modules[] | select(.name == "late").sections[] | select(.name == ".text").address] == ["0xffffffffa0020000"]' out >/dev/null ||
    { cat out; fail "not at the address of the second time"; }

# JSON has names and addresses of what has gone, too.
expect_status 0 simulate live.ko --at .text=0xffffffffa0010000 --event disable --event unload:live --json
jq -e '.kernel == "tiny" and .modules == [] and [.events[] | .event, .ok] == ["load", true, "disable", true, "unload", true] and
    (.events[0] | .module == "live" and .errno == 0 and .error == null and .undefined_behaviour == null and
     (.log[-1] | .level == "notice" and .text == "livepatch: '"'live'"': patching complete") and
     (.steps[] | select(.section == ".rela.init.text") | .action == "apply" and .object == null and .target == ".init.text" and
      (.writes | length == 1 and (.[0] | .section == ".init.text" and .offset == 1 and .before == "00000000" and
       .kind == "field" and .relocation == 0 and (.address | test("^0x[0-9a-f]{15}1$"))))))' out >/dev/null || { cat out; fail "unexpected JSON"; }

# --dump: a new folder with all, or nothing.
expect_status 0 simulate live.ko --at .text=0xffffffffa0010000 --dump images
[ "$(od -An -tx1 images/live/.text.bin)" = " c3" ] || fail "not the bytes of .text"
jq -e '[.sections[] | select(.name == ".text") | .file, .address, .size, .freed] == [".text.bin", "0xffffffffa0010000", 1, false] and
    ([.sections[] | select(.name == ".init.text").freed] == [true])' images/live/sections.json >/dev/null ||
    { cat images/live/sections.json; fail "unexpected sections.json"; }
jq -r '.sections[] | "\(.size) images/live/\(.file)"' images/live/sections.json | while read -r size file; do
    [ "$(stat -c %s "$file")" -eq "$size" ] || fail "$file has not $size bytes"
done
expect_status 1 simulate live.ko --dump images
expect_in 'images: expected an empty folder, or none' err
: >file
expect_status 1 simulate live.ko --dump file
expect_status 1 simulate live.ko --dump missing/folder
expect_status 1 simulate live.ko --at .nothing=1000 --dump none
expect_no_file none
[ -z "$(find . -name 'klp-dump*')" ] || fail "scratch folders are left"
expect_status 2 simulate wrong.ko --dump refused
[ -z "$(ls -A refused)" ] || fail "images of a module that is not loaded"

# Names that would lead out of the folder, or steer the terminal.
livepatch_text '../../escaped' | as -o climbs.ko -
expect_status 0 simulate climbs.ko --dump climbs
expect_no_file escaped
[ -d climbs/module-0 ] || { find climbs; fail "no folder for a module with that name"; }
jq -e '.name == "../../escaped"' climbs/module-0/sections.json >/dev/null || fail "the name is lost"
{ livepatch_text live; printf '.section "a/../../b", "a"\n.byte 1\n.section "a\\033[2J", "a"\n.byte 2\n.section "reserved-text", "a"\n.byte 3\n'; } |
    as -o names.ko -
expect_status 0 simulate names.ko -v --dump names
expect_in '\x1b[2J' out
! grep -q $'\033' out || fail "a control character"
[ "$(find names -name 'section-*.bin' | wc -l)" -eq 2 ] || { find names; fail "files with such names"; }
expect_no_file b.bin

# A file of the kernel that cannot be read is no answer to what the kernel would do.
folder=cache/kernels/tiny
for file in Module.symvers vmlinux config; do
    cp $folder/$file kept
    echo damaged >$folder/$file
    expect_status 1 simulate live.ko
    expect_in "$folder/$file" err
    [ ! -s out ] || fail "an outcome from a damaged $file"
    mv kept $folder/$file
done
expect_status 0 simulate live.ko

# A table of ftrace sites that cannot be found.
objcopy --redefine-sym __start_mcount_loc=somewhere cache/kernels/tiny/vmlinux
expect_status 0 simulate live.ko
expect_in '  loader.ftrace_sites: whether ftrace can hook functions of vmlinux was not checked' out
expect_status 0 "$KLP" check --kernel tiny --json live.ko
jq -e 'any(.summary.unknown[]; .feature == "loader.ftrace_sites")' out >/dev/null || fail "$(jq -c .summary.unknown out)"
