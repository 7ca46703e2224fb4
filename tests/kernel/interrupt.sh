# SPDX-License-Identifier: GPL-2.0-or-later
# Ctrl-C at any stage: a prompt end, one line, nothing left behind, and the catalogue as it was.
. "$(dirname "$0")/../lib.sh"

build_example meminfo
own_catalogue
"$KLP" kernel list >kernels
export TMPDIR=$PWD/tmp
mkdir tmp

# Programs that klp started: they have this TMPDIR. grep and the shell itself have it, too.
started() {
    grep -lzx "TMPDIR=$TMPDIR" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3 | xargs -r ps -o comm= -p |
        grep -vxE 'bash|grep|cut|xargs|ps' || true
}

# interrupted SECONDS ARGUMENT...: klp gets SIGINT after that time. It may have ended already, but not otherwise than
# with success; then nothing is to be seen here.
interrupted() {
    local after=$1 status=0
    shift
    rm -f output.ko
    # A shell lets its background jobs ignore SIGINT; env does not.
    env --default-signal=INT "$KLP" "$@" >out 2>err </dev/null &
    local klp=$!
    sleep "$after"
    local sent=$EPOCHREALTIME
    kill -INT $klp 2>/dev/null || true
    wait $klp || status=$?
    local waited=$(( (${EPOCHREALTIME/./} - ${sent/./}) / 1000 ))
    [ $waited -lt 1500 ] || fail "'$*' went on for $waited ms"
    [ $status -eq 0 ] && return
    count=$((count + 1))
    [ $status -eq 1 ] || { cat err; fail "'$*' ended with $status"; }
    [ "$(grep -c 'klp: error: interrupted' err)" -eq 1 ] && [ "$(grep -c '^klp: error:' err)" -eq 1 ] || { cat err; fail "'$*'"; }
    expect_no_file output.ko
    [ -z "$(ls -A tmp)" ] || fail "'$*' left in TMPDIR: $(ls -A tmp)"
    [ -z "$(find cache -name '*.tmp' -o -name 'new.*')" ] || fail "left: $(find cache -name '*.tmp' -o -name 'new.*')"
    "$KLP" kernel list | cmp - kernels || fail "'$*' changed the catalogue"
    local left
    left=$(started)
    [ -z "$left" ] || fail "'$*' left running: $left"
}

count=0
for after in 0.02 0.2 0.5 0.9 1.3; do
    rm -rf "cache/kernels/$KLPKIT_TEST_KERNEL/cache"
    interrupted $after build --kernel "$KLPKIT_TEST_KERNEL" -o output.ko "$KLPKIT_ROOT/examples/two-objects.patch"
done
[ $count -ge 2 ] || fail "only $count builds were interrupted"
count=0
for after in 0.1 1 3; do
    interrupted $after run --kernel "$KLPKIT_TEST_KERNEL" meminfo.ko -- "sleep 5"
done
[ $count -eq 3 ] || fail "only $count guests were interrupted"

# In an empty catalogue: fetching what is not there. It downloads first, then unpacks.
export KLPKIT_CACHE=$PWD/empty
mkdir empty
"$KLP" kernel list >kernels
for after in 0.3 3; do
    interrupted $after kernel fetch "$KLPKIT_TEST_KERNEL"
    expect_no_file "empty/kernels/$KLPKIT_TEST_KERNEL"
done
