# SPDX-License-Identifier: GPL-2.0-or-later
# What tests/fuzz/mutations.py changes: livepatches with livepatch relocations, made by klp build, by klp convert and by hand,
# and pairs of objects for klp diff.
#   bash tests/fuzz/mutation-bases.sh FOLDER [KERNEL]...
# FOLDER gets the files and list.json; FOLDER/cache is a catalogue with the small kernels of tests/support, and with those of
# the user's that are named: test kernels of scripts/test-kernel, for which the modules of tests/modules are built, and stock
# ones, for which the examples are.
folder=$(realpath -m "$1")
shift
mkdir -p "$folder/cache/kernels"
user_cache=${KLPKIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/klpkit}
. "$(dirname "$0")/../model.sh"
export KLPKIT_CACHE=$user_cache
: >list

# base KERNEL FILE [LATE-MODULE]: a livepatch; the other one is loaded after it.
base() {
    mkdir -p "$folder/$1"
    cp -n "${@:2}" "$folder/$1"
    jq -cn '{kernel: $ARGS.positional[0], file: $ARGS.positional[1], late: $ARGS.positional[2]}' --args "$1" "$1/${2##*/}" ${3:+"$folder/$1/${3##*/}"} >>list
}

examples_of_stock_kernel() {
    export KLPKIT_TEST_KERNEL=$1
    local example
    for example in meminfo two-objects static-local cold-part new-data static-key; do
        build_example "$example"
        base "$1" "$example.ko"
    done
}

modules_of_test_kernel() {
    export KLPKIT_TEST_KERNEL=$1
    mkdir "$1"
    (cd "$1" && make_everything)
    base "$1" "$1/modules/klp_everything.ko" "$1/modules/klp_target.ko"
    [ "$1" = test-x86_64 ] || return 0
    cp -r "$KLPKIT_ROOT/tests/modules/convert" by-hand
    build_modules "$PWD/by-hand" KBUILD_MODPOST_WARN=1 "KLPKIT=$KLPKIT_ROOT"
    base "$1" by-hand/klp_annotated.ko by-hand/klp_pair.ko
    expect_status 0 "$KLP" convert --kernel "$1" --module by-hand/klp_pair.ko -o converted.ko by-hand/klp_annotated.ko
    base "$1" converted.ko by-hand/klp_pair.ko
}

tiny_livepatches() {
    KLPKIT_CACHE=$folder/cache "$KLPKIT_TOOLS/tiny_kernels" "$PWD"
    local kernel
    for kernel in tiny-*; do
        base "$kernel" "$kernel/livepatch.ko" "$kernel/late.ko"
        [ ! -e "$kernel/by-hand.ko" ] || base "$kernel" "$kernel/by-hand.ko" "$kernel/late.ko"
    done
}

# Two objects as the kernel's compiler makes them, with tables of several kinds.
pair_of_objects() {
    cat >original.c <<'C'
extern int external(const char *text);
static int counter, table[2] = {1, 2};
static __attribute__((noinline)) int helper(int x) { return external("helper") + x + counter++ + table[x & 1]; }
int unchanged(int x) { return helper(x) + 1; }
int changed(int x) { asm volatile("1: ud2\n.pushsection __bug_table,\"aw\"\n.long 1b - ., 0\n.word 7, 0\n.popsection"); return helper(x) + 2; }
static int (*const calls[])(int) = {unchanged, changed};
int through(int x) { return calls[x & 1](x); }
C
    sed 's/helper(x) + 2/helper(x) + fresh(x) + 3/; 3i static int total = 7; static __attribute__((noinline)) int fresh(int x) { return total += x; }' \
        original.c >patched.c
    for side in original patched; do
        gcc-12 -O2 -fno-pie -mcmodel=kernel -mno-red-zone -pg -mfentry -mrecord-mcount -fcf-protection=none \
            -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -c -o $side.o $side.c
    done
    mkdir -p "$folder/objects"
    cp original.o patched.o "$folder/objects"
    jq -cn '{kernel: "tiny-x86_64", file: "objects/original.o", pair: "objects/patched.o"},
            {kernel: "tiny-x86_64", file: "objects/patched.o", pair: "objects/original.o"}' >>list
}

tiny_livepatches
pair_of_objects
for kernel; do
    ln -sfn "$user_cache/kernels/$kernel" "$folder/cache/kernels/$kernel"
    case $kernel in test-*) modules_of_test_kernel "$kernel" ;; *) examples_of_stock_kernel "$kernel" ;; esac
done
jq -s . list >"$folder/list.json"
echo "$(jq length "$folder/list.json") files to change"
