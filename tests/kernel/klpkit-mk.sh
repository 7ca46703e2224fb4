# SPDX-License-Identifier: GPL-2.0-or-later
# klpkit.mk: livepatches by a Makefile of two lines.
. "$(dirname "$0")/../lib.sh"

export KLPKIT=$KLPKIT_ROOT/share/klpkit
export KERNEL=$KLPKIT_TEST_KERNEL
unset KDIR SYMBOLS
touch began
mkdir own
cd own
cp "$KLPKIT_ROOT"/examples/authors/livepatch-{loadavg,version}.c .
printf 'obj-m := livepatch-loadavg.o livepatch-version.o\ninclude $(KLPKIT)/klpkit.mk\n' >Makefile

is_converted() {
    readelf -SW "$1" | found -F ' .klp.rela.vmlinux..text' || fail "$1 is not converted"
    ! readelf -sW "$1" | grep -E ' UND (nr_threads|\.klp\.sym\.rela\.|sig_enforce)' || fail "$1 has symbols that nobody resolves"
}
# made FILE...: which of the files `make` has just written.
made() { find "$@" -newer mark | sort | tr '\n' ' '; }

# What modpost and BTF have to say of it is not our author's affair.
expect_status 0 make -j2
for word in undefined BTF warning WARNING; do
    expect_not_in "$word" err
done
is_converted livepatch-loadavg.ko
is_converted livepatch-version.ko
expect_status 0 "$KLP" check --kernel "$KERNEL" livepatch-loadavg.ko
expect_status 0 "$KLP" check --kernel "$KERNEL" livepatch-version.ko

# Nothing is done twice; what changed is done again.
touch mark
expect_status 0 make
[ -z "$(made ./*.ko)" ] || fail "made again: $(made ./*.ko)"
sed -i 's/ 0\\n/ 00\\n/' livepatch-loadavg.c
expect_status 0 make
[ "$(made ./*.ko)" = "./livepatch-loadavg.ko " ] || fail "made: $(made ./*.ko)"
is_converted livepatch-loadavg.ko
grep -q ' 00$' <(strings livepatch-loadavg.ko) || fail "the change is not in the module"

# A symbol that is not there: told by convert, and no module that could be loaded. The other one is made all the same.
sed -i 's/nr_running()/nr_runing()/; s/^static int livepatch_load/extern unsigned int nr_runing(void);\n&/' livepatch-loadavg.c
rm livepatch-version.ko
expect_status 2 make -k
expect_in nr_runing err
expect_not_in modpost err
expect_no_file livepatch-loadavg.ko
is_converted livepatch-version.ko
expect_status 2 make  # a second call does not take what the first left
expect_no_file livepatch-loadavg.ko
sed -i 's/nr_runing()/nr_running()/' livepatch-loadavg.c
expect_status 0 make
is_converted livepatch-loadavg.ko

# A function to replace that is not there: told with the names that are near, and no module that could be loaded.
sed -i 's/\.old_name = "loadavg_proc_show"/.old_name = "loadavg_proc_shw"/' livepatch-loadavg.c
expect_status 2 make
expect_in "[check.function-missing]" err
expect_in "there is 'loadavg_proc_show' of vmlinux" err
expect_no_file livepatch-loadavg.ko
sed -i 's/loadavg_proc_shw/loadavg_proc_show/' livepatch-loadavg.c
sed -i 's/{ \.funcs = funcs },/{ .name = "snd-hda-intel", .funcs = funcs },/' livepatch-loadavg.c
expect_status 2 make
expect_in "did you mean 'snd_hda_intel'?" err
expect_no_file livepatch-loadavg.ko
sed -i 's/\.name = "snd-hda-intel", //' livepatch-loadavg.c
expect_status 0 make
is_converted livepatch-loadavg.ko

# What the compiler says is shown.
echo 'static int unused_by_all(void) { return 0; }' >>livepatch-loadavg.c
expect_status 0 make
expect_in unused_by_all err
echo 'nonsense' >>livepatch-loadavg.c
expect_status 2 make
expect_in nonsense err
sed -i '/^nonsense/d; /unused_by_all/d' livepatch-loadavg.c

# The same folder for kernels of other architectures, with their compilers, and back.
printf 'obj-m := livepatch-loadavg.o\ninclude $(KLPKIT)/klpkit.mk\n' >Makefile
rm livepatch-version.*
machine() { readelf -hW "$1" | sed -n 's/^ *Machine: *//p'; }
for kernel in test-ppc64le test-s390x test-arm64 test-x86_64-clearing "$KERNEL"; do
    "$KLP" kernel list --json | jq -e --arg name "$kernel" 'any(.name == $name)' >/dev/null || { echo "no kernel $kernel here"; continue; }
    expect_status 0 make -j2 "KERNEL=$kernel"
    expect_not_in undefined err
    is_converted livepatch-loadavg.ko
    case "$kernel $(machine livepatch-loadavg.ko)" in
        test-ppc64le*PowerPC64 | test-s390x*S/390 | test-arm64*AArch64 | *amd64*X86-64 | test-x86_64*X86-64) ;;
        *) fail "$kernel: livepatch-loadavg.ko is for $(machine livepatch-loadavg.ko)" ;;
    esac
    expect_status 0 "$KLP" check --kernel "$kernel" livepatch-loadavg.ko
done

expect_status 0 make clean
rm out err mark
[ "$(ls -A | tr '\n' ' ')" = "Makefile livepatch-loadavg.c " ] || fail "left by clean: $(ls -A)"

# Installed, which is where `cmake --install` puts the three; and a relative KLPKIT.
mkdir -p ../prefix/{bin,include,share}
ln -s "$KLP" ../prefix/bin/klp
cp -r "$KLPKIT" ../prefix/share
cp -r "$KLPKIT_ROOT/include/klpkit" ../prefix/include
cp "$KLPKIT_ROOT/examples/authors/livepatch-version.c" .
sed -i 's/loadavg/version/' Makefile
expect_status 0 env -u KLP make KLPKIT=../prefix/share/klpkit
is_converted livepatch-version.ko
expect_in "$scratch/prefix/include/klpkit/livepatch.h" .livepatch-version.o.cmd
touch livepatch-version.c
expect_status 0 env -u KLP make -n KLPKIT=../prefix/share/klpkit
expect_in "$scratch/prefix/share/klpkit/../../bin/klp" out
sed -i 's/version/loadavg/' Makefile

# A kernel that is not in the catalogue: its folder, and its symbols.
expect_status 0 "$KLP" symbols-db --kernel "$KERNEL" -o symbols
KERNEL='' KLPKIT_CACHE=$PWD/empty expect_status 0 make "KDIR=$(path_of source)" SYMBOLS=symbols
is_converted livepatch-loadavg.ko
sed -i 's/"loadavg_proc_show"/"loadavg_proc_shw"/' livepatch-loadavg.c
KERNEL='' KLPKIT_CACHE=$PWD/empty expect_status 0 make "KDIR=$(path_of source)" SYMBOLS=symbols
expect_in "there is 'loadavg_proc_show' of vmlinux" err

# Kernels that are not there, or only half told.
expect_status 2 make KERNEL=nonsense
expect_in "no kernel 'nonsense'" err
KERNEL='' expect_status 2 make KDIR=/nonexistent
expect_in "KDIR and SYMBOLS are to be given together" err
expect_status 2 make SYMBOLS=symbols KDIR=/nonexistent
expect_in "no KERNEL" err

[ -z "$(find "$(path_of source)" -newer ../began)" ] || fail "the kernel's tree was written to"
