# SPDX-License-Identifier: GPL-2.0-or-later
# docs/json.md has the keys that the commands print with --json: no more, no fewer.
. "$(dirname "$0")/../convert.sh"
stock=$KLPKIT_TEST_KERNEL
mkdir outputs

# json STATUS 'COMMAND' ARGUMENT...: the output becomes one of that command's.
count=0
json() {
    local wanted=$1 command=$2
    shift 2
    count=$((count + 1))
    # shellcheck disable=SC2086  # a command may have two words
    expect_status "$wanted" "$KLP" $command --json "$@"
    cp out "outputs/klp $command.$count.json"
}

json 0 'kernel symbols' "$stock" meminfo_proc_show
json 0 'kernel symbols' --object ext4 "$stock"
json 0 build --kernel "$stock" -o new-function.ko "$KLPKIT_ROOT/examples/new-function.patch"
add_change layout.patch fs/eventfd.c '/^struct eventfd_ctx {/,/^};/{/__u64 count;/d;s/^\tunsigned int flags;/&\n\t__u64 count;/}'
json 0 build --kernel "$stock" -o layout.ko --accept diff.layout:eventfd_ctx layout.patch
json 2 build --kernel "$stock" -o layout.ko layout.patch
json 1 build --kernel nowhere -o layout.ko layout.patch
json 1 diff nowhere.o nowhere.o

# Explained: `klp explain` prints what `klp build` does.
json 2 build --explain --kernel "$stock" -o layout.ko layout.patch
add_change inlined.patch fs/proc/meminfo.c 's/num << (PAGE_SHIFT - 10)/num << (PAGE_SHIFT - 9)/'
for patch in inlined.patch "$KLPKIT_ROOT/examples/new-function.patch" "$KLPKIT_ROOT/examples/new-data.patch"; do
    json 0 explain --kernel "$stock" "$patch"
    mv "outputs/klp explain.$count.json" "outputs/klp build.$count.json"
done
json 0 build --kernel "$stock" -o new-data.ko "$KLPKIT_ROOT/examples/new-data.patch"
# What the macros of other tools' patches say.
add_change macros.patch fs/proc/version.c '0,/^#include/s|^#include|#include "kpatch-macros.h"\n&|; s/seq_printf(m, /seq_putc(m, *"+");\n\t&/
    $a static int first(patch_object *object) { return 0; }\nKPATCH_PRE_PATCH_CALLBACK(first);\nKPATCH_FORCE_UNSAFE(version_proc_show);'
json 0 build --kernel "$stock" -o macros.ko macros.patch
json 0 inspect macros.ko
json 0 run --kernel "$stock" new-function.ko -- true
build_by_hand
json 0 convert --kernel "$stock" --module by-hand/klp_pair.ko -o klp_annotated.ko by-hand/klp_annotated.ko
json 0 inspect klp_annotated.ko
json 0 check --kernel "$stock" --object by-hand/klp_pair.ko klp_annotated.ko

# A patched module that comes again is refused by a kernel that does not clear relocations.
pair=by-hand/klp_pair.ko
json 2 simulate --kernel "$stock" klp_annotated.ko --event "load:$pair" --event unload:klp_pair --event "load:$pair"

# What only modules of other tools have.
printf '%s\n' '.section .modinfo,"a"' '.string "name=old"' '.string "livepatch=Y"' '.section .gnu.linkonce.this_module,"aw"' '.zero 8' \
    '.section .klp.arch.ext4.altinstructions,"a"' '.zero 12' '.section .kpatch.dynrelas,"a"' '.zero 8' | as -o old.ko -
json 0 inspect old.ko
json 2 check old.ko

for side in original patched; do
    { [ $side = original ] || echo 'static int counter;'
      echo 'extern int other(int); int f(int a);'
      [ $side = original ] && echo 'int f(int a) { return other(a); }' || echo 'int f(int a) { return other(a) + counter++; }'
    } >$side.c
    gcc-12 -O2 -ffunction-sections -fdata-sections -c -o $side.o $side.c
done
json 0 diff original.o patched.o
for side in original patched; do
    echo 'struct foo { int a, b; }; static const struct foo foos[2] = { { 1, 2 }, { 3, NUMBER } };
        static inline int other(int a) { return foos[a].b * (NUMBER + 3); } int f(int a) { return other(a); }' >$side.c
    [ $side = original ] && number=4 || number=5
    gcc-12 -O2 -g "-DNUMBER=$number" -fno-pie -mcmodel=kernel -ffunction-sections -fdata-sections -c -o $side.o $side.c
done
json 0 diff --explain original.o patched.o
# Types that changed, accepted and refused.
for side in original patched; do
    { [ $side = original ] && echo 'struct foo { int a; unsigned b:2; }; enum { ZERO, ONE };'
      [ $side = original ] || echo 'struct foo { unsigned b:2; int a; }; enum { ZERO, NEW, ONE };'
      echo 'int f(struct foo *x) { return x->a == ONE; }'; } >$side.c
    gcc-12 -O2 -g -ffunction-sections -fdata-sections -c -o $side.o $side.c
done
json 0 diff --accept diff.layout:foo --accept diff.layout:ZERO original.o patched.o
json 2 diff original.o patched.o
for side in original patched; do
    { echo 'extern int other(int);'
      [ $side = original ] && echo 'int f(int a) { return other(a); }'
      [ $side = original ] || echo 'int f(int a) { return other(a) + 1; } void *force __attribute__((section(".kpatch.force"))) = f;
          static struct { int (*fn)(int); char *name; } call __attribute__((used, section(".kpatch.callbacks.pre_patch"))) = { f, 0 };'
    } >$side.c
    gcc-12 -O2 -ffunction-sections -fdata-sections -c -o $side.o $side.c
done
json 0 diff original.o patched.o

# Those of an architecture that makes GOT and PLT for modules; the features of each.
json 0 'kernel info' --features "$stock"
for arch in ppc64le arm64 s390x; do
    use_small_kernel $arch
    json 0 'kernel info' --features "$KLPKIT_TEST_KERNEL"
done
sample=$(sample livepatch-sample)
json 0 simulate --kernel "$KLPKIT_TEST_KERNEL" --dump dump "$sample"
jq '{modules: [.]}' dump/livepatch_sample/sections.json >'outputs/klp simulate.dump.json'

# The same kernel, as if it left its stack as it is.
own_catalogue
grep -v CONFIG_INIT_STACK_ALL_ZERO "$(path_of config)" >config
entry=cache/kernels/$KLPKIT_TEST_KERNEL/kernel.json
jq --arg config "$PWD/config" 'del(.checksum) | .paths.config = $config' "$entry" >changed
mv changed "$entry"
json 0 simulate --kernel "$KLPKIT_TEST_KERNEL" "$sample"

# And as if its source tree were gone, so that its headers cannot be asked.
jq '.paths.source = "/nowhere"' "$entry" >changed
mv changed "$entry"
json 0 simulate --kernel "$KLPKIT_TEST_KERNEL" "$sample"
json 0 check --kernel "$KLPKIT_TEST_KERNEL" "$sample"

# A toolchain, and a kernel that is built for with its compiler.
mkdir -p cache/toolchains/made
jq -n --arg root "$PWD/root" '{name: "made", root: $root, fetched: false,
    compilers: [{program: "gcc-99", version: "(Made 99)", machine: "x86_64-linux-gnu"}]}' >cache/toolchains/made/toolchain.json
json 0 'toolchain list'
jq '.toolchain = "made"' "$entry" >changed
mv changed "$entry"
json 0 'kernel info' "$KLPKIT_TEST_KERNEL"

# A kernel of the catalogue whose entry is damaged.
mkdir cache/kernels/damaged
echo '{' >cache/kernels/damaged/kernel.json
json 0 'kernel list'

python3 "$KLPKIT_ROOT/tests/compare_json.py" "$KLPKIT_ROOT/docs/json.md" outputs || fail "docs/json.md is not what is printed"

# The comparison can fail: a key less and a key more in the document, and a command that nothing has documented.
sed 's/`transition_ms`/`transition`/' "$KLPKIT_ROOT/docs/json.md" >other.md
! python3 "$KLPKIT_ROOT/tests/compare_json.py" other.md outputs >complaints || fail "another key was not seen"
expect_in 'klp run: transition_ms is printed, but not documented' complaints
expect_in 'klp run: transition is documented, but nothing printed it' complaints
cp 'outputs/klp kernel list'.* 'outputs/klp other.1.json'
! python3 "$KLPKIT_ROOT/tests/compare_json.py" "$KLPKIT_ROOT/docs/json.md" outputs >complaints || fail "another command was not seen"
expect_in 'klp other: not documented at all' complaints
