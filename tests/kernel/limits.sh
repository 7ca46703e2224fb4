# SPDX-License-Identifier: GPL-2.0-or-later
# Too little memory, and files that may not grow: the same result as ever or status 1 with a message, no half file,
# nothing left in TMPDIR.
. "$(dirname "$0")/../lib.sh"

own_catalogue
patch=$KLPKIT_ROOT/examples/meminfo.patch
expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --name limited -o limited.ko "$patch"
cp limited.ko input.ko
"$KLP" kernel list >kernels
export TMPDIR=$PWD/tmp
mkdir tmp

# limited LIMIT ARGUMENT...: LIMIT as ulimit takes it. Counts what ended with an error in $refused.
limited() {
    local limit=$1 status=0
    shift
    rm -rf output dump
    # Messages go through a pipe: ./err is a file, too.
    # shellcheck disable=SC2086
    (ulimit $limit && exec "$KLP" "$@") 2>&1 >/dev/null </dev/null | cat >err || status=${PIPESTATUS[0]}
    [ -z "$(ls -A tmp)" ] || fail "'$*' within $limit left in TMPDIR: $(ls -A tmp)"
    [ -z "$(find . -name '*klpkit-*')" ] || fail "'$*' within $limit left: $(find . -name '*klpkit-*')"
    "$KLP" kernel list | cmp - kernels || fail "'$*' within $limit changed the catalogue"
    [ $status -eq 0 ] && return
    [ $status -eq 1 ] && grep -q '^klp: error: ' err || { cat err; fail "'$*' within $limit ended with $status"; }
    expect_no_file output
    expect_no_file dump
    refused=$((refused + 1))
}
expect_refused() { [ $refused -gt 0 ] || fail "no limit was too small for '$1'"; }

kernel=$KLPKIT_TEST_KERNEL
[ -n "${KLPKIT_SANITIZED:-}" ] || for command in "build --kernel $kernel --name limited -o output $patch" "check --kernel $kernel input.ko" \
    "simulate --kernel $kernel input.ko --dump dump" "convert --kernel $kernel input.ko -o output" \
    "symbols-db --kernel $kernel -o output" "kernel symbols $kernel" "run --kernel $kernel input.ko"; do
    refused=0
    for kilobytes in 30000 60000 100000 160000 250000; do
        # shellcheck disable=SC2086
        limited "-v $kilobytes" $command
    done
    expect_refused "$command"
done

# In blocks of 1024 bytes. Objects that are kept from before are made again.
for command in "build --kernel $kernel --name limited -o output $patch" "convert --kernel $kernel input.ko -o output" \
    "simulate --kernel $kernel input.ko --dump dump" "symbols-db --kernel $kernel -o output"; do
    refused=0
    for blocks in 0 1 16 200 1000; do
        rm -rf "cache/kernels/$kernel/cache/objects"
        # shellcheck disable=SC2086
        limited "-f $blocks" $command
        case $command in build*) [ ! -e output ] || cmp output limited.ko ;; esac
    done
    expect_refused "$command"
done
for blocks in 0 1000 20000; do
    refused=0
    limited "-f $blocks" kernel add other --source "$(path_of source)" --image "$(path_of image)" --config "$(path_of config)" \
        --symvers "$(path_of symvers)" --modules "$(path_of modules)"
    expect_refused "kernel add"
done
expect_status 0 "$KLP" build --kernel "$kernel" --name limited -o again.ko "$patch"
cmp again.ko limited.ko
