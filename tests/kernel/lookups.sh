# SPDX-License-Identifier: GPL-2.0-or-later
# A lookup that fails is not "not there": no livepatch that lacks a part, no refusal of the patch, but status 1.
. "$(dirname "$0")/../lib.sh"

own_catalogue
mkdir tools tmp
# Compiled on its own and as a part of fs/compat_binfmt_elf.c.
add_change twice.patch fs/binfmt_elf.c 's/e_phentsize != sizeof(struct elf_phdr))/e_phentsize != sizeof(struct elf_phdr) + 1)/'
export TMPDIR=$PWD/tmp
build() { "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o output.ko twice.patch; }
expect_status 0 build
[ "$(grep -c load_elf_phdrs out)" -eq 2 ] || { cat out; fail "not both units"; }
mv output.ko whole.ko

failing() {
    expect_status 1 build
    expect_in "$1" err
    expect_no_file output.ko
    [ -z "$(ls -A tmp)" ] || fail "left in TMPDIR: $(ls -A tmp)"
}

# dying_make PATTERN COMMANDS: a make that does the commands instead where it is asked for such a goal.
real_make=$(command -v make)
dying_make() {
    printf '#!/bin/sh\ncase "$*" in *%s*) %s;; esac\nexec %s "$@"\n' "$1" "$2" "$real_make" >tools/make
    chmod +x tools/make
}
PATH=$PWD/tools:$PATH
for object in fs/binfmt_elf.o fs/compat_binfmt_elf.o; do
    dying_make $object 'kill -9 $$'
    failing "make was ended by signal 9"
    dying_make $object 'echo "make: *** virtual memory exhausted.  Stop." >&2; exit 2'
    failing "virtual memory exhausted"
    dying_make $object 'echo "make: fork: Cannot allocate memory" >&2'
    failing "Cannot allocate memory"
    dying_make $object 'exit 2'
    failing "make failed with status 2"
    dying_make $object 'exit 127'
    failing "make failed with status 127"
    # It ends well, and has said nothing.
    dying_make $object 'exit 0'
    failing "make does not say what kernel"
done
rm tools/make

# A compiler that dies: while it compiles, and while it is asked which one it is. That one is not "not installed", which
# simulate could do without.
for name in gcc gcc-12 x86_64-linux-gnu-gcc x86_64-linux-gnu-gcc-12; do
    real=$(PATH=${PATH#*:} command -v $name) || continue
    printf '#!/bin/sh\n[ -e "%s/die" ] && case " $* " in *"$(cat "%s/die")"*) kill -9 $$;; esac\nexec %s "$@"\n' "$PWD" "$PWD" "$real" >tools/$name
    chmod +x tools/$name
done
echo ' fs/compat_binfmt_elf.c' >die
failing "fs/compat_binfmt_elf.c: the"
for option in --version -dumpmachine; do
    echo " $option " >die
    failing "gcc-12' was ended by signal 9"
    rm -rf "cache/kernels/$KLPKIT_TEST_KERNEL/cache/"features-*
    expect_status 1 "$KLP" simulate --kernel "$KLPKIT_TEST_KERNEL" whole.ko
    expect_in "gcc-12' was ended by signal 9" err
done
rm die tools/*gcc*
expect_status 0 build
cmp output.ko whole.ko
rm output.ko

# A table of includes that was cut short, as a whole line ends and within one.
table=$(echo "cache/kernels/$KLPKIT_TEST_KERNEL/cache/c-files-included-"*)
cp "$table" table
for size in 0 20 200 1000 5000; do
    cp table "$table"
    truncate -s $size "$table"
    rm -f output.ko
    expect_status 0 build
    cmp output.ko whole.ko
    cmp "$table" table || fail "the table is still of $size bytes"
done
# The line by which the second unit is found.
sed -i '/compat_binfmt_elf/d' "$table"
rm output.ko
expect_status 0 build
cmp output.ko whole.ko
rm output.ko

# A place for temporary files that is not there, or that nobody may write to.
TMPDIR=$PWD/nowhere
expect_status 1 build
expect_in "$TMPDIR" err
expect_in 'cannot make a temporary folder' err
expect_no_file output.ko
TMPDIR=$PWD/tmp
