# SPDX-License-Identifier: GPL-2.0-or-later
# ppc64le: a patched meminfo_proc_show() calls show_val_kb(), which was in the same file, so that the compiler has left no
# nop behind the call. The kernel refuses that, in the words of the model. A stub that saves and restores TOC and LR was
# proposed for such calls and is in no kernel: the one that the model makes is put into the module itself, instruction by
# instruction, and is executed.
. "$(dirname "$0")/../model.sh"

use_small_kernel ppc64le
source=$(path_of source)

# meminfo_c: fs/proc/meminfo.c of the kernel with another word in it, as a livepatch.
meminfo_c() {
    sed -e '/^void __attribute__((weak)) arch_report_meminfo/,/^}/d' -e '/^static int __init proc_meminfo_init/,$d' \
        -e 's/VmallocChunk/VMALLOCCHUNK/' "$source/fs/proc/meminfo.c"
    cat <<'END'
#include <linux/livepatch.h>
static struct klp_func functions[] = { { .old_name = "meminfo_proc_show", .new_func = meminfo_proc_show }, { } };
static struct klp_object objects[] = { { .funcs = functions }, { } };
static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };
static int __init livepatch_init(void) { return klp_enable_patch(&patch); }
static void __exit livepatch_exit(void) { }
module_init(livepatch_init);
module_exit(livepatch_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
END
}

# make_livepatch NAME RULE: what modpost does not find becomes livepatch symbols of vmlinux; so does RULE.
make_livepatch() {
    local symbol rules=()
    build_modules "$PWD/$1" KBUILD_MODPOST_WARN=1
    while read -r symbol; do rules+=("$symbol=vmlinux.$symbol,0"); done < <(sed -n 's/^WARNING: modpost: "\([^"]*\)" .* undefined!$/\1/p' err |
        grep -v '^show_val_kb')
    "$KLPKIT_TOOLS/livepatchify" "$1/$1.ko" "$1.ko" "${rules[@]}" "$2"
}

mkdir klp_plain
meminfo_c >klp_plain/klp_plain.c
printf 'obj-m := klp_plain.o\nccflags-y := -ffunction-sections -I%s/fs/proc\n' "$source" >klp_plain/Makefile
make_livepatch klp_plain show_val_kb=vmlinux.show_val_kb,0
powerpc64le-linux-gnu-objdump -dr klp_plain.ko >code
grep -A1 'R_PPC64_REL24.*show_val_kb' code | found -w nop && fail "there is a nop behind a call of show_val_kb"

# The stub that the model would have the kernel make.
: >places
simulate 0 stubs --livepatch-stubs yes klp_plain.ko
jq -r '[.events[].steps[].writes[] | select(.kind == "stub" and (.after | length) == 256)] | if length == 1 then .[0].after else error("not one stub") end' \
    stubs.json >stub
# Its own place by way of the TOC pointer, in two instructions, and the function's address are what differs elsewhere.
mkdir klp_stub
python3 - >klp_stub/stub.S <<'END'
code = bytes.fromhex(open("stub").read())
words = [int.from_bytes(code[at:at + 4], "little") for at in range(0, 120, 4)]
print(".section .text, \"ax\"\n.balign 8\n.globl show_val_kb\n.hidden show_val_kb\n.type show_val_kb, @function\nshow_val_kb:")
for number, word in enumerate(words):
    print({10: "addis 11,2,show_val_kb@toc@ha", 11: "addi 11,11,show_val_kb@toc@l"}.get(number, f".long {word:#010x}"))
print(".quad show_val_kb_of_vmlinux\n.size show_val_kb, . - show_val_kb")
END
meminfo_c | sed '/^static void show_val_kb/,/^}/c void __attribute__((__visibility__("hidden"))) show_val_kb(struct seq_file *, const char *, unsigned long);' \
    >klp_stub/body.c
printf 'obj-m := klp_stub.o\nklp_stub-objs := body.o stub.o\nccflags-y := -I%s/fs/proc\n' "$source" >klp_stub/Makefile
make_livepatch klp_stub show_val_kb_of_vmlinux=vmlinux.show_val_kb,0

cat >steps <<'END'
cat /proc/meminfo
if [ "$phase" = before ]; then
    insmod /klp_plain.ko 2>/dev/null && echo "klp_plain was loaded"
    snapshot plain
fi
if [ "$phase" = after ]; then
    # Often, and two at a time: what is kept on the livepatch stack is each task's own.
    for i in 1 2 3 4 5 6 7 8 9 10; do cat /proc/meminfo /proc/meminfo | grep -c 'kB$' & cat /proc/meminfo >/dev/null; done
    wait
    snapshot
fi
END
guest_memory guest "$(cat steps)" --file klp_plain.ko klp_stub.ko

# The plain path: the guest's words are the model's. Where the module was, the kernel's message tells.
expect_not_in "klp_plain was loaded" guest/before.output
sed -n 's/.*\(module_64: klp_plain: Expected nop after call.*\)/\1/p' guest/plain/dmesg | head -n 1 >refusal
[ "$(wc -l <refusal)" -eq 1 ] || fail "the kernel does not refuse: $(tail -n 5 guest/plain/dmesg)"
simulate 2 refused klp_plain.ko
jq -r '.events[0].log[].text' refused.json | grep 'Expected nop' >model
without_place() { sed 's/ at .*//' "$1"; }
[ "$(without_place refusal)" = "$(without_place model)" ] || fail "guest: $(cat refusal); model: $(cat model)"
# In their area modules begin at a page, so that the last three digits of the place are the same wherever it is.
[ "$(tail -c 4 refusal)" = "$(tail -c 4 model)" ] || fail "guest: $(cat refusal); model: $(cat model)"

# The stub: TOC and LR survive, or the rest of the function would find neither its strings nor its caller.
labels() { sed -n 's/^\([A-Za-z()_]*\):.*/\1/p' "$1" | head -n "$2"; }
count=$(grep -c 'kB$' guest/before.output)
[ "$count" -gt 15 ] || fail "$(cat guest/before.output)"
grep -q '^VmallocChunk:' guest/before.output && grep -q '^VMALLOCCHUNK:' guest/after.output || fail "not patched"
[ "$(labels guest/before.output "$count" | tr "[:lower:]" "[:upper:]")" = "$(labels guest/after.output "$count" | tr "[:lower:]" "[:upper:]")" ] ||
    fail "other lines: $(cat guest/after.output)"
[ "$(grep -cx "$((2 * count))" guest/after.output)" -eq 10 ] || fail "$(cat guest/after.output)"
cmp <(labels guest/before.output "$count") <(labels guest/reverted.output "$count")
addresses guest/after klp_stub >places
simulate 0 loaded klp_stub.ko
expect_model loaded guest/after klp_stub
python3 - <<'END' || fail "the stub in the guest is another one"
text = open("guest/after/klp_stub/.text.bin", "rb").read()
stub = bytes.fromhex(open("stub").read())
at = text.find(stub[:40])
assert at >= 0 and text[at + 48:at + 116] == stub[48:116] and text[at + 120:at + 128] == stub[120:], at
END
