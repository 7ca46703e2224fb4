# SPDX-License-Identifier: GPL-2.0-or-later
# klp check with modules that klp build makes for the test kernel: no finding, in half a second; and what it finds in such a
# module after binutils, or a change of one thing.
. "$(dirname "$0")/../lib.sh"

for example in meminfo two-objects duplicate-name static-local new-function new-data; do
    build_example "$example"
done

# Nothing to complain of but what kernels without clearing cannot do: a patched module that comes again.
for example in meminfo duplicate-name static-local new-function new-data; do
    expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" "$example.ko"
    [ ! -s err ] || { cat err; fail "$example.ko has findings"; }
    expect_in "$example.ko: sound (checked: structure, kernel $KLPKIT_TEST_KERNEL, simulated load" out
done
expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" --json two-objects.ko
jq -e '.summary.errors == 0 and .summary.simulation.done and .summary.simulation.objects == ["binfmt_misc"]' out >/dev/null ||
    { cat out; fail "two-objects.ko"; }

# The kernel is found by the module's vermagic.
expect_status 0 "$KLP" check --json meminfo.ko
jq -e --arg kernel "$KLPKIT_TEST_KERNEL" '.kernel == $kernel and .findings == []' out >/dev/null || { cat out; fail "meminfo.ko"; }

# The best of five, since other tests run at the same time.
best=100000
for _ in 1 2 3 4 5; do
    began=$(date +%s%N)
    "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" meminfo.ko >/dev/null
    took=$((($(date +%s%N) - began) / 1000000))
    [ "$took" -lt "$best" ] && best=$took
done
echo "klp check meminfo.ko: $best ms"
[ "$best" -lt 500 ] || fail "klp check takes $best ms, expected less than 500"

# has_finding ID FILE: among its errors.
has_finding() {
    expect_status 2 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" --json "$2"
    jq -e --arg id "$1" 'any(.findings[]; .id == $id and .severity == "error")' out >/dev/null ||
        { jq -c '.findings[]' out; fail "$2 lacks the finding $1"; }
}

# A linker keeps neither the marks nor the sections.
ld -r -o linked.ko meminfo.ko 2>ld.log || fail "$(cat ld.log)"
has_finding check.not-marked linked.ko
strip -o stripped.ko meminfo.ko 2>strip.log
expect_status 1 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" stripped.ko
expect_in 'expected the symbol table' err
strip -g -o plain.ko meminfo.ko
expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" plain.ko

# patched FILE CHANGE: the module after a substitution of perl's that keeps its length.
patched() {
    perl -0777 -pe "$2" meminfo.ko >"$1"
    ! cmp -s meminfo.ko "$1" || fail "'$2' changes nothing in meminfo.ko"
}
patched magic.ko 's/SMP preempt mod_unload/SMP preempt mod_reload/'
has_finding check.vermagic magic.ko
patched missing.ko 's/meminfo_proc_show\0/meminfo_proc_shoo\0/g'
has_finding check.function-missing missing.ko
patched plain.ko 's/livepatch=Y/livepetch=Y/'
has_finding check.not-livepatch plain.ko

# Tables for other structures: sizes that no kernel has.
cat >sizes.s <<'EOF'
.section .modinfo,"a"
.string "name=sizes"
.string "license=GPL"
.string "livepatch=Y"
.section .gnu.linkonce.this_module,"aw"
__this_module: .zero 24
.asciz "sizes"
.section .init.text,"ax"
.globl init_module
init_module: jmp klp_enable_patch
.section .exit.text,"ax"
.globl cleanup_module
cleanup_module: ret
.text
.type new_show, @function
new_show: ret
.section .rodata.str1.1,"aMS",@progbits,1
.Lshow: .string "meminfo_proc_show"
.globl __this_module
.data
patch: .quad __this_module, objs, 0, 1
.zero 64
.type funcs, @object
funcs: .quad .Lshow, new_show, 0
.zero 104
.size funcs, . - funcs
.type objs, @object
objs: .quad 0, funcs
.zero 176
.size objs, . - objs
EOF
as -o sizes.ko sizes.s
has_finding check.struct-size sizes.ko
