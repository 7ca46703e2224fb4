# SPDX-License-Identifier: GPL-2.0-or-later
# The symbols read out of the image are those that the running kernel has, line for line; those of a loaded module
# are, too, in order, type and name.
. "$(dirname "$0")/../lib.sh"

build_example meminfo
run_guest --module ext4 meminfo.ko -- "cat /proc/kallsyms"
[ "$(wc -l <before)" -gt 50000 ] || fail "the guest has $(wc -l <before) symbols only"

grep -v '\[' before >running
"$KLP" kernel symbols "$KLPKIT_TEST_KERNEL" >listed
cut -f1 listed | cmp - running || fail "other symbols than in the guest"

for module in ext4 jbd2 mbcache; do
    sed -n "s/^[0-9a-f]* \(.\) \([^\t]*\)\t\[$module\]$/\1 \2/p" before >running
    [ -s running ] || fail "$module is not loaded in the guest"
    "$KLP" kernel symbols "$KLPKIT_TEST_KERNEL" --object $module --json |
        jq -r '.[] | select(.init | not) | "\(.type) \(.name)"' >listed
    cmp listed running || fail "other symbols of $module than in the guest"
done

# Positions: functions named `show` in address order; 0 for a unique name.
"$KLP" kernel symbols "$KLPKIT_TEST_KERNEL" --json show meminfo_proc_show >symbols.json
jq -e '[.[] | select(.name == "show")] | length > 1 and ([.[].sympos] == [range(1; length + 1)])
           and ([.[].address] == ([.[].address] | sort))' symbols.json >/dev/null || fail "$(cat symbols.json)"
jq -e '.[] | select(.name == "meminfo_proc_show") | .sympos == 0 and .object == "vmlinux"' symbols.json >/dev/null ||
    fail "$(cat symbols.json)"

expect_status 1 "$KLP" kernel symbols "$KLPKIT_TEST_KERNEL" no_such_symbol show another_one
expect_in "'no_such_symbol', 'another_one'" err
[ ! -s out ] || fail "standard output: $(cat out)"

# Files as sources: the image itself, its vmlinux and a module.
image=$("$KLP" kernel info "$KLPKIT_TEST_KERNEL" --json | jq -r .paths.image)
modules=$("$KLP" kernel info "$KLPKIT_TEST_KERNEL" --json | jq -r .paths.modules)
"$KLP" kernel symbols "$KLPKIT_TEST_KERNEL" >listed
"$KLP" kernel symbols "$image" | cmp - listed || fail "the image gives other symbols than the kernel"
expect_status 0 "$KLP" kernel symbols "$modules/kernel/fs/ext4/ext4.ko" init_module
head -c 3000000 "$image" >truncated
expect_status 1 "$KLP" kernel symbols ./truncated
expect_in truncated err
