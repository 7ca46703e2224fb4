# SPDX-License-Identifier: GPL-2.0-or-later
# Files that nobody's tools make: one message with file and place, the documented exit status, no output file, and no more
# time and memory than their size accounts for.
. "$(dirname "$0")/../tiny-kernel.sh"
tiny_kernel

# expect_error TEXT COMMAND...: status 1, TEXT, and nothing else.
expect_error() {
    local text=$1
    shift
    expect_status 1 "$@"
    [ ! -s out ] || { cat out; fail "output of '$*'"; }
    [ "$(wc -l <err)" -eq 1 ] || { cat err; fail "more than one line of '$*'"; }
    expect_in "klp: error: $text" err
}

# refused KIND TEXT [KERNEL]: by all that read the whole file; KERNEL is what the kernel says of it, or what cannot be told.
refused() {
    local file=$1.ko
    python3 "$KLPKIT_ROOT/tests/hostile_elf.py" "$1" "$file"
    expect_error "$file:$2" "$KLP" inspect "$file"
    expect_error "$file:$2" "$KLP" check --kernel none "$file"
    expect_error "$file:$2" "$KLP" check --kernel tiny "$file"
    expect_error "$file:$2" "$KLP" diff "$file" "$file" -o out.o
    expect_no_file out.o
    [ $# -lt 3 ] || { expect_status 2 "$KLP" simulate --kernel tiny "$file"; expect_in "$3" out; }
}

refused overlap "(.data): begins at 0x108 in the file, but section '.text' reaches to 0x140"
refused names-without-end '(.strtab): does not end with a zero byte' 'leads out of a string table'
refused relocation-past "(.rela.text+0x18): relocation at 0xfffffffffffffff8 is past the end of section '.text' (0x40 bytes)" \
    'cannot be told: hostile:(.text+0xfffffffffffffff8): the kernel would access 8 bytes outside of'
refused relocation-symbol '(.rela.text+0x0): symbol index is 7777' \
    'cannot be told: hostile:(.rela.text): symbol index 7777 of a relocation is outside of the table'
refused size '+0x310: section 3 reaches from 0x100 over 0xfffffffffffffff0 bytes' 'Invalid ELF section in module (section 3 type 1)'
refused offset '+0x310: section 3 reaches from 0xfffffffffffffff0 over 0x40 bytes' 'Invalid ELF section in module (section 3 type 1)'
refused link '(.symtab): sh_link is section 999' 'Invalid ELF sh_link'
refused info '(.rela.text): sh_info is section 999'
refused name '+0x350: name of section 4 is at 0xffffff, but the section names have' 'Invalid ELF section name in module (section 4 type 1)'
refused entry '(.symtab): entry size is 7, expected 24'
refused table '+0x0: offset 0xffffffffffffff00 is past the end' 'Invalid ELF section header overflow'
refused count '+0x250: 65279 section headers, but the file has room for 9' 'Invalid ELF section header overflow'
refused names '+0x250: section names are in section 65279, but there are 9' 'Invalid ELF section name index: 65279'
refused header-size '+0x40: section header size is 8, expected 64' 'Invalid ELF section header size'

# Sound for a reader, but no module that fits into memory.
for kind in nobits alignment; do
    python3 "$KLPKIT_ROOT/tests/hostile_elf.py" "$kind" "$kind.ko"
    expect_error 'hostile: a module that wants 0x' "$KLP" simulate --kernel tiny --dump images "$kind.ko"
    expect_no_file images
done

# large KIND COUNT: what takes seconds in linear time takes hours otherwise.
large() {
    local file=$1.ko
    python3 "$KLPKIT_ROOT/tests/hostile_elf.py" "$1" "$file" "$2"
    for command in inspect 'check --kernel none' 'check --kernel tiny' 'simulate --kernel tiny' "diff $file"; do
        local status=0
        # shellcheck disable=SC2086
        ({ is_sanitized || ulimit -v 4000000; } && exec timeout 60 "$KLP" $command "$file" >out 2>err) || status=$?
        case $status in 0 | 2 | 3) ;; *) cat err; fail "klp $command of $2 $1 ended with $status" ;; esac
        [ "$(wc -l <err)" -lt 100 ] || fail "klp $command says too much of $2 $1"
    done
    rm "$file"
}

python3 "$KLPKIT_ROOT/tests/hostile_elf.py" livepatch livepatch.ko
expect_status 0 "$KLP" check --kernel tiny livepatch.ko
large symbols 2000000
large livepatch-symbols 500000
large relocations 1000000
large sections 60000
