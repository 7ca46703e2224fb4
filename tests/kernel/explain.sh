# SPDX-License-Identifier: GPL-2.0-or-later
# klp explain tells why each function is in the livepatch, and leaves no file. Lines and instructions are those that addr2line
# and objdump see in objects that kbuild's own command makes of both sides.
. "$(dirname "$0")/../lib.sh"

source=$(path_of source)

# edit FILE SED: adds to edit.patch.
edit() { add_change edit.patch "$@"; }

# explained STATUS FILTER [OPTION]...: of the patch that edit made.
explained() {
    local status=$1 filter=$2
    shift 2
    expect_status "$status" "$KLP" explain --kernel "$KLPKIT_TEST_KERNEL" --json "$@" edit.patch
    jq -e ".status == $status and .module == null and (.explanation | $filter)" out >/dev/null ||
        { jq .explanation out; fail "not so: $filter"; }
    cp out explained.json
    ! compgen -G '*.ko' >/dev/null || fail "a module was written"
}
# So that each case has its own.
begin() { rm -f edit.patch; }
function_of='.units[].functions[] | select(.name == $name)'

# A string that changed: the reader is objdump, on an object that the patched file is compiled to here.
begin
edit fs/proc/meminfo.c 's/"MemTotal: /"MemTotal! /'
explained 0 'any(.units[].functions[]; .name == "meminfo_proc_show" and .status == "changed" and .cause == "code" and .in_patch and
    .declared.file == "fs/proc/meminfo.c" and .difference.patched.content == "\"MemTotal!       \"" and
    .difference.original.content == "\"MemTotal:       \"")'
line=$(grep -n '^static int meminfo_proc_show' "$source/fs/proc/meminfo.c" | cut -d: -f1)
jq -e --argjson line "$line" '.explanation.units[0].functions[0].declared.line == $line' explained.json >/dev/null || fail "declared at another line than $line"
"$KLP" explain --kernel "$KLPKIT_TEST_KERNEL" edit.patch >text 2>err
expect_in '"MemTotal!       ", was "MemTotal:       "' text
expect_in 'meminfo_proc_show: changed: the patch changes it' text
expect_status 0 "$KLP" build --explain --kernel "$KLPKIT_TEST_KERNEL" -o built.ko edit.patch
expect_in 'meminfo_proc_show: changed: the patch changes it' out
expect_in 'proof: ' out
expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o plain.ko edit.patch
cmp built.ko plain.ko || fail "another module with --explain"
rm built.ko plain.ko

# An instruction that changed, 30 lines below lines that are added: the line of each side by addr2line, the instruction by objdump.
begin
edit fs/eventfd.c 's/^struct eventfd_ctx {/\/\* more *\/\n\/\* and more *\/\n&/;/^static ssize_t eventfd_write/,/^}/s/ucnt == ULLONG_MAX/ucnt == 77/'
explained 0 'any(.units[].functions[]; .name == "eventfd_write" and .cause == "code" and .in_patch)'
module=$(mktemp -d -p "$PWD")
cp "$source/fs/eventfd.c" "$module/a.c"
patch -s -o "$module/b.c" "$module/a.c" edit.patch
sed -i '1,/^struct eventfd_ctx/{/more \*\/$/d}' "$module/b.c"  # the numbers that #line keeps
echo 'obj-m := a.o b.o' >"$module/Makefile"
# shellcheck disable=SC2046  # words of a command
make -s $("$KLP" kernel info "$KLPKIT_TEST_KERNEL" --kbuild) "M=$module" KCFLAGS='-g -gdwarf-4 -fno-var-tracking -ffunction-sections -fdata-sections' \
    a.o b.o >make.log 2>&1 || { cat make.log; fail "the sides do not compile"; }
for side in a b; do
    key=original
    [ $side = a ] || key=patched
    read -r offset line <<<"$(jq -r --arg name eventfd_write ".explanation | $function_of | .difference.$key |
        \"\\(.instructions[] | select(.differs) | .offset) \\(.line.line)\"" --arg name eventfd_write explained.json)"
    addr2line -j .text.eventfd_write -e "$module/$side.o" "$(printf '%x' "$offset")" >seen
    grep -q ":$line\b" seen || { cat seen; fail "$key: another line than $line"; }
    shown=$(jq -r --arg name eventfd_write ".explanation | $function_of | .difference.$key.instructions[] | select(.differs).text" explained.json)
    objdump -d --no-show-raw-insn -j .text.eventfd_write "$module/$side.o" >seen
    expect_in "$(printf '%x:' "$offset")	$shown" seen
done

# A function that is not in the patch, by the one that is inlined into it.
begin
edit fs/eventfd.c '/^void eventfd_ctx_do_read/,/^}/s/ : ctx->count/ : ctx->count + 1/'
edit fs/proc/meminfo.c '/^static void show_val_kb/,/^}/s/num << (PAGE_SHIFT - 10)/num << (PAGE_SHIFT - 9)/'
explained 0 'any(.units[].functions[]; .name == "meminfo_proc_show" and .in_patch == false and (.inlined | map(.function) == ["show_val_kb"]) and
    .inlined[0].called_at.file == "fs/proc/meminfo.c")'
"$KLP" explain --kernel "$KLPKIT_TEST_KERNEL" edit.patch >text 2>err
expect_in "meminfo_proc_show: changed: not in the patch: 'show_val_kb' is inlined here" text

# A new function, by who calls it; a new variable, by who refers to it.
begin
edit fs/proc/loadavg.c 's/^static int loadavg_proc_show/static int asked;\nstatic __attribute__((noipa)) int more(int x) { return x + ++asked; }\n&/;s/nr_running(), nr_threads/nr_running() + more(1), nr_threads/'
explained 0 'any(.units[].functions[]; .name == "more" and .status == "new" and .used_by[0].name == "loadavg_proc_show" and .used_by[0].how == "call") and
    any(.units[].data[]; .name == "asked" and .status == "new" and .used_by[0].name == "more" and .used_by[0].how == "reference")'
# Lines are numbered as in the original.
call=$(grep -n 'nr_running(), nr_threads' "$source/fs/proc/loadavg.c" | cut -d: -f1)
jq -e --argjson line "$call" '[.explanation.units[].functions[] | select(.name == "more").used_by[].line.line] == [$line]' explained.json >/dev/null ||
    { jq .explanation explained.json; fail "the call is at line $call"; }

# A constant, by its member: which the function that reads it brings along.
begin
edit fs/proc/array.c 's/"Z (zombie)",/"Z (undead)",/'
explained 0 'any(.units[].data[]; .name == "task_state_array" and .cause == "content" and .difference.member == "[6]" and
    .difference.patched.content == "\"Z (undead)\"" and .difference.original.content == "\"Z (zombie)\"") and
    any(.units[].functions[]; .cause == "constant" and .subject == "task_state_array")'

# What cannot be hooked, and its callers.
explained_example() { "$KLP" explain --kernel "$KLPKIT_TEST_KERNEL" --json "$KLPKIT_ROOT/examples/$1.patch" >explained.json; }
explained_example system-call
jq -e '.explanation | any(.units[].functions[]; .name == "__do_sys_newuname" and .status == "carried" and .cause == "code" and .used_by[0].how == "call") and
    any(.units[].functions[]; .name == "__x64_sys_newuname" and .cause == "callee" and .subject == "__do_sys_newuname" and .in_patch != true)' explained.json >/dev/null ||
    { jq '.explanation.units[].functions[] | {name, status, cause, subject, in_patch}' explained.json; fail "not so: a system call"; }

# Refused: what was found until then, and the line of each finding.
begin
edit fs/proc/meminfo.c 's/"MemTotal: /"MemTotal! /;s/proc_create_single("meminfo", 0/proc_create_single("meminfo", 0444/'
init=$(grep -n '__init proc_meminfo_init' "$source/fs/proc/meminfo.c" | cut -d: -f1)
explained 2 'any(.units[].functions[]; .name == "proc_meminfo_init" and .in_livepatch == false) and any(.units[].functions[]; .name == "meminfo_proc_show") and
    any(.findings[]; .id == "diff.init-code" and .file == "fs/proc/meminfo.c" and .line == '"$init"')'
expect_status 2 "$KLP" explain --kernel "$KLPKIT_TEST_KERNEL" edit.patch
expect_in "error: fs/proc/meminfo.c:$init: " out
expect_in 'proc_meminfo_init: changed (not in the livepatch)' out

# Nothing to explain, and a patch that does not compile.
begin
edit fs/proc/meminfo.c '1s/$/ \/* more *\//'
explained 3 '.units | map(.functions) == [[]]'
begin
edit fs/proc/meminfo.c 's/si_meminfo(&i);/undeclared = 1;/'
explained 1 '.units == []'
