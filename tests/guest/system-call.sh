# SPDX-License-Identifier: GPL-2.0-or-later
# A system call whose body ftrace cannot hook: its callers are replaced, that of 64-bit programs and that of 32-bit ones.
. "$(dirname "$0")/../lib.sh"

build_example system-call
jq -r '.objects[].functions[] | "\(.name) \(.carried) \(.sympos) \(.reason)"' system-call.json | sort >functions
grep -qx "__do_sys_newuname true null .*" functions || fail "$(cat functions)"
for caller in __ia32_sys_newuname __x64_sys_newuname; do
    grep -qx "$caller false [01] it calls '__do_sys_newuname', which cannot be hooked" functions || fail "$(cat functions)"
done
[ "$(wc -l <functions)" -eq 3 ] || fail "$(cat functions)"

# Asks by way of both tables of system calls: include/uapi/asm-generic/unistd.h, arch/x86/entry/syscalls/syscall_32.tbl.
cat >names.S <<'END'
    .bss
    .balign 8
name: .skip 390
    .data
newline: .ascii "\n"
    .text
    .globl _start
show: # the domain name, 325 bytes into struct new_utsname
    mov $name + 325, %rsi
    xor %edx, %edx
1:  cmpb $0, (%rsi,%rdx)
    je 2f
    inc %edx
    jmp 1b
2:  mov $1, %edi
    mov $1, %eax
    syscall
    mov $newline, %rsi
    mov $1, %edx
    mov $1, %eax
    syscall
    ret
_start:
    mov $63, %eax
    mov $name, %rdi
    syscall
    call show
    movb $0, name + 325
    mov $122, %eax
    mov $name, %ebx
    int $0x80
    call show
    xor %edi, %edi
    mov $60, %eax
    syscall
END
gcc -nostdlib -static -no-pie -o names names.S
run_guest --file names system-call.ko -- ./names
printf '(none)\n(none)\n' | diff - before || fail "before"
printf '(klpkit)\n(klpkit)\n' | diff - after || fail "after"
printf '(none)\n(none)\n' | diff - reverted || fail "reverted"
