# SPDX-License-Identifier: GPL-2.0-or-later
# What klp build calls identical is what the kernel runs: the originals of the examples' functions, compiled by kbuild
# itself, are at the functions' addresses in vmlinux and in the shipped modules, byte for byte but for relocations.
. "$(dirname "$0")/../lib.sh"

source=$(path_of source)
release=$("$KLP" kernel info "$KLPKIT_TEST_KERNEL" --json | jq -r .release)
"$KLP" kernel symbols "$KLPKIT_TEST_KERNEL" | cut -f 1 >kallsyms  # as in a guest: tests/kernel/symbols.sh

for example in meminfo two-objects duplicate-name module-late static-local sched-text; do build_example "$example"; done
jq -s '{objects: map(.objects[])}' ./*.json >all
mapfile -t sources < <(jq -r '.objects[].functions[] | select(.new | not) | .source' all | sort -u)

# As much of the tree as these files take, and all that says how to build it.
folders=()
for file in "${sources[@]}"; do folders+=("./$(dirname "$file")"); done
mkdir tree
(cd "$source" && {
    find . -maxdepth 1 ! -type d
    find . \( -name 'Kconfig*' -o -name 'Makefile*' -o -name 'Kbuild*' \) ! -type d
    find "${folders[@]}" -maxdepth 1 ! -type d
    find ./include ./scripts ./kernel ./arch/x86 ./tools/objtool ! -type d
} | sort -u | tar -cf - -T -) | tar -C tree -xf -

# compile FILE.c...: in the copy of the tree, which is prepared already.
compile() {
    expect_status 0 make -s --no-print-directory -o prepare -C tree "KERNELRELEASE=$release" KCFLAGS='-ffunction-sections -fdata-sections' \
        "CC=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\).*/\1/p' "$(path_of config)")" "${@/%.c/.o}"
}
compare() { python3 "$KLPKIT_ROOT/tests/compare_shipped.py" "$1" tree "$(path_of vmlinux)" kallsyms "$(path_of modules)" >"$2"; }

compile "${sources[@]}"
compare all originals
! grep -v '^same ' originals || fail "klp build takes them for identical"
[ "$(wc -l <originals)" -eq "$(jq '[.objects[].functions[] | select(.new | not)] | length' all)" ] || fail "$(cat originals)"
[ "$(wc -l <originals)" -ge 7 ] || fail "only $(wc -l <originals) functions were compared"

# The comparison sees what differs: the same functions after a patch.
for example in meminfo module-late static-local; do patch -s -d tree -p1 <"$KLPKIT_ROOT/examples/$example.patch"; done
compile "${sources[@]}"
jq -s '{objects: map(.objects[])}' module-late.json static-local.json >changed
compare changed patched
! grep -v '^differs ' patched || fail "the comparison does not see a change"
# A string alone has changed there, which only a relocation's addend tells.
compare meminfo.json string
grep -qx 'same meminfo_proc_show' string || fail "$(cat string)"
