# SPDX-License-Identifier: GPL-2.0-or-later
# klp diff on pairs of objects in the forms that other kernels and compilers give them: an object against itself is
# unchanged, a function comes with its own entries of each table and no others, and a table in no form is refused by
# section and offset. Read with readelf and objdump.
. "$(dirname "$0")/../lib.sh"

for tool in aarch64-linux-gnu-as powerpc64le-linux-gnu-as s390x-linux-gnu-as; do
    command -v "$tool" >/dev/null || skip "no $tool"
done

# What differs between the architectures: how a function begins and ends, and the table that lists it.
prefix_of() {
    case $1 in x86_64) ;; arm64) echo aarch64-linux-gnu- ;; *) echo "$1-linux-gnu-" ;; esac
}
entry_of() {
    case $1 in
        x86_64) echo 'call __fentry__' ;;
        arm64) printf 'nop\nnop\n' ;;
        powerpc64le) echo 'bl _mcount' ;;
        s390x) echo 'jgnop .' ;;
    esac
}
before_entry_of() { [ "$1" != powerpc64le ] || echo 'mflr 0'; }
list_of() { [ "$1" = arm64 ] && echo __patchable_function_entries || echo __mcount_loc; }
return_of() {
    case $1 in powerpc64le) echo blr ;; s390x) echo 'br %r14' ;; *) echo ret ;; esac
}

# listed ARCHITECTURE NAME BODY: listed for ftrace.
listed() {
    cat <<ASM
.section .text.$2,"ax"
.globl $2
.type $2,%function
$2:
$(before_entry_of "$1")
9: $(entry_of "$1")
$3
$(return_of "$1")
.size $2,.-$2
.section $(list_of "$1"),"a"
.balign 8
.8byte 9b
ASM
}
assemble() { "$(prefix_of "$1")as" -o "$2" -; }
size_of() {
    local size
    size=$(readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\]//' | awk -v name="$2" '$1 == name { print $5 }')
    [ -z "$size" ] || echo $((0x$size))
}
# "symbol+addend" of each relocation of a section.
relocations() {
    readelf -rW "$1" | awk -v name="'.rela$2'" '/^Relocation section/ { on = ($3 == name); next }
        on && /^[0-9a-f]+ / { print $5 $6 $7 }'
}
expect_lines() {  # TEXT LINE...
    printf '%s\n' "${@:2}" | diff - <(echo "$1") || { cat out err; fail "of $form: expected $(printf '%s ' "${@:2}")"; }
}
unchanged() { expect_status 3 "$KLP" diff "$1" "$1"; expect_in 'no function changed' out; }
changed() { expect_status 0 "$KLP" diff -o out.o "$@"; cp out result; expect_status 0 "$KLP" diff --json "$@"; }
changed_functions() { jq -r '.functions[] | "\(.status) \(.name)"' out | sort; }
refused() {  # STATUS TEXT ORIGINAL PATCHED
    expect_status "$1" "$KLP" diff -o none.o "$3" "$4"
    expect_in "$2" err
    expect_no_file none.o
}

# Tables whose entries have a form of their own, by what the owner's relocation is: ENTRY has `2b` for a place in the
# function. Both functions have one entry, and one of the functions changes.
table() {  # ARCHITECTURE TABLE BYTES RELOCATIONS ENTRY
    local name=$2 bytes=$3 relocations=$4 entry=$5 more
    form="$1 $2 $3"
    body() {
        printf '2: nop\n3: nop\n%s\n.pushsection %s,"aw"\n%s\n.popsection\n' "$1" "$name" "$entry"
        printf '.pushsection .altinstr_replacement,"ax"\n4: nop\n5:\n.popsection\n'
    }
    more='.section .rodata.str1.1,"aMS",%progbits,1
        file: .string "file.c"'
    { listed "$1" f "$(body '')"; listed "$1" g "$(body '')"; echo "$more"; } >before.s
    { listed "$1" f "$(body '')"; listed "$1" g "$(body nop)"; echo "$more"; } >after.s
    for side in before after; do assemble "$1" "$side.o" <"$side.s"; done
    unchanged before.o
    changed before.o after.o
    expect_lines "$(changed_functions)" "changed g"
    [ "$(size_of out.o "$name")" = "$bytes" ] || fail "$form: $(size_of out.o "$name") bytes in the output"
    [ "$(relocations out.o "$name" | wc -l)" = "$relocations" ] || { relocations out.o "$name"; fail "$form: relocations"; }
    ! relocations out.o "$name" | found '^f' || fail "$form: an entry of f"
    # No form: three bytes more, and an owner that is a number.
    { cat after.s; printf '.section %s\n.byte 0,0,0\n' "$name"; } | assemble "$1" long.o
    refused 1 "($name+0x$(printf %x $((2 * bytes)))): $((2 * bytes + 3)) bytes with these relocations are no array" before.o long.o
    # Where each word may be relocated, what has no owner may be the middle of a longer entry.
    [ "$name" != __ex_table ] || return 0
    { cat after.s; printf '.section %s\n' "$name"; echo "$entry" | sed 's/2b - \.\|\b2b\b/0/; s/3b/f/'
      printf '.section .altinstr_replacement\n4: nop\n5:\n'; } | assemble "$1" orphan.o
    refused 1 "($name+0x$(printf %x $((2 * bytes))))" before.o orphan.o
}

for architecture in x86_64 arm64 powerpc64le s390x; do
    table $architecture __jump_table 16 3 '.4byte 2b - ., 3b - .
        .8byte key - .'
    table $architecture __jump_table 24 3 '.8byte 2b, 3b, key'
    table $architecture __bug_table 8 1 '.4byte 2b - .
        .2byte 5, 0'
    table $architecture __bug_table 12 2 '.4byte 2b - ., file - .
        .2byte 5, 1'
    table $architecture __bug_table 16 3 '.4byte 2b - ., file - ., file - .
        .2byte 5, 1'
    table $architecture __bug_table 16 1 '.8byte 2b
        .2byte 5, 0, 0, 0'
    table $architecture __bug_table 24 2 '.8byte 2b, file
        .2byte 5, 1, 0, 0'
    table $architecture __ex_table 8 2 '.4byte 2b - ., 3b - .'
done
table x86_64 __ex_table 12 3 '.4byte 2b - ., 3b - ., handler - .'
table x86_64 __ex_table 12 2 '.4byte 2b - ., 3b - ., 3'
for architecture in arm64 s390x; do
    table $architecture __ex_table 12 2 '.4byte 2b - ., 3b - .
        .2byte 1, 2'
done
table s390x __ex_table 16 3 '.4byte 2b - ., 3b - .
    .8byte handler - .'
table s390x __ex_table 16 2 '.4byte 2b - ., 3b - .
    .8byte 0'
table powerpc64le __ex_table 16 2 '.8byte 2b, 3b'
table x86_64 .altinstructions 12 2 '.4byte 2b - ., 4f - .
    .2byte 7
    .byte 1, 5f - 4f'
table x86_64 .altinstructions 13 2 '.4byte 2b - ., 4f - .
    .2byte 7
    .byte 1, 5f - 4f, 0'
table x86_64 .altinstructions 14 2 '.4byte 2b - ., 4f - .
    .4byte 7
    .byte 1, 5f - 4f'
table s390x .altinstructions 11 2 '.4byte 2b - ., 4f - .
    .2byte 7
    .byte 5f - 4f'
table s390x .altinstructions 13 2 '.4byte 2b - ., 4f - .
    .4byte 7
    .byte 5f - 4f'
table s390x .altinstructions 12 2 '.4byte 2b - ., 4f - .
    .2byte 7
    .byte 2, 5f - 4f'

# pair ARCHITECTURE FILE=TEXT...: objects, assembled.
pair() {
    local architecture=$1 each
    shift
    for each; do assemble "$architecture" "${each%%=*}.o" <<<"${each#*=}"; done
}

# The last site lacks its padding, which the output has.
form=.parainstructions
site() { printf '2: %s\n.pushsection .parainstructions,"a"\n.balign 8\n.8byte 2b\n.byte 1, 2\n.popsection' "$1"; }
x86_pair() { pair x86_64 "$1=$(listed x86_64 f "$2"; listed x86_64 g "$3")"; }
x86_pair before "$(site nop)" "$(site nop)"
x86_pair after "$(site nop)" "$(site nop; echo; echo nop)"
[ "$(size_of before.o .parainstructions)" = 26 ] || fail "the last site is whole"
unchanged before.o
changed before.o after.o
expect_lines "$(changed_functions)" "changed g"
[ "$(size_of out.o .parainstructions)" = 16 ] || fail "the output lacks padding"
expect_lines "$(relocations out.o .parainstructions)" "g+5"
{ listed x86_64 f "$(site nop)"; echo '.section .parainstructions,"a"
    .balign 8
    .byte 1'; } | assemble x86_64 long.o
refused 1 '(.parainstructions+0x10): 17 bytes with these relocations are no array of entries of 16 bytes' before.o long.o
{ listed x86_64 f "$(site nop)"; echo '.section .parainstructions,"a"
    .balign 8
    .8byte 0, 0'; } | assemble x86_64 orphan.o
refused 2 '(.parainstructions+0x10): entry refers to no code of this object' before.o orphan.o

# Before 5.1, a site had two bytes more.
form='.parainstructions with clobbers'
site() { printf '2: %s\n.pushsection .parainstructions,"a"\n.balign 8\n.8byte 2b\n.byte 1, 2\n.short 3\n.popsection' "$1"; }
x86_pair before "$(site nop)" "$(site nop)"
x86_pair after "$(site nop)" "$(site nop; echo; echo nop)"
[ "$(size_of before.o .parainstructions)" = 28 ] || fail "the last site is whole"
unchanged before.o
changed before.o after.o
expect_lines "$(changed_functions)" "changed g"
[ "$(size_of out.o .parainstructions)" = 16 ] || fail "the output lacks padding"
expect_lines "$(relocations out.o .parainstructions)" "g+5"
[ "$(objcopy -O binary -j .parainstructions out.o /dev/stdout | od -An -tx1 | tr -d ' \n')" = 00000000000000000102030000000000 ] ||
    fail "another site"

# Code pools until 5.15: what to do after a fault belongs to who may fault, what to do with a counter to who counts.
form=.fixup
fault() {  # RETURN RESULT
    printf '1: nop\n2: nop\n.pushsection .fixup,"ax"\n3: %s\n.popsection\n.pushsection __ex_table,"a"\n.balign 4\n%s\n.popsection' "$1" "$2"
}
fault_of() {  # ARCHITECTURE NUMBER
    case $1 in
        x86_64) fault "mov \$$2,%eax; jmp 2b" '.4byte 1b - ., 3b - ., handler - .' ;;
        arm64) fault "mov x0,#$2; b 2b" '.4byte 1b - ., 3b - .' ;;
        powerpc64le) fault "li 3,$2; b 2b" '.4byte 1b - ., 3b - .' ;;
        s390x) fault "lghi %r2,$2; jg 2b" '.4byte 1b - ., 3b - .' ;;
    esac
}
nop_more() { printf '%s\nnop\n' "$1"; }
for architecture in x86_64 arm64 powerpc64le s390x; do
    two() { listed $architecture f "$1"; listed $architecture g "$2"; }
    pair $architecture before="$(two "$(fault_of $architecture 14)" "$(fault_of $architecture 14)")" \
        fixup="$(two "$(fault_of $architecture 14)" "$(fault_of $architecture 5)")" \
        code="$(two "$(nop_more "$(fault_of $architecture 14)")" "$(fault_of $architecture 14)")"
    unchanged before.o
    half=$(($(size_of before.o .fixup) / 2))
    for side in fixup:g code:f; do
        changed before.o "${side%:*}.o"
        expect_lines "$(changed_functions)" "changed ${side#*:}"
        [ "$(size_of out.o .fixup)" = "$half" ] || fail "$form of $architecture: $(size_of out.o .fixup) bytes"
        relocations out.o .fixup | found "^${side#*:}[+-]" || { relocations out.o .fixup; fail "$form of $architecture goes back elsewhere"; }
        [ "$(relocations out.o .fixup | wc -l)" = 1 ] || fail "$form of $architecture: more than the way back"
        relocations out.o __ex_table | found '^\.fixup+0$' || fail "$form of $architecture: the entry leads elsewhere"
    done
done
form=.text..refcount
count() {
    printf 'js 111f\n113: nop\n.pushsection .text..refcount,"ax"\n111: lea %s(%%rdi),%%rcx\n112: ud2\n.popsection\n' "$1"
    printf '.pushsection __ex_table,"a"\n.balign 4\n.4byte 112b - ., 113b - ., handler - .\n.popsection\n'
}
x86_pair before "$(count 8)" "$(count 8)"
x86_pair after "$(count 8)" "$(count 16)"
unchanged before.o
changed before.o after.o
expect_lines "$(changed_functions)" "changed g"
[ "$(size_of out.o .text..refcount)" = 6 ] || fail "$(size_of out.o .text..refcount) bytes of $form"
expect_lines "$(relocations out.o __ex_table)" ".text..refcount+4" "g+b" "handler+0"
relocations out.o .text.g | found '^\.text\.\.refcount-4$' || fail "no way to $form"

# Replacements of arm64 stand behind the functions of the section, without a symbol.
form=.altinstructions
alternative() {
    printf '661: mrs x0, tpidr_el1\n662: nop\n.pushsection .altinstructions,"a"\n.word 661b - ., 663f - .\n.hword 11\n.byte 4, 664f - 663f\n.popsection\n'
    printf '.subsection 1\n663: %s\n664: .previous\n' "$1"
}
for section in .text.f .sched.text; do
    arm_two() { { listed arm64 f "$1"; listed arm64 g "$2"; } | sed "s/\.section \.text\.[fg],/.section $section,/"; }
    pair arm64 before="$(arm_two "$(alternative 'mrs x0, tpidr_el2')" "$(alternative 'mrs x0, tpidr_el2')")" \
        after="$(arm_two "$(alternative 'mrs x0, tpidr_el2')" "$(alternative 'mrs x0, tpidr_el0')")" \
        code="$(arm_two "$(nop_more "$(alternative 'mrs x0, tpidr_el2')")" "$(alternative 'mrs x0, tpidr_el2')")" \
        behind="$(arm_two "$(alternative 'mrs x0, tpidr_el2' | sed 's/664f - 663f/255/')" nop)"
    unchanged before.o
    for side in after:g:tpidr_el0 code:f:tpidr_el2; do
        IFS=: read -r side name register <<<"$side"
        changed before.o "$side.o"
        expect_lines "$(changed_functions)" "changed $name"
        expect_lines "$(relocations out.o .altinstructions)" "$name+8" ".altinstr_replacement+0"
        aarch64-linux-gnu-objdump -d -j .altinstr_replacement out.o | awk '$3 == "mrs" { print $5 }' >code
        expect_lines "$(cat code)" "$register"
    done
    refused 1 "(.altinstructions+0x0): replacement code of 255 bytes at $section" before.o behind.o
done
# One of length 0 has the address of the next one.
form='.altinstructions of length 0'
x86_alternative() {
    printf '2: nop\n.pushsection .altinstructions,"a"\n.4byte 2b - ., 4f - .\n.2byte 7\n.byte 1, 5f - 4f\n.popsection\n'
    printf '.pushsection .altinstr_replacement,"ax"\n4: %s\n5: .popsection\n' "$1"
}
x86_pair before "$(x86_alternative '')" "$(x86_alternative mfence)"
x86_pair code "$(nop_more "$(x86_alternative '')")" "$(x86_alternative mfence)"
x86_pair other "$(x86_alternative '')" "$(x86_alternative lfence)"
unchanged before.o
changed before.o code.o
expect_lines "$(changed_functions)" "changed f"
[ "$(size_of out.o .altinstr_replacement)" = 0 ] || fail "the replacement of another function came along"
changed before.o other.o
expect_lines "$(changed_functions)" "changed g"

form='.altinstructions of length 0 on s390x'
s390_alternative() {
    printf '2: nopr\n.pushsection .altinstructions,"a"\n.4byte 2b - ., 4f - .\n.2byte 7\n.byte 2, 5f - 4f\n.popsection\n'
    printf '.pushsection .altinstr_replacement,"ax"\n4: %s\n5: .popsection\n' "$1"
}
s390_two() { listed s390x f "$1"; listed s390x g "$2"; }
pair s390x before="$(s390_two "$(s390_alternative '')" "$(s390_alternative 'bcr 15,0')")" \
    code="$(s390_two "$(printf 'nopr\n%s' "$(s390_alternative '')")" "$(s390_alternative 'bcr 15,0')")" \
    other="$(s390_two "$(s390_alternative '')" "$(s390_alternative 'bcr 14,0')")"
unchanged before.o
changed before.o code.o
expect_lines "$(changed_functions)" "changed f"
[ "$(size_of out.o .altinstr_replacement)" = 0 ] || fail "the replacement of another function came along"
changed before.o other.o
expect_lines "$(changed_functions)" "changed g"

# Those of arm64 may name a function that makes the code (alternative_cb).
form='.altinstructions with a callback'
callback() { printf '661: nop\n.pushsection .altinstructions,"a"\n.word 661b - ., %s - .\n.hword 11\n.byte 4, 0\n.popsection\n' "$1"; }
makers='.section .text.maker,"ax"
    .type maker,%function
    maker: nop
    ret
    .size maker,.-maker
    .section .text.other,"ax"
    .type other,%function
    other: ret
    .size other,.-other'
callbacks() { listed arm64 f "$1"; listed arm64 g "$2"; echo "$makers"; }
for maker in maker outside; do
    pair arm64 before="$(callbacks "$(callback $maker)" "$(callback $maker)")" \
        code="$(callbacks "$(nop_more "$(callback $maker)")" "$(callback $maker)")" \
        after="$(callbacks "$(callback $maker)" "$(callback other)")"
    unchanged before.o
    changed before.o code.o
    expect_lines "$(changed_functions)" "changed f"
    expect_lines "$(relocations out.o .altinstructions)" "f+8" "$maker+0"
    changed before.o after.o
    expect_lines "$(changed_functions)" "changed g"
    expect_lines "$(relocations out.o .altinstructions)" "g+8" "other+0"
done

# Before 4.19, recordmcount did not know sections of functions: it left their calls, or made nops of them.
form=__mcount_loc
unlisted() { sed '/^\.section __mcount_loc/,/^\.8byte 9b/d'; }
nopped() { sed 's/^9: call __fentry__/9: .byte 0x0f,0x1f,0x44,0,0\n.reloc 9b+1,R_X86_64_NONE,__fentry__-4/'; }
called() { sed 's/^9: jgnop \./9: brasl %r0,__fentry__/'; }
untraced() { sed '/^9: /d'; }
for form in 'unlisted x86_64' 'nopped x86_64' 'unlisted powerpc64le' 'called s390x'; do
    read -r how architecture <<<"$form"
    for others in '' "$(printf '.section .text,"ax"\n.globl h\n.type h,%%function\nh: nop\n.size h,.-h\n.section __mcount_loc,"a"\n.8byte h\n')"; do
        text() { { listed "$architecture" f "$1"; listed "$architecture" g "$2"; } | $how | unlisted; echo "$others"; }
        pair "$architecture" before="$(text '' '')" after="$(text '' nop)"
        unchanged before.o
        changed before.o after.o
        expect_not_in diff.untraced err
        expect_lines "$(changed_functions)" "changed g"
        { listed "$architecture" f '' | $how; listed "$architecture" g '' | untraced; } | unlisted | assemble "$architecture" none1.o
        { listed "$architecture" f '' | $how; listed "$architecture" g nop | untraced; } | unlisted | assemble "$architecture" none2.o
        refused 2 "'g' changed" none1.o none2.o
        expect_in '[diff.not-traceable]' err
    done
done
# Without any list, no recorder was run: what it would have made of other sections is not known.
form='no list'
in_sched() { { listed x86_64 f ''; listed x86_64 g "$1"; } | unlisted | sed 's/\.section \.text\.[fg],/.section .sched.text,/'; }
in_sched '' | assemble x86_64 before.o
in_sched nop | assemble x86_64 after.o
changed before.o after.o
expect_lines "$(changed_functions)" "changed g"
# What knows these sections, and leaves one out, means it.
form='a list with gaps'
{ listed x86_64 f ''; listed x86_64 g '' | unlisted; } | assemble x86_64 before.o
{ listed x86_64 f ''; listed x86_64 g nop | unlisted; } | assemble x86_64 after.o
refused 2 '[diff.not-traceable]' before.o after.o

# Messages: __verbose is the older name of __dyndbg, of which the line counts for nothing.
load_of() {  # ARCHITECTURE SYMBOL: for the first argument
    case $1 in
        x86_64) echo "mov \$$2,%rdi" ;;
        arm64) printf 'adrp x0,%s\nadd x0,x0,:lo12:%s\n' "$2" "$2" ;;
        powerpc64le) printf 'addis 3,2,%s@toc@ha\naddi 3,3,%s@toc@l\n' "$2" "$2" ;;
        s390x) echo "larl %r2,$2" ;;
    esac
}
call_of() {
    case $1 in
        x86_64) echo "call $2" ;;
        s390x) echo "brasl %r14,$2" ;;
        *) printf 'bl %s\nnop\n' "$2" ;;
    esac
}
for form in __dyndbg __verbose; do
    for architecture in x86_64 arm64 powerpc64le s390x; do
        debug() {  # LINE
            load_of $architecture descriptor
            call_of $architecture __dynamic_pr_debug
            printf '.pushsection %s,"aw"\n.balign 8\n.type descriptor,%%object\n' "$form"
            printf '.size descriptor,40\ndescriptor: .8byte file, file, file, file\n.4byte %s, 0\n.popsection\n' "$1"
        }
        file='.section .rodata.str1.1,"aMS",%progbits,1
            file: .string "file.c"'
        two() { listed $architecture f "$1"; listed $architecture g "$2"; echo "$file"; }
        pair $architecture before="$(two "$(debug 5)" '')" line="$(two "$(debug 6)" nop)" \
            code="$(two "$(nop_more "$(debug 6)")" '')"
        unchanged before.o
        changed before.o line.o
        expect_lines "$(changed_functions)" "changed g"
        [ -z "$(size_of out.o $form)" ] || fail "$form of $architecture came along"
        changed before.o code.o
        expect_lines "$(changed_functions)" "changed f"
        relocations out.o .text.f | found '^descriptor' || fail "no $form of $architecture"
    done
done
