# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel whose toolchain has another version of the compiler than made it, because the archive has dropped that one: the
# proof decides, and says whose code it has compared.
. "$(dirname "$0")/../lib.sh"

unshare -m true 2>/dev/null || skip "no mount namespaces here"
bwrap --ro-bind / / true 2>/dev/null || skip "bubblewrap does not work here"
own_catalogue
# The machine itself is the toolchain's root; of the kernel's config another compiler is told.
manifest=$KLPKIT_CACHE/kernels/$KLPKIT_TEST_KERNEL/kernel.json
config=$(path_of config)
compiler=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\).*/\1/p' "$config")
sed 's/^\(CONFIG_CC_VERSION_TEXT="[^ ]* (Debian [0-9.]*-\)[^)]*)/\1999)/' "$config" >config
! cmp -s config "$config" || fail "the config names the same compiler"
jq --arg config "$PWD/config" 'del(.checksum) | .toolchain = "mine" | .paths.config = $config' "$manifest" >changed
mv changed "$manifest"
expect_status 1 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o none.ko "$KLPKIT_ROOT/examples/meminfo.patch"
expect_in "toolchain 'mine', which kernel '$KLPKIT_TEST_KERNEL' is built for with, is not there" err

# What it makes is what was shipped: proven.
expect_status 0 "$KLP" toolchain add mine /
build_example meminfo

# It makes other code: refused, with both versions.
real=$(readlink -f "$(command -v "$compiler")")
cp "$real" real-compiler
printf '#!/bin/sh\nexec /usr/bin/real-compiler "$@" -fno-inline -O1\n' >wrapper
chmod +x wrapper
cat >with-wrapper <<END
set -e
mkdir -p root upper work
mount -t tmpfs tmpfs upper
mkdir upper/changed upper/work
mkdir -p upper/changed/usr/bin
cp real-compiler upper/changed/usr/bin/
cp wrapper "upper/changed$real"
mount -t overlay overlay -o lowerdir=/,upperdir=upper/changed,workdir=upper/work root
"$KLP" toolchain add mine root
"$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o none.ko "$KLPKIT_ROOT/examples/meminfo.patch"
END
expect_status 0 "$KLP" toolchain remove mine
expect_status 2 unshare -m bash with-wrapper
expect_in "[resolve.fidelity]" err
expect_in "the kernel was compiled by '$compiler (Debian" err
expect_in "', and this by $compiler (Debian" err
expect_no_file none.ko
