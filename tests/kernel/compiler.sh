# SPDX-License-Identifier: GPL-2.0-or-later
# A compiler of the right version that makes other code is another compiler, also where the originals are in the cache.
. "$(dirname "$0")/../lib.sh"

own_catalogue
build() {
    local output=$1
    shift
    env "$@" "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o "$output" "$KLPKIT_ROOT/examples/meminfo.patch"
}
expect_status 0 build first.ko
expect_status 0 build again.ko
compiler=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\).*/\1/p' "$(path_of config)")
real=$(readlink -f "$(command -v "$compiler")")

# refused_with FOLDER WHAT: nothing is kept of what these programs make.
refused_with() {
    expect_status 2 build other.ko "PATH=$PWD/$1:$PATH"
    expect_in "differs" err
    expect_no_file other.ko
    expect_status 0 build back.ko
    cmp first.ko back.ko || fail "another module after $2"
}
mkdir wrapper options assembler
printf '#!/bin/sh\nexec %s "$@" -fno-inline -O1\n' "$real" >"wrapper/$compiler"
chmod +x "wrapper/$compiler"
refused_with wrapper "a wrapper that adds options"
expect_status 2 build other.ko "PATH=$PWD/wrapper:$PATH"

# The wrapper's text stays the same; its options are elsewhere.
printf '#!/bin/sh\nexec %s "$@" $(cat %s/options/more)\n' "$real" "$PWD" >"options/$compiler"
chmod +x "options/$compiler"
: >options/more
expect_status 0 build plain.ko "PATH=$PWD/options:$PATH"
cmp first.ko plain.ko || fail "another module with a wrapper that adds nothing"
echo "-fno-inline -O1" >options/more
refused_with options "options of a wrapper"

# An assembler that pads with other instructions.
printf '#!/bin/sh\nexec /usr/bin/as "$@" -mtune=i386\n' >assembler/as
chmod +x assembler/as
objects() { find "cache/kernels/$KLPKIT_TEST_KERNEL/cache/objects" -type f | wc -l; }
before=$(objects)
build assembled.ko "PATH=$PWD/assembler:$PATH" >out 2>err || [ $? -eq 2 ] || fail "$(cat err)"
[ "$(objects)" -gt "$before" ] || fail "an object of another assembler was taken from the cache"

# The compiler itself, which the driver starts: here the same bytes, changed and back.
expect_status 0 build same.ko
cmp first.ko same.ko || fail "another module in the end"
