# SPDX-License-Identifier: GPL-2.0-or-later
# For shell tests that need a kernel to check and simulate against, but no real one: `tiny` of x86_64 in a catalogue of
# its own, with the function show(), which can be patched.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

export KLPKIT_CACHE=$PWD/cache
vermagic='1.0-tiny SMP mod_unload '

# tiny_kernel: made by hand, since `klp kernel add` wants a source tree.
tiny_kernel() {
    local folder=$KLPKIT_CACHE/kernels/tiny
    mkdir -p "$folder/modules"
    as -o tiny.o - <<END
.text
.globl _stext, klp_enable_patch, klp_apply_section_relocs
_stext: klp_apply_section_relocs: .p2align 4
.type klp_enable_patch, @function
klp_enable_patch: ret
.size klp_enable_patch, 1
.p2align 4
.type show, @function
show: .nops 5
ret
.size show, 6
.section .rodata, "a"
.byte 0
.asciz "$vermagic"
.asciz "invalid access to vmlinux symbol '%s' from module-specific livepatch relocation section"
.data
.globl __start_mcount_loc, __stop_mcount_loc, _end
__start_mcount_loc: .quad show
__stop_mcount_loc:
_end:
END
    ld -o "$folder/vmlinux" -e 0 -Ttext=0xffffffff81000000 -z noexecstack tiny.o
    printf 'CONFIG_%s=y\n' LIVEPATCH KALLSYMS_ALL MODULE_UNLOAD SMP STACKTRACE HAVE_RELIABLE_STACKTRACE >"$folder/config"
    printf '0x1\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n' >"$folder/Module.symvers"
    jq -n --arg folder "$folder" '{name: "tiny", release: "1.0-tiny", arch: "x86_64", fetched: false, paths: {source: "",
        image: ($folder + "/vmlinux"), vmlinux: ($folder + "/vmlinux"), modules: ($folder + "/modules"),
        config: ($folder + "/config"), symvers: ($folder + "/Module.symvers")}}' >"$folder/kernel.json"
}

# module_text NAME [LINE]...: assembler for what every module has.
module_text() {
    local name=$1
    shift
    cat <<END
.section .modinfo, "a"
.string "name=$name"
.string "license=GPL"
.string "intree=Y"
.string "vermagic=$vermagic"
.section .gnu.linkonce.this_module, "aw"
.p2align 6
.globl __this_module
.type __this_module, @object
__this_module: .zero 24
.asciz "$name"
.p2align 6
.zero 64
.size __this_module, . - __this_module
END
    printf '%s\n' "$@"
}

# livepatch_text NAME [OBJECT [REPLACE]]: one that patches show() of OBJECT (default: vmlinux). REPLACE: klp_patch.replace.
livepatch_text() {
    module_text "$1" '.section .modinfo' '.string "livepatch=Y"'
    cat <<END
.section .init.text, "ax"
.globl init_module
.type init_module, @function
init_module: jmp klp_enable_patch
.size init_module, . - init_module
.section .exit.text, "ax"
.globl cleanup_module
cleanup_module: ret
.text
.type new_show, @function
new_show: ret
.size new_show, 1
.section .rodata.str1.1, "aMS", @progbits, 1
.Lshow: .string "show"
.Lobject: .string "${2:-vmlinux}"
.data
.type patch, @object
patch: .quad __this_module, objs, 0, ${3:-0}
.zero 64
.size patch, . - patch
.type funcs, @object
funcs: .quad .Lshow, new_show, 0
.zero 104
.size funcs, . - funcs
.type objs, @object
objs: .quad $([ -z "${2:-}" ] && echo 0 || echo .Lobject), funcs
.zero 176
.size objs, . - objs
END
}
