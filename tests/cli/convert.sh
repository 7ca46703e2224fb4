# SPDX-License-Identifier: GPL-2.0-or-later
# klp symbols-db and klp convert for a kernel of a few lines, with readelf and openssl as independent readers.
. "$(dirname "$0")/../lib.sh"

# A kernel: what klp asks of one.
cat >vmlinux.s <<'END'
    .section .rodata,"a"
    .globl linux_banner
linux_banner: .asciz "Linux version 1.0-tiny (somebody) #1 SMP\n"
    .text
    .file "first.c"
    .globl klp_enable_patch
    .type klp_enable_patch, @function
klp_enable_patch: ret
    .type helper, @function
helper: ret
    .type twice, @function
twice: ret
END
cat >second.s <<'END'
    .text
    .file "second.c"
    .type twice, @function
twice: ret
END
cat >late.s <<'END'
    .section .modinfo,"a"
    .asciz "name=late"
    .asciz "depends="
    .text
    .type hidden, @function
hidden: ret
END
for name in vmlinux second late; do as --64 -o $name.o $name.s; done
mkdir built
ld -e 0 -Ttext=0xffffffff81000000 -o built/vmlinux vmlinux.o second.o
mv late.o built/late.ko
echo 'CONFIG_KALLSYMS_ALL=y' >built/.config
printf '0x11111111\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n' >built/Module.symvers

# livepatch NAME CALL: NAME.ko patches vmlinux and late; the new function of vmlinux makes the call.
livepatch() {
    cat >"$1.s" <<END
    .section .modinfo,"a"
    .asciz "license=GPL"
    .asciz "livepatch=Y"
    .asciz "depends="
    .asciz "name=$1"
    .asciz "vermagic=1.0-tiny SMP "
    .section .gnu.linkonce.this_module,"aw"
    .globl __this_module
    .type __this_module, @object
__this_module: .zero 24
    .asciz "$1"
    .p2align 6
    .quad init_module
    .zero 56
    .size __this_module, . - __this_module
    .text
    .globl init_module
    .type init_module, @function
init_module: leaq patch(%rip), %rdi
    jmp klp_enable_patch
    .size init_module, . - init_module
    .globl cleanup_module
cleanup_module: ret
    .type new_show, @function
new_show: call $2
    ret
    .size new_show, . - new_show
    .type late_show, @function
late_show: call hidden
    ret
    .size late_show, . - late_show
    .section .rodata.str1.1,"aMS",@progbits,1
.Lshow: .asciz "show"
.Llate: .asciz "late"
    .data
    .type patch, @object
patch: .quad __this_module, objs, 0, 1
    .zero 64
    .size patch, . - patch
    .type funcs, @object
funcs: .quad .Lshow, new_show, 0
    .zero 104
    .size funcs, . - funcs
    .type late_funcs, @object
late_funcs: .quad .Lshow, late_show, 0
    .zero 104
    .size late_funcs, . - late_funcs
    .type objs, @object
objs: .quad 0, funcs
    .zero 80
    .quad .Llate, late_funcs
    .zero 80
    .zero 96
    .size objs, . - objs
END
    as --64 -mrelax-relocations=no -o "$1.ko" "$1.s"
}
livepatch good helper
livepatch ambiguous twice

expect_status 0 "$KLP" symbols-db built/vmlinux built/late.ko -o tiny.db
expect_status 0 "$KLP" symbols-db built/vmlinux built/late.ko -o again.db
cmp tiny.db again.db

# The livepatch format, as readelf sees it. What the tables name is looked for, too, where there are no more than symbols.
expect_status 0 "$KLP" convert good.ko -o out.ko --symbols tiny.db
expect_in "vmlinux has no symbol 'show' [convert.function]" err
sed 's/"show"/"helpr"/' good.s | as --64 -mrelax-relocations=no -o slip.ko
expect_status 0 "$KLP" convert slip.ko -o slipped.ko --symbols tiny.db
expect_in "there is 'helper' of vmlinux" err
readelf -SW out.ko >sections
readelf -sW out.ko >symbols
readelf -rW out.ko >relocations
grep -q 'OS \[0xff20\] .klp.sym.vmlinux.helper,0$' symbols || fail "$(cat symbols)"
grep -q 'OS \[0xff20\] .klp.sym.late.hidden,0$' symbols || fail "$(cat symbols)"
grep -q ' UND klp_enable_patch$' symbols || fail "$(cat symbols)"
expect_not_in ' UND hidden' symbols
text=$(sed -n 's/^ *\[ *\([0-9]*\)\] \.text .*/\1/p' sections)
table=$(sed -n 's/^ *\[ *\([0-9]*\)\] \.symtab .*/\1/p' sections)
for object in vmlinux late; do
    # Flags: SHF_RELA_LIVEPATCH is one that belongs to the system, 'o'.
    grep -qE "\.klp\.rela\.$object\.\.text +RELA .* AIo +$table +$text " sections || fail "$(cat sections)"
done
grep -A2 "'.klp.rela.late..text'" relocations | found 'R_X86_64_PLT32 .* .klp.sym.late.hidden,0 - 4' || fail "$(cat relocations)"

# Compressed, signed; the same once more changes nothing.
xz -k good.ko
expect_status 0 "$KLP" convert good.ko.xz -o from-xz.ko --symbols tiny.db
cmp out.ko from-xz.ko
expect_status 0 "$KLP" convert out.ko -o twice.ko --symbols tiny.db
expect_in "nothing to convert" err
cmp out.ko twice.ko
openssl req -new -x509 -newkey rsa:2048 -noenc -sha256 -subj /CN=test -keyout key.pem -out certificate.pem 2>/dev/null
expect_status 0 "$KLP" convert good.ko -o signed.ko --symbols tiny.db --sign key.pem certificate.pem --json
[ "$(jq -r .signed out)" = true ] || fail "$(cat out)"
size=$(stat -c %s out.ko)
head -c "$size" signed.ko | cmp - out.ko
tail -c 28 signed.ko | cmp - <(echo '~Module signature appended~')
length=$((16#$(tail -c 32 signed.ko | head -c 4 | od -An -tx1 | tr -d ' ')))
[ $((size + length + 12 + 28)) -eq "$(stat -c %s signed.ko)" ] || fail "the signature's length is $length"
tail -c +$((size + 1)) signed.ko | head -c "$length" >signature
openssl cms -verify -binary -inform DER -in signature -content out.ko -noverify -certfile certificate.pem -out /dev/null 2>log ||
    fail "$(cat log)"
expect_status 0 "$KLP" convert signed.ko -o kept.ko --symbols tiny.db
cmp signed.ko kept.ko
expect_status 0 "$KLP" convert signed.ko -o resigned.ko --symbols tiny.db --sign key.pem certificate.pem
cmp signed.ko resigned.ko
(cat good.ko && tail -c +$((size + 1)) signed.ko) >signed-input.ko
expect_status 0 "$KLP" convert signed-input.ko -o dropped.ko --symbols tiny.db
expect_in "the signature was dropped" err
cmp out.ko dropped.ko
openssl genrsa -out other.pem 2048 2>/dev/null
expect_status 1 "$KLP" convert good.ko -o unsigned.ko --symbols tiny.db --sign other.pem certificate.pem
expect_in "is not the key of certificate.pem" err
expect_no_file unsigned.ko
expect_status 1 "$KLP" convert good.ko -o unsigned.ko --symbols tiny.db --sign good.s certificate.pem
expect_no_file unsigned.ko

# What cannot be decided is refused, with the choice; what was there stays there.
echo before >kept
expect_status 2 "$KLP" convert ambiguous.ko -o kept --symbols tiny.db
expect_in "'twice' could be any of 2 symbols [convert.ambiguous]" err
expect_in "position 1 (address 0xffffffff8100000" err
expect_in ", first.c)" err
expect_in ", second.c)" err
[ "$(cat kept)" = before ] || fail "the output was written"
[ ! -s out ] || fail "something on standard output: $(cat out)"
expect_status 2 "$KLP" convert built/late.ko -o none.ko --symbols tiny.db
expect_in "[convert.not-livepatch]" err
expect_no_file none.ko

expect_status 0 "$KLP" convert good.ko -o json.ko --symbols tiny.db --json
jq -e '.changed and .livepatch_relocations == 2 and .kernel == "1.0-tiny" and .objects == ["vmlinux", "late"] and
    .symbols[0] == {"object": "late", "symbol": "hidden", "sympos": 0, "how": "unique", "applied_with": "late", "relocations": 1}' \
    out >/dev/null || fail "$(cat out)"

# A module that the list lacks.
expect_status 0 "$KLP" symbols-db built/vmlinux -o alone.db
expect_status 2 "$KLP" convert good.ko -o none.ko --symbols alone.db
expect_in "[convert.unknown-symbol]" err
expect_status 0 "$KLP" convert good.ko -o extra.ko --symbols alone.db --module built/late.ko
cmp out.ko extra.ko
cp built/late.ko renamed.ko
expect_status 0 "$KLP" convert good.ko -o extra.ko --symbols alone.db --module renamed.ko
cmp out.ko extra.ko

# Lists that are none, damaged, of another time.
refuse_db() {
    expect_status 1 "$KLP" convert good.ko -o none.ko --symbols "$1"
    expect_in "$2" err
    expect_no_file none.ko
}
refuse_db good.ko "not a list of symbols"
: >empty.db
refuse_db empty.db "not a list of symbols"
head -c 40 tiny.db >short.db
refuse_db short.db "reach past the end"
(head -c 8 tiny.db && printf '\002' && tail -c +10 tiny.db) >newer.db
refuse_db newer.db "version 2 of the format, expected 1"
(head -c 60 tiny.db && printf 'XXXX' && tail -c +65 tiny.db) >bad.db
refuse_db bad.db "bad.db"
head -c $(($(stat -c %s tiny.db) - 4)) tiny.db >cut.db
refuse_db cut.db "cut.db"

expect_status 64 "$KLP" convert good.ko --symbols tiny.db
expect_status 64 "$KLP" convert good.ko -o none.ko --symbols tiny.db --kernel some
expect_status 64 "$KLP" convert good.ko -o none.ko --symbols tiny.db --sign key.pem
expect_status 1 "$KLP" symbols-db built/late.ko -o none.db
rm built/Module.symvers
expect_status 1 "$KLP" symbols-db built/vmlinux -o none.db
expect_in "no Module.symvers beside it" err
expect_no_file none.db
