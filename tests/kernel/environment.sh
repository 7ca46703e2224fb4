# SPDX-License-Identifier: GPL-2.0-or-later
# A machine that lacks something: one error that says what, status 1, nothing left behind.
. "$(dirname "$0")/../lib.sh"

patch=$KLPKIT_ROOT/examples/meminfo.patch
build_example meminfo
own_catalogue
mkdir -p tools tmp full other/kernels
touch began
export TMPDIR=$PWD/tmp

# New files, but for what is kept of compilations.
left_behind() {
    find tmp full {cache,other}/kernels -type f -newer began ! -name '.*.lock' \( ! -path '*/cache/*' -o -name '*.tmp' \)
}

# lacking TEXT ARGUMENT...: klp ends with 1 and one error that has TEXT, and makes nothing.
lacking() {
    local text=$1
    shift
    expect_status 1 "$@"
    [ "$(grep -c '^klp: error:' err)" -eq 1 ] || { cat err; fail "not one error of '$*'"; }
    expect_in "$text" err
    [ ! -s out ] || fail "output of '$*': $(cat out)"
    expect_no_file output.ko
    [ -z "$(left_behind)" ] || fail "'$*' left: $(left_behind)"
}
build() { "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o "$1" "$patch"; }

# A compiler of another version, under every name that the kernel's can have.
printf '#!/bin/sh\ncase $1 in -dumpmachine) echo x86_64-linux-gnu;; *) echo "gcc-12 (Debian 12.9.9-1) 12.9.9";; esac\n' >tools/gcc
chmod +x tools/gcc
for name in gcc-12 x86_64-linux-gnu-gcc x86_64-linux-gnu-gcc-12; do cp tools/gcc tools/$name; done
PATH=$PWD/tools:$PATH lacking "12.9.9" build output.ko
expect_in "hint: other compilers give other code" err
rm tools/*

# A PATH with everything but QEMU.
for folder in ${PATH//:/ }; do ln -s "$folder"/* tools/ 2>/dev/null || true; done
rm -f tools/qemu-system-*
PATH=$PWD/tools lacking "'qemu-system-x86_64' is not installed" "$KLP" run --kernel "$KLPKIT_TEST_KERNEL" meminfo.ko
rm -f tools/busybox
PATH=$PWD/tools lacking "static busybox" "$KLP" run --kernel "$KLPKIT_TEST_KERNEL" meminfo.ko
KLPKIT_BUSYBOX=/nonexistent lacking "/nonexistent" "$KLP" run --kernel "$KLPKIT_TEST_KERNEL" meminfo.ko
KLPKIT_BUSYBOX=$(command -v jq) lacking "dynamically linked" "$KLP" run --kernel "$KLPKIT_TEST_KERNEL" meminfo.ko

# No network: a kernel that is there is found, any other leaves nothing. A proxy that nobody listens at, for apt.
printf 'Acquire::http::Proxy "http://127.0.0.1:9";\nAcquire::https::Proxy "http://127.0.0.1:9";\nAcquire::Retries "0";\n' >apt.conf
export APT_CONFIG=$PWD/apt.conf
expect_status 0 "$KLP" kernel fetch "$KLPKIT_TEST_KERNEL"
lacking "package lists cannot be updated" "$KLP" kernel fetch 6.1.0-9999-amd64
expect_no_file cache/kernels/6.1.0-9999-amd64
KLPKIT_CACHE=$PWD/other lacking "error:" "$KLP" kernel fetch "$KLPKIT_TEST_KERNEL"
expect_no_file "other/kernels/$KLPKIT_TEST_KERNEL"
unset APT_CONFIG

# No space. The first place that is too small is the scratch folder's, then the output's; the cache's is no reason to fail.
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=64k none full 2>/dev/null; then
    trap 'umount "$scratch"/full; rm -rf "$scratch"' EXIT
    TMPDIR=$PWD/full lacking "o space left on device" build output.ko
    head -c 60k /dev/zero >full/much
    lacking_output() { expect_status 1 build full/output.ko; expect_in "o space left on device" err; }
    lacking_output
    expect_in "full/output.ko" err
    [ "$(ls -A full)" = much ] || fail "left: $(ls -A full)"
    rm full/much
    KLPKIT_CACHE=$PWD/full lacking "no space" "$KLP" kernel fetch "$KLPKIT_TEST_KERNEL"
fi
lacking "expected the name of a file" build tmp
lacking "there is no folder 'nowhere'" build nowhere/output.ko
