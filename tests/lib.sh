# SPDX-License-Identifier: GPL-2.0-or-later
# For the shell tests. $KLP is the program, $KLPKIT_ROOT the repository, $KLPKIT_TEST_KERNEL a catalogue kernel.
# Each test gets a scratch folder, which is its current folder.
#
# The catalogue: who names a kernel in $KLPKIT_TEST_KERNEL lets the tests of tests/kernel and tests/guest use the cache
# that has it, $KLPKIT_CACHE or else the user's own. All other tests get an empty one.
set -euo pipefail

: "${KLP:?the program under test}" "${KLPKIT_ROOT:?the repository}"
case $0 in cli/* | */cli/*) unset KLPKIT_TEST_KERNEL ;; esac
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
if [ -z "${KLPKIT_TEST_KERNEL:-}" ]; then
    export KLPKIT_CACHE=$scratch/no-cache
fi
# What a sanitizer reports is none of the statuses that klp ends with.
export ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=exitcode=99:print_stacktrace=1

# Whether $KLP was built with the address sanitizer, which needs terabytes of address space and much memory of its own.
is_sanitized() { grep -q __asan_init "$KLP"; }

fail() { echo "FAIL: $*"; exit 1; }
skip() { echo "$*"; exit 77; }

# expect_status STATUS COMMAND...: output in ./out and ./err.
expect_status() {
    local wanted=$1 status=0
    shift
    "$@" >out 2>err </dev/null || status=$?
    [ "$status" -eq "$wanted" ] || { cat out err; fail "'$*' ended with $status, expected $wanted"; }
    record_findings
}

# record_findings: the ids of findings in ./out and ./err, for scripts/check-findings.
record_findings() {
    [ -z "${KLPKIT_FINDINGS:-}" ] && return
    { sed -n 's/^\(klp:\|  \).*\[\([a-z]*\.[a-z-]*\)\]$/\2/p' err
      sed -n 's/^ *"id": "\([a-z]*\.[a-z-]*\)".*/\1/p' out; } >>"$KLPKIT_FINDINGS"
}

# ... | found GREP-ARGUMENTS: as grep -q, but it reads all. A program whose reader has gone fails, and with it the line.
found() { grep "$@" >/dev/null; }

# A text is looked for in a file that is there.
expect_in() {
    [ -n "$1" ] || fail "no text to look for in $2"
    grep -qF -- "$1" "$2" || { cat "$2"; fail "'$1' is not in $2"; }
}
expect_not_in() {
    [ -n "$1" ] && [ -r "$2" ] || fail "cannot look for '$1' in $2"
    ! grep -qF -- "$1" "$2" || { cat "$2"; fail "'$1' is in $2"; }
}
expect_no_file() { [ ! -e "$1" ] && [ ! -L "$1" ] || fail "$1 exists"; }

# build_example NAME: makes NAME.ko from examples/NAME.patch, or from the kernel's variant of it; every patched function must be
# proven.
build_example() {
    local patch=$KLPKIT_ROOT/examples/$1.patch
    ! compgen -G "$KLPKIT_ROOT/examples/$1.*.patch" >/dev/null || patch=$("$KLPKIT_ROOT/scripts/example" "$1" "$KLPKIT_TEST_KERNEL")
    expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o "$1.ko" "$patch"
    cp out "$1.json"
    jq -e '[.objects[].functions[] | select(.new | not)] | length > 0 and all(.fidelity == "identical")' "$1.json" >/dev/null ||
        { cat "$1.json"; fail "a patched function is not proven"; }
}

# build_kernel_modules FOLDER [VARIABLE=VALUE]...: makes the modules of a folder of the kernel's source in a copy, ./FOLDER.
build_kernel_modules() {
    local folder=$1 source
    source=$(path_of source)
    shift
    mkdir -p "$(dirname "$folder")"
    cp -r "$source/$folder" "$folder"
    expect_status 0 make -s -C "$source" "M=$PWD/$folder" "$@" modules
}

# convert_livepatches FOLDER: passes the livepatches among its modules through convert, each to its own name.
convert_livepatches() {
    local module
    for module in "$1"/*.ko; do
        [ "$(PATH=$PATH:/usr/sbin:/sbin modinfo -F livepatch "$module")" = Y ] || continue
        expect_status 0 "$KLP" convert --kernel "$KLPKIT_TEST_KERNEL" -o "$module.converted" "$module"
        mv "$module.converted" "$module"
    done
}

# run_guest ARGUMENT...: klp run --json; the three outputs in ./before, ./after and ./reverted.
run_guest() {
    expect_status 0 "$KLP" run --kernel "$KLPKIT_TEST_KERNEL" --json "$@"
    cp out run.json
    for phase in before after reverted; do
        jq -j ".$phase.stdout" run.json >"$phase"
    done
}

# path_of PART: of the test kernel, by the name that `klp kernel info` gives it.
path_of() { "$KLP" kernel info "$KLPKIT_TEST_KERNEL" --json | jq -r ".paths.$1"; }

# add_change PATCH FILE SED-SCRIPT: to PATCH, what the script makes of FILE of the test kernel's source.
add_change() {
    local before
    before=$(path_of source)/$2
    sed "$3" "$before" >edited
    ! diff -u --label "a/$2" --label "b/$2" "$before" edited >>"$1" || fail "the sed script changes nothing in $2"
    rm edited
}

# own_catalogue: from here on a catalogue in ./cache, with the test kernel alone and nothing compiled yet.
own_catalogue() {
    set -- "$(path_of source)" "$(path_of image)" "$(path_of config)" "$(path_of symvers)" "$(path_of modules)" "$(path_of vmlinux)"
    export KLPKIT_CACHE=$PWD/cache
    expect_status 0 "$KLP" kernel add "$KLPKIT_TEST_KERNEL" --source "$1" --image "$2" --config "$3" --symvers "$4" \
        --modules "$5" --vmlinux "$6"
}
