# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels out of the package files of each distribution's layout: a small kernel, packed as theirs are.
. "$(dirname "$0")/../small-kernel.sh"

command -v rpmbuild >/dev/null || skip "no rpmbuild"
use_small_kernel x86_64
built=$(path_of source)
release=$("$KLP" kernel info "$KLPKIT_TEST_KERNEL" --json | jq -r .release)
series=${release%.*}
clean=$(find "${built%/*}" -maxdepth 1 -name "source-linux-source-$series-*" | sort -V | tail -n 1)
[ -n "$clean" ] || fail "the small kernel's source is gone"
export KLPKIT_CACHE=$PWD/cache
mkdir parts debs

# What distributions ship of a build: the image, its modules, generated files, and the programs that made them.
made=$PWD/parts
modules=$(find "$built/klpkit-modules" -path "*/modules/$release" -type d)
ln -s "$built/arch/x86/boot/bzImage" "$made/vmlinuz"
mkdir -p "$made/headers/arch/x86/include" "$made/headers/include" "$made/programs/tools/objtool"
cp "$built/.config" "$built/Module.symvers" "$made/headers/"
cp -a "$built/include/config" "$built/include/generated" "$made/headers/include/"
cp -a "$built/arch/x86/include/generated" "$made/headers/arch/x86/include/"
cp -a "$built/scripts" "$made/programs/"
find "$made/programs" \( -name '*.o' -o -name '.*.cmd' \) -delete
cp "$built/tools/objtool/objtool" "$made/programs/tools/objtool/"

# The parts of the source that the patch of this test needs.
folders=(arch/x86 fs/proc include init scripts tools/objtool tools/include)
files=(Makefile Kbuild Kconfig arch/Kconfig fs/Makefile)
copy_source() { (cd "$clean" && cp -a --parents "${folders[@]}" "${files[@]}" "$1"); }
mkdir "linux-source-$series"
copy_source "$PWD/linux-source-$series"
tar -I 'gzip -1' -cf source.tar.gz "linux-source-$series"

# deb NAME ARCH VERSION FOLDER [FIELD]...: debs/NAME.deb of what is in the folder.
deb() {
    local name=$1 arch=$2 version=$3 folder=$4 field
    shift 4
    mkdir -p "$folder/DEBIAN"
    printf '%s\n' "Package: $name" "Version: $version" "Architecture: $arch" "Description: a kernel's" >"$folder/DEBIAN/control"
    for field in "${maintainer:-Maintainer: Debian Kernel Team <debian-kernel@lists.debian.org>}" "$@"; do
        echo "$field" >>"$folder/DEBIAN/control"
    done
    dpkg-deb --root-owner-group -Z"${compression:-gzip}" -z1 -b "$folder" "debs/$name.deb" >/dev/null
    rm -rf "$folder"
}

# imported NAME: what came of it builds what the kernel itself does, all of it proven.
imported() {
    expect_status 0 "$KLP" kernel info "$1" --json
    jq -e --arg release "$release" '.release == $release and .arch == "x86_64"' out >/dev/null || fail "$(cat out)"
    expect_status 0 "$KLP" build --kernel "$1" --json -o "$1.ko" "$KLPKIT_ROOT/examples/meminfo.patch"
    jq -e '[.objects[].functions[].fidelity] | length == 1 and all(. == "identical")' out >/dev/null || fail "$(cat out)"
    expect_status 0 "$KLP" inspect "$1.ko"
    expect_in meminfo_proc_show out
}

# Debian: programs in a package of their own, to which the headers have links.
mkdir -p image/boot "image/lib/modules/$release"
cp -L "$made/vmlinuz" "image/boot/vmlinuz-$release"
grep -v SYSTEM_TRUSTED_KEYS "$built/.config" >"image/boot/config-$release"
cp -a "$modules/kernel" "image/lib/modules/$release/"
ln -s "/usr/src/linux-headers-$release" "image/lib/modules/$release/build"
deb "linux-image-$release" amd64 1.2+3 image "Source: linux-signed-amd64 (1.2+3)" "Built-Using: linux (= $release-1)"
mkdir -p headers/usr/src kbuild/usr/lib source/usr/src
cp -a "$made/headers" "headers/usr/src/linux-headers-$release"
for part in scripts tools; do
    ln -s "../../lib/linux-kbuild-$series/$part" "headers/usr/src/linux-headers-$release/$part"
done
deb "linux-headers-$release" amd64 "$release-1" headers
cp -a "$made/programs" "kbuild/usr/lib/linux-kbuild-$series"
deb "linux-kbuild-$series" amd64 "$release-1+b1" kbuild
ln source.tar.gz "source/usr/src/linux-source-$series.tar.gz"
deb "linux-source-$series" all "$release-1" source
mkdir -p "common/usr/src/linux-headers-$release-common/include"
deb "linux-headers-$release-common" all "$release-1" common

expect_status 0 "$KLP" kernel import debs/*.deb
[ "$(cat out)" = "$release" ] || fail "$(cat out)"
expect_in "nothing of linux-headers-$release-common" err
imported "$release"
