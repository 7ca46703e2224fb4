# SPDX-License-Identifier: GPL-2.0-or-later
# Which translation units a patch leads to: sources that kbuild does not compile under their own name, headers, files
# of several objects.
. "$(dirname "$0")/../lib.sh"

# edit FILE SED-SCRIPT: adds the change to units.patch.
edit() { add_change units.patch "$@"; }

# built_as TEXT: the patch of the edits so far gives, sorted, these lines `OBJECT FUNCTION SOURCE`.
built_as() {
    expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o units.ko units.patch
    jq -r '.objects[] | .name as $object | .functions[] | "\($object) \(.name) \(.source)"' out | sort >built
    echo "$1" | diff - built || fail "other functions than expected"
    jq -e 'all(.objects[].functions[]; .fidelity == "identical")' out >/dev/null || fail "$(cat out)"
    rm -f units.patch units.ko
}

# Included by another .c file.
edit kernel/sched/loadavg.c 's/(avenrun\[0\] + offset) << shift;/(avenrun[0] + offset + 1) << shift;/'
built_as "vmlinux get_avenrun kernel/sched/build_utility.c"

# Compiled on its own and as a part of another unit.
edit fs/binfmt_elf.c 's/e_phentsize != sizeof(struct elf_phdr))/e_phentsize != sizeof(struct elf_phdr) + 1)/'
built_as "vmlinux load_elf_phdrs fs/binfmt_elf.c
vmlinux load_elf_phdrs fs/compat_binfmt_elf.c"

# Made by the Makefile of another folder.
edit virt/kvm/kvm_main.c 's/simple_attr_release(inode, file);/& file->private_data = NULL;/'
built_as "kvm kvm_debugfs_release virt/kvm/kvm_main.c"

# A header, and with it all .c files that it reaches.
edit fs/proc/fd.h 's/return PROC_I(inode)->fd;/return PROC_I(inode)->fd + 0x1111;/'
expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o units.ko units.patch
jq -e '[.objects[].functions[] | select(.source == "fs/proc/fd.c")] | length > 0' out >/dev/null || fail "$(cat out)"
rm -f units.patch units.ko

# Only comments change in a header that the whole kernel includes.
edit include/linux/mm.h '1a /* a comment */'
expect_status 3 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o units.ko units.patch
expect_in "only comments change" err
expect_no_file units.ko
