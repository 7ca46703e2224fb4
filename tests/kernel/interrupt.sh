# SPDX-License-Identifier: GPL-2.0-or-later
# Ctrl-C and SIGTERM at any stage: an end within a second, one line, nothing left behind, and the catalogue as it was.
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

# in_time MILLISECONDS ARGUMENT...: klp gets a signal after that time, SIGINT and SIGTERM in turn. It may have ended
# already, with its $usual status; then nothing is to be seen here. False: it went on for a second.
signal=TERM
in_time() {
    local after=$1 status=0
    shift
    rm -rf output dump
    [ $signal = INT ] && signal=TERM || signal=INT
    # A shell lets its background jobs ignore SIGINT; env does not.
    env --default-signal=INT "$KLP" "$@" >out 2>err </dev/null &
    local klp=$!
    sleep "$((after / 1000)).$(printf %03d $((after % 1000)))"
    local sent=$EPOCHREALTIME
    kill -$signal $klp 2>/dev/null || true
    wait $klp || status=$?
    waited=$(( (${EPOCHREALTIME/./} - ${sent/./}) / 1000 ))
    if grep -q 'klp: error: interrupted' err; then
        count=$((count + 1))
        [ $status -eq 1 ] && [ "$(grep -c '^klp: error:' err)" -eq 1 ] || { cat err; fail "'$*' ended with $status"; }
        expect_no_file output
        expect_no_file dump
    elif [ $status -gt 128 ] && [ ! -s out ] && [ ! -s err ] && [ "$after" -lt 50 ]; then
        :  # the signal came before main()
    else
        [ $status -eq "$usual" ] || { cat err; fail "'$*' ended with $status"; }
        [ "$1 $2" != "kernel add" ] || "$KLP" kernel remove "$3"
    fi
    [ -z "$(ls -A tmp)" ] || fail "'$*' left in TMPDIR: $(ls -A tmp)"
    [ -z "$(find . -name '*klpkit-*')" ] || fail "left: $(find . -name '*klpkit-*')"
    "$KLP" kernel list | cmp - kernels || fail "'$*' changed the catalogue"
    local left
    left=$(started)
    [ -z "$left" ] || fail "'$*' left running: $left"
    [ $waited -lt 1000 ]
}

# interrupted MILLISECONDS ARGUMENT...: up to three times, since the machine may have had other things to do.
interrupted() {
    for _ in 1 2 3; do
        $before
        in_time "$@" && return
    done
    fail "'${*:2}' went on for $waited ms after $1 ms"
}

# at_moments NUMBER STATUS ARGUMENT...: spread over the time that the command takes; over half of it, and so on, where the
# first time was the slowest, so that all the others had ended by then.
at_moments() {
    local moments=$1 began=$EPOCHREALTIME
    usual=$2
    shift 2
    $before
    expect_status "$usual" "$KLP" "$@"
    local whole=$(( (${EPOCHREALTIME/./} - ${began/./}) / 1000 ))
    [ "$1 $2" != "kernel add" ] || "$KLP" kernel remove "$3"
    count=0
    for ((; whole > 10 && count == 0; whole /= 2)); do
        for ((i = 0; i < moments; ++i)); do interrupted $(( whole * (2 * i + 1) / (2 * moments) )) "$@"; done
    done
    [ $count -gt 0 ] || fail "'$*' was never interrupted"
    local what=$*
    echo "$count of $moments interrupted: ${what:0:100}"
}

kernel=$KLPKIT_TEST_KERNEL
before=:
forget() { rm -rf "cache/kernels/$kernel/cache"; }

# A header that several units include, many functions in one object, many hunks.
source=$(path_of source)
add_change header.patch fs/proc/fd.h '1i int interrupted_declaration(void);'
for side in original patched; do
    awk -v side=$side 'BEGIN { for (i = 0; i < 20000; ++i) {
        printf ".section .text.f%d,\"ax\"\n.type f%d,@function\nf%d: call __fentry__\n", i, i, i
        printf "mov $%d,%%eax\ncall f%d\nret\n.size f%d,.-f%d\n", side == "patched" && i % 2, i * 7 % 20000, i, i
        printf ".section __mcount_loc,\"a\"\n.quad f%d\n", i } }' | as -o $side.o -
done
{ printf -- '--- a/fs/proc/meminfo.c\n+++ b/fs/proc/meminfo.c\n'
  seq 1 3 900000 | sed 's/.*/@@ -&,1 +&,1 @@\n-x\n+y/'; } >hunks.patch

before=forget
at_moments 2 0 build --kernel "$kernel" -o output "$KLPKIT_ROOT/examples/two-objects.patch"
before=:
at_moments 2 3 build --kernel "$kernel" -o output header.patch
at_moments 3 1 build --kernel "$kernel" -o output hunks.patch
at_moments 2 0 diff original.o patched.o -o output
at_moments 2 0 symbols-db --kernel "$kernel" -o output
at_moments 2 0 kernel symbols "$kernel" --json
at_moments 2 0 check --kernel "$kernel" meminfo.ko
# Over and over: once takes a moment too short to be met.
events=()
for ((i = 0; i < 200; ++i)); do events+=(--event disable --event unload:livepatch_meminfo --event load:meminfo.ko); done
at_moments 2 0 simulate --kernel "$kernel" meminfo.ko "${events[@]}" --dump dump
at_moments 2 0 convert --kernel "$kernel" meminfo.ko -o output
at_moments 3 0 kernel add other --source "$source" --image "$(path_of image)" --config "$(path_of config)" \
    --symvers "$(path_of symvers)" --modules "$(path_of modules)"
usual=0
count=0
for after in 100 1000 3000; do interrupted $after run --kernel "$kernel" meminfo.ko -- "sleep 5"; done
[ $count -eq 3 ] || fail "only $count guests were interrupted"

# In an empty catalogue: fetching what is not there. It downloads first, then unpacks.
export KLPKIT_CACHE=$PWD/empty
mkdir empty
"$KLP" kernel list >kernels
for after in 300 3000; do
    interrupted $after kernel fetch "$KLPKIT_TEST_KERNEL"
    expect_no_file "empty/kernels/$KLPKIT_TEST_KERNEL"
done
