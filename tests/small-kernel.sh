# SPDX-License-Identifier: GPL-2.0-or-later
# For shell tests with the small kernels of scripts/test-kernel, and for reading a guest's memory.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# use_small_kernel ARCH [VARIANT]: from here on that is the test kernel. It is built where it is not there yet; the
# test is skipped where the archive lacks what that takes.
use_small_kernel() {
    local status=0
    "$KLPKIT_ROOT/scripts/test-kernel" "$@" >name 2>log || status=$?
    [ "$status" -ne 77 ] || skip "$(tail -n 1 log)"
    [ "$status" -eq 0 ] || { cat log; fail "the kernel for $* was not built"; }
    KLPKIT_TEST_KERNEL=$(tail -n 1 name)
    rm name log
}

# sample NAME: the path of a module of the kernel, such as one of its samples.
sample() {
    local file
    file=$(find "$(path_of modules)" -name "$1.ko" -o -name "$1.ko.xz")
    case $file in
        *.xz)
            mkdir -p samples
            xz -dc "$file" >"samples/$1.ko"
            file=$PWD/samples/$1.ko
            ;;
    esac
    echo "$file"
}

# build_modules FOLDER [ARGUMENT]...: the modules of a folder (an absolute path) made with kbuild, out of the kernel's tree.
build_modules() {
    local folder=$1 arch cross=''
    shift
    arch=$("$KLP" kernel info "$KLPKIT_TEST_KERNEL" --json | jq -r .arch)
    case $arch in
        ppc64le) arch=powerpc cross=powerpc64le-linux-gnu- ;;
        s390x) arch=s390 cross=s390x-linux-gnu- ;;
        arm64) cross=aarch64-linux-gnu- ;;
    esac
    expect_status 0 make -s -C "$(path_of source)" "M=$folder" "ARCH=$arch" "CROSS_COMPILE=$cross" "CC=${cross}gcc-12" \
        modules "$@"
}

# guest_memory DIR STEPS ARGUMENT...: tests/guest_memory.py with the test kernel.
guest_memory() {
    local folder=$1 steps=$2
    shift 2
    expect_status 0 python3 "$KLPKIT_ROOT/tests/guest_memory.py" "$folder" "$steps" --kernel "$KLPKIT_TEST_KERNEL" "$@"
}

# expect_memory FILE.ko DIR/LABEL: what was brought back there is of that module.
expect_memory() { expect_status 0 python3 "$KLPKIT_ROOT/tests/guest_memory_test.py" "$1" "$2"; }

# samples_at_work: the kernel's sample livepatch changes /proc/cmdline; another one waits for its module, which is
# loaded, unloaded and loaded again under it; a module of our own has a static key. The memory of all of them comes
# back.
samples_at_work() {
    local sample late module own=$PWD/own/own.ko
    mkdir own
    echo 'obj-m := own.o' >own/Makefile
    cat >own/own.c <<'END'
#include <linux/jump_label.h>
#include <linux/module.h>
DEFINE_STATIC_KEY_FALSE(own_key);
static int own_init(void)
{
	if (static_branch_unlikely(&own_key))
		pr_info("own: switched on\n");
	pr_info("own: at %px\n", &own_key);
	return 0;
}
module_init(own_init);
MODULE_LICENSE("GPL");
END
    build_modules "$PWD/own"
    sample=$(sample livepatch-sample)
    late=$(sample livepatch-shadow-fix1)
    module=$(sample livepatch-shadow-mod)
    cat >steps <<'END'
cat /proc/cmdline
snapshot
[ "$phase" = after ] || return 0
rmmod livepatch_shadow_mod && snapshot unloaded
insmod /klp/modules/livepatch-shadow-mod.ko && snapshot reloaded
END
    guest_memory seen "$(cat steps)" --module "$own" --late-module "$module" "$sample" "$late"
    expect_in "console=" seen/before.output
    [ "$(cat seen/after.output)" = "this has been live patched" ] || fail "$(cat seen/after.output)"
    cmp seen/before.output seen/reverted.output
    for label in before after reverted; do expect_memory "$own" "seen/$label"; done
    for label in after unloaded reloaded; do
        expect_memory "$sample" "seen/$label"
        expect_memory "$late" "seen/$label"
    done
    for label in after reloaded reverted; do expect_memory "$module" "seen/$label"; done
    for label in before/livepatch_sample unloaded/livepatch_shadow_mod reverted/livepatch_sample; do
        expect_no_file "seen/$label"
    done
    expect_in "applying patch 'livepatch_shadow_fix1' to loading module 'livepatch_shadow_mod'" seen/after/dmesg
    expect_in "reverting patch 'livepatch_shadow_fix1' on unloading module 'livepatch_shadow_mod'" seen/unloaded/dmesg
}
