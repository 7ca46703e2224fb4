# SPDX-License-Identifier: GPL-2.0-or-later
# What is kept in the cache and was damaged, or was made by something else, is made again: the module is the same.
. "$(dirname "$0")/../lib.sh"

own_catalogue
# Unpacked by klp: the catalogue's other parts are the test kernel's own.
"$KLP" kernel info "$KLPKIT_TEST_KERNEL" --json >info.json
expect_status 0 "$KLP" kernel remove "$KLPKIT_TEST_KERNEL"
expect_status 0 "$KLP" kernel add "$KLPKIT_TEST_KERNEL" --source "$(jq -r .paths.source info.json)" \
    --image "$(jq -r .paths.image info.json)" --config "$(jq -r .paths.config info.json)" \
    --symvers "$(jq -r .paths.symvers info.json)" --modules "$(jq -r .paths.modules info.json)"
build() { expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o "$1" "$KLPKIT_ROOT/examples/meminfo.patch"; }
# A header is asked for in another file than the .c files are.
header=fs/proc/fd.h
{
    printf -- '--- a/%s\n+++ b/%s\n@@ -1,1 +1,1 @@\n' $header $header
    sed -n '1{s/^/-/p;s/^-/+/;s/$/ \/* here *\//p}' "$(jq -r .paths.source info.json)/$header"
} >header.patch
use() {
    build "$1.ko"
    expect_status 3 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o none.ko header.patch
    cp "$1.ko" module.ko
    expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" module.ko
    expect_status 0 "$KLP" simulate --kernel "$KLPKIT_TEST_KERNEL" module.ko
    cp out "$1.simulated"
}
use first

# damaged HOW: each file that klp derived, one after another.
damage() {
    local file=$2 size
    size=$(stat -c %s "$file")
    case $1 in
        empty) : >"$file" ;;
        cut) truncate -s $((size / 2)) "$file" ;;
        flipped) # one bit, and the old time
            touch -r "$file" time
            printf '%b' "\\x$(printf %x $((0x$(xxd -s $((size / 3)) -l 1 -p "$file") ^ 1)))" |
                dd of="$file" bs=1 seek=$((size / 3)) conv=notrunc status=none
            touch -r time "$file" ;;
        tail) # within what a program would read of it last
            [ "$size" -lt 2 ] || printf '\xff' | dd of="$file" bs=1 seek=$((size - 2)) conv=notrunc status=none ;;
        other) printf 'klp derived 1 x %064d\n\n{}\n' 0 >"$file" ;;
        folder) rm "$file" && mkdir "$file" ;;
    esac
}
derived() { find cache -type f ! -name kernel.json ! -name '.*.lock' ! -name '.lock' | sort; }
[ "$(derived | wc -l)" -ge 7 ] || { derived; fail "few files are kept"; }
for how in empty cut flipped tail other; do
    for file in $(derived); do damage $how "$file"; done
    use "$how"
    cmp first.ko "$how.ko" && cmp first.simulated "$how.simulated" || fail "another result with caches damaged: $how"
    # They are whole again: nothing is made anew once more.
    derived | xargs sha256sum >sums
    build again.ko
    sha256sum --quiet -c sums || fail "made again without need, after: $how"
done
derived >files
while read -r file; do
    damage flipped "$file"
    use one
    cmp first.ko one.ko && cmp first.simulated one.simulated || fail "another result with $file damaged"
done <files
vmlinux=$(find cache -name vmlinux)
damage folder "$(find cache -name 'kbuild-environment-*' | head -n 1)"
build folder.ko
cmp first.ko folder.ko || fail "another result with a folder in a file's place"

# An image that is damaged as well: nothing can be made of it.
cp "$(jq -r .paths.image info.json)" image
jq --arg image "$PWD/image" '.paths.image = $image | del(.checksum)' "cache/kernels/$KLPKIT_TEST_KERNEL/kernel.json" >kernel.json
cp kernel.json "cache/kernels/$KLPKIT_TEST_KERNEL/kernel.json"
build image.ko
cmp first.ko image.ko || fail "another result with the image at another place"
truncate -s 3000000 image
damage cut "$vmlinux"
expect_status 1 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o none.ko "$KLPKIT_ROOT/examples/meminfo.patch"
expect_in "klp: error: $PWD/image" err
expect_no_file none.ko
