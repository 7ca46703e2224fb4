# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel added by its parts is as good as a fetched one; parts that are not its own are refused.
. "$(dirname "$0")/../lib.sh"

for part in source image config symvers modules vmlinux; do
    declare "$part=$(path_of $part)"
done
build_example two-objects
mv two-objects.ko fetched.ko
own_catalogue
release=$("$KLP" kernel info "$KLPKIT_TEST_KERNEL" --json | jq -r .release)

# add NAME [OPTION VALUE]...: the true parts, of which those given are replaced.
add() {
    local name=$1
    shift
    local -A parts=([--source]=$source [--image]=$image [--config]=$config [--symvers]=$symvers [--modules]=$modules)
    while [ $# -gt 0 ]; do
        parts[$1]=$2
        shift 2
    done
    local arguments=()
    for option in "${!parts[@]}"; do arguments+=("$option" "${parts[$option]}"); done
    "$KLP" kernel add "$name" "${arguments[@]}"
}

# refused TEXT NAME [OPTION VALUE]...: one error that has TEXT, and the catalogue stays as it is.
refused() {
    local text=$1
    shift
    expect_status 1 add "$@"
    [ "$(grep -c '^klp: error:' err)" -eq 1 ] || { cat err; fail "not one error: $*"; }
    expect_in "$text" err
    [ "$(ls cache/kernels)" = "$kernels" ] || fail "'$*' left $(ls cache/kernels)"
}

expect_status 0 add mine
expect_status 0 "$KLP" build --kernel mine --json -o mine.ko "$KLPKIT_ROOT/examples/two-objects.patch"
jq -e '[.objects[].functions[].fidelity] | length == 2 and all(. == "identical")' out >/dev/null || fail "$(cat out)"
cmp fetched.ko mine.ko || fail "the added kernel gives another module"
kernels=$(ls cache/kernels)

refused "there is a kernel 'mine' already" mine
refused "'a/b' cannot name a kernel" a/b
refused "'..' cannot name a kernel" ..
sed 's/^CONFIG_LIVEPATCH=y/# CONFIG_LIVEPATCH is not set/' "$config" >config
refused "CONFIG_LIVEPATCH is not set" new --config config
sed 's/^CONFIG_PREEMPT_DYNAMIC=y//' "$config" >config
refused "CONFIG_PREEMPT_DYNAMIC" new --config config
refused "no such file (expected the kernel's Module.symvers)" new --symvers nowhere
refused "not a prepared kernel source tree" new --source "$KLPKIT_ROOT"
refused "no such folder (expected the kernel's modules)" new --modules nowhere

# Images that are none, or not whole, or another kernel's.
head -c 100000 /dev/urandom >random
echo "a text" >text
: >empty
for length in 100 600 20000 1000000 $(($(stat -c %s "$image") * 9 / 10)); do
    head -c "$length" "$image" >"truncated-$length"
done
head -c 30000000 "$vmlinux" >truncated-vmlinux
sed "s/${release//./\\.}/${release%??}zz/g" "$vmlinux" >other-release
head -c 64 "$vmlinux" | sed 's/\x3e\x00\x01\x00\x00\x00/\xb7\x00\x01\x00\x00\x00/' >other-machine
tail -c +65 "$vmlinux" >>other-machine
for file in random text empty truncated-* /bin/true; do refused "${file##*/}:" new --image "$file"; done
refused "of another kernel: the image is of release ${release%??}zz, this is of $release" new --image other-release
refused "other-machine: " new --image other-machine

# A source tree that is not quite what was compiled. All of it links to the real one but the folder fs/proc.
mkdir -p altered/fs/proc
ln -s "$source"/* "$source"/.[a-z]* altered/ 2>/dev/null || true
ln -s "$source"/fs/* altered/fs/ 2>/dev/null || true
ln -s "$source"/fs/proc/* altered/fs/proc/ 2>/dev/null || true
rm altered/fs/proc/meminfo.c
altered() {
    sed "$2" "$source/fs/proc/meminfo.c" >altered/fs/proc/meminfo.c
    expect_status 2 "$KLP" build --kernel altered -o altered.ko "$KLPKIT_ROOT/examples/meminfo.patch"
    expect_in "resolve.fidelity" err
    expect_in "meminfo_proc_show" err
    expect_in "$1" err
    expect_no_file altered.ko
}
expect_status 0 add altered --source "$PWD/altered"
altered '"MemGone:' 's/"MemFree:/"MemGone:/'
altered 'shipped' 's/si_swapinfo(&i);//'
