# SPDX-License-Identifier: GPL-2.0-or-later
# klp build --json prints one document for every exit status, with what was known until then, and leaves a file for none but 0.
. "$(dirname "$0")/../lib.sh"

version=$("$KLP" --version | cut -d' ' -f2)

# edit FILE SED: makes edit.patch.
edit() {
    rm -f edit.patch
    add_change edit.patch "$@"
}

# built STATUS FILTER [OPTION]...: one document, which the filter is true of. The file that was there stays.
built() {
    local status=$1 filter=$2
    shift 2
    echo before >edit.ko
    expect_status "$status" "$KLP" build --json -o edit.ko "$@" edit.patch
    [ "$(jq -s length out)" = 1 ] || { cat out; fail "not one document"; }
    jq -e --arg version "$version" ".klp == \$version and .schema == 1 and .status == $status and (.error == null) == ($status == 0) and ($filter)" \
        out >/dev/null || { cat out; fail "not so: $filter"; }
    [ "$status" = 0 ] || [ "$(cat edit.ko)" = before ] || fail "a module after status $status"
    expect_no_file edit.ko.tmp
}
stock=(--kernel "$KLPKIT_TEST_KERNEL")

edit fs/proc/meminfo.c 's/"MemTotal: /"MemTotal! /'
built 0 '.module == "edit.ko" and .findings == [] and .objects[0].functions[0].name == "meminfo_proc_show" and .proven.total > 0' "${stock[@]}"
built 1 '.error.message | test("nowhere")' --kernel nowhere
built 1 '.kernel == null and .module == null and .objects == []' --kernel nowhere
built 64 '.error.message | test("--accept")' "${stock[@]}" --accept diff.nothing:x
built 64 '.error.message | test("no name for a module")' "${stock[@]}" --name a-b

# A command line that cannot be parsed.
for wrong in --nonsense "--jobs none" "--max-units 0"; do
    # shellcheck disable=SC2086
    built 64 '.findings == [] and (.error.hints | length) == 1' "${stock[@]}" $wrong
done
expect_status 64 "$KLP" build --json
jq -e '.status == 64 and .klp != null and .schema == 1' out >/dev/null || { cat out; fail "no document"; }
expect_status 64 "$KLP" build --nonsense
[ ! -s out ] || fail "a document that nobody asked for"

# The document goes where results go while the module has standard output.
expect_status 1 "$KLP" build --json --kernel nowhere -o /dev/stdout edit.patch
[ ! -s out ] || fail "the document is where the module would be"
sed -n '/^{/,/^}/p' err | jq -e '.status == 1' >/dev/null || { cat err; fail "no document on standard error"; }
expect_status 1 sh -c '"$KLP" build --json --kernel nowhere -o edit.ko edit.patch >/dev/full'
expect_in 'results could not be written to standard output' err
expect_in "'nowhere'" err

# A patch that does not apply.
sed -i '4,$s/^ .*/ nothing of the kind/' edit.patch
built 1 '[.findings[].id] == ["build.patch"] and .kernel != null and .name == "livepatch_edit"' "${stock[@]}"

# What the compiler does not take.
edit fs/proc/meminfo.c 's/^static int meminfo_proc_show/&;&/;s/si_meminfo(&i);/undeclared = 1;/'
built 1 '.error.file == "fs/proc/meminfo.c" and (.error.message | test("undeclared"))' "${stock[@]}"

# Refused by the comparison, which is as far as it came: the other file's function is there, and nothing is proven.
edit init/main.c 's/^\tpr_notice("Kernel command line: .*/&\n\tpr_notice("again\\n");/'
add_change edit.patch fs/proc/meminfo.c 's/"MemTotal: /"MemTotal! /'
built 2 'any(.findings[]; .id == "diff.init-code") and [.objects[].functions[] | {name, sympos, fidelity}] ==
    [{name: "meminfo_proc_show", sympos: null, fidelity: null}] and .proven == null and (.units | length) == 2' "${stock[@]}"

# Findings have the source line that they are about: of a function that is declared there, of an instruction in code that
# the patch has made longer, of a function of the original that came from the cache.
edit fs/eventfd.c 's/^\tctx->count = count;/&\n\n\tif (count == 4242)\n\t\tschedule_work(\&late_work);/
s/^struct eventfd_ctx {/static void late(struct work_struct *work) {}\nstatic DECLARE_WORK(late_work, late);\n&/
s/^#include <linux\/file.h>/&\n#include <linux\/workqueue.h>/'
add_change edit.patch fs/pipe.c '/^static inline bool pipe_readable/,/^}/s/^{/{\n\tif (pipe->readers == 4242)\n\t\treturn false;\n/'
built 0 'all(.findings[]; has("line")) and
    ([.findings[] | select(.id == "diff.outlives") | .line.file] | unique) == ["fs/eventfd.c"] and
    ([.findings[] | select(.id == "diff.never-ends") | .line.file] | unique) == ["fs/pipe.c"]' "${stock[@]}"
source=$(path_of source)
declared=$(grep -n '^pipe_read(struct kiocb' "$source/fs/pipe.c" | cut -d : -f 1)
jq -e --argjson line "$declared" 'any(.findings[]; .id == "diff.never-ends" and .line.line == $line)' out >/dev/null ||
    { jq .findings out; fail "pipe_read() is declared in line $declared"; }
asked=$(grep -n 'ctx->count = count;' "$source/fs/eventfd.c" | cut -d : -f 1)
jq -e --argjson line "$asked" 'any(.findings[]; .id == "diff.outlives" and .line.line > $line and .line.line < $line + 8)' out >/dev/null ||
    { jq .findings out; fail "schedule_work() is called behind line $asked"; }
cp out without
expect_status 0 "$KLP" build --json --explain --kernel "$KLPKIT_TEST_KERNEL" -o edit.ko edit.patch
jq -S '[.findings[] | {id, line}]' out >lines
jq -S '[.findings[] | {id, line}]' without | diff - lines || fail "other lines than with --explain"

# No code changes.
edit fs/proc/meminfo.c '1s/$/ \/* more *\//'
built 3 '.units == [{source: "fs/proc/meminfo.c", objects: ["vmlinux"], reached_by: [], changed: false}] and .module == null' "${stock[@]}"
