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
echo CONFIG_MODULE_SIG_ALL=y >>"headers/usr/src/linux-headers-$release/.config"
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

# Fedora and RHEL: all in lib/modules, modules compressed; the source is a tarball in which two lines are others, and
# the patches that make them right. A third patch is empty, and one is of another architecture.
# rpms SPEC: builds the packages; what is to be in one is in the folder of its name in ./stage.
rpms() {
    expect_status 0 rpmbuild --quiet --define "_topdir $PWD/rpm" --define "stage $PWD/stage" \
        --define "debug_package %{nil}" --define "__os_install_post %{nil}" --define "_build_id_links none" \
        --define "_binary_payload ${payload:-w1.gzdio}" --define "_source_payload w1.gzdio" "$@"
}
package_text() { printf '%%package %s\nSummary: a part\nAutoReqProv: no\n%%description %s\nA part.\n' "$*" "$*"; }
vra=1.fc40.x86_64
mkdir -p "stage/core/lib/modules/$release" "stage/modules-core/lib/modules/$release" \
    "stage/modules/lib/modules/$release/kernel" "stage/devel/usr/src/kernels" rpm/SOURCES
cp -L "$made/vmlinuz" "stage/core/lib/modules/$release/vmlinuz"
cp "$built/.config" "stage/core/lib/modules/$release/config"
xz -0 <"$built/Module.symvers" >"stage/core/lib/modules/$release/symvers.xz"
cp -a "$modules/kernel" "stage/modules-core/lib/modules/$release/"
find "stage/modules-core" -name '*.ko' -exec xz -0 {} +
find "stage/modules-core" -name 'livepatch-shadow-*' -exec mv -t "stage/modules/lib/modules/$release/kernel" {} +
cp -a "$made/headers" "stage/devel/usr/src/kernels/$release-$vra"
cp -a "$made/programs/." "stage/devel/usr/src/kernels/$release-$vra/"
rm "stage/devel/usr/src/kernels/$release-$vra/Module.symvers"
ln -s "/usr/src/kernels/$release-$vra" "stage/core/lib/modules/$release/build"
cat >kernel.spec <<END
%global upstream $release
%define nopatches 0
Summary: a kernel
Name: kernel
Version: $release
Release: 1.fc40
License: GPL-2.0-only
Source0: https://kernel.example/pub/linux-%{upstream}.tar.gz
Source1: Makefile.rhelver
%if !%{nopatches}
Patch1: patch-%{upstream}-redhat.patch
%endif
Patch2: second.patch
Patch3: other-machine.patch
Patch999999: linux-kernel-test.patch
%description
A kernel.
$(for part in core modules modules-core devel; do package_text "$part"; done)
%prep
patch_command='patch -p1 -F1 -s'
ApplyPatch()
{
  local patch=\$1
  shift
  \$patch_command \${1+"\$@"} < "%{_sourcedir}/\$patch"
}
ApplyOptionalPatch()
{
  if [ "\$(wc -l <"%{_sourcedir}/\$1")" -gt 9 ]; then
    ApplyPatch "\$@"
  fi
}
%setup -q -n kernel-%{upstream} -c
mv linux-%{upstream} linux-%{version}-%{release}
cd linux-%{version}-%{release}
cp -a %{SOURCE1} .
%if !%{nopatches}
ApplyOptionalPatch patch-%{upstream}-redhat.patch
%endif
%if 0%{?fedora} > 38 || 0%{?rhel}
ApplyPatch second.patch
%endif
%ifarch s390x
ApplyPatch other-machine.patch
%endif
ApplyOptionalPatch linux-kernel-test.patch
%install
cp -a %{stage}/*/. %{buildroot}/
%files core
$(cd stage/core && find . -not -type d | sed 's/^\.//')
%files modules
/lib/modules/$release/kernel/livepatch-shadow-*
%files modules-core
/lib/modules/$release/kernel/samples
%files devel
/usr/src/kernels
%changelog
END
# restoring FILE SED-SCRIPT: the patch that takes back what the script makes of the file in the tarball.
restoring() {
    sed "$2" "$clean/$1" >edited
    ! diff -u --label "a/$1" --label "b/$1" edited "$clean/$1" || fail "the sed script changes nothing in $1"
    sed -i "$2" "linux-$release/$1"
}
mv "linux-source-$series" "linux-$release"
restoring fs/proc/meminfo.c 's/MemFree:/MemGone:/' >"rpm/SOURCES/patch-$release-redhat.patch"
restoring fs/proc/meminfo.c 's/si_swapinfo(&i);//' >rpm/SOURCES/second.patch
restoring fs/proc/version.c 's/seq_printf/none/' >rpm/SOURCES/other-machine.patch
: >rpm/SOURCES/linux-kernel-test.patch
echo 'RHEL_MAJOR = 9' >rpm/SOURCES/Makefile.rhelver
tar -I 'gzip -1' -cf "rpm/SOURCES/linux-$release.tar.gz" "linux-$release"
mkdir -p "rpm/BUILD/kernel-$release"
payload=w1.xzdio rpms -bb --noprep kernel.spec
rpms -bs kernel.spec
rm -rf "linux-$release" stage rpm/BUILD*
expect_status 0 "$KLP" kernel import --name fedora rpm/RPMS/x86_64/*.rpm rpm/SRPMS/*.rpm
imported fedora
expect_in none cache/kernels/fedora/source/fs/proc/version.c
expect_in 'RHEL_MAJOR = 9' cache/kernels/fedora/source/Makefile.rhelver
for module in samples/livepatch/livepatch-sample livepatch-shadow-mod; do
    [ -e "cache/kernels/fedora/modules/kernel/$module.ko.xz" ] || fail "no $module"
done

# A patch that does not apply, and one whose form is not known: nothing stays of the kernel.
left() { find cache/kernels -mindepth 1 -maxdepth 1 -not -name '.*.lock' | sort; }
kernels=$(left)
restored() { [ "$(left)" = "$kernels" ] || fail "left in the catalogue: $(left)"; }
sed -i 's/^-[^-].*/-none/' rpm/SOURCES/second.patch
rpms -bs kernel.spec
expect_status 1 "$KLP" kernel import --name new rpm/RPMS/x86_64/*.rpm rpm/SRPMS/*.rpm
expect_in "its patch second.patch does not apply" err
restored
sed 's/^ApplyPatch second.patch/for i in %{patches}; do patch -p1 <$i; done; git am $i/' kernel.spec >other.spec
rpms -bs other.spec
expect_status 1 "$KLP" kernel import --name new rpm/RPMS/x86_64/*.rpm rpm/SRPMS/*.rpm
expect_in "how it patches the source is not understood" err
expect_in "rpmbuild -bp" err
restored

# The same with the unpacked source of another maker's, in place of the source package. It is copied.
mkdir given
copy_source "$PWD/given"
expect_status 0 "$KLP" kernel import --name given rpm/RPMS/x86_64/*.rpm --source given
cmp "$clean/fs/proc/version.c" cache/kernels/given/source/fs/proc/version.c || fail "the given source is not taken"
expect_no_file given/include/generated
sed -i 's/^PATCHLEVEL = .*/PATCHLEVEL = 99/' given/Makefile
expect_status 1 "$KLP" kernel import --name new rpm/RPMS/x86_64/*.rpm --source given
expect_in "given has the source of another kernel: of 6.99, expected $release" err

# prepared NAME: it has the files that the kernel was built from, and the same generated ones.
prepared() {
    local folder=cache/kernels/$1 file
    for file in fs/proc/version.c include/linux/sched.h arch/x86/Makefile; do
        cmp "$clean/$file" "$folder/source/$file" || fail "the source has another $file"
    done
    for file in include/generated/autoconf.h .config Module.symvers tools/objtool/objtool scripts/mod/modpost; do
        cmp "$built/$file" "$folder/source/$file" || fail "the source has another $file"
    done
    cmp "$made/vmlinuz" "$folder/vmlinuz" || fail "another image"
    [ "$(find "$folder/modules" -name '*.ko*' | wc -l)" -eq "$(find "$modules" -name '*.ko' | wc -l)" ] ||
        fail "modules are missing: $(find "$folder/modules")"
}

# SUSE: what was generated is in a folder of its own, and two packages have the source.
tree=usr/src/linux-$release-1
mkdir -p "stage/default/usr/lib/modules/$release" stage/default/boot "stage/devel/$tree-obj/x86_64" \
    "stage/headers/$tree" "stage/source/$tree"
cp -L "$made/vmlinuz" "stage/default/usr/lib/modules/$release/vmlinuz"
ln -s "../usr/lib/modules/$release/vmlinuz" "stage/default/boot/vmlinuz-$release"
cp "$built/.config" "stage/default/usr/lib/modules/$release/config"
cp -a "$modules/kernel" "stage/default/usr/lib/modules/$release/"
find stage/default -name '*.ko' -exec zstd -q -1 --rm {} +
cp -a "$made/headers" "stage/devel/$tree-obj/x86_64/default"
cp -a "$made/programs/." "stage/devel/$tree-obj/x86_64/default/"
mv given/* "stage/headers/$tree/"
cp "$clean/Makefile" "stage/headers/$tree/"
(cd "stage/headers" && find . -name '*.c' -exec cp -a --parents -t ../source {} + -exec rm {} +)
cat >kernel-default.spec <<END
Name: kernel-default
Summary: a kernel
Version: $release
Release: 1
License: GPL-2.0-only
Vendor: SUSE LLC
AutoReqProv: no
%description
A kernel.
$(package_text devel)
%install
cp -a %{stage}/default/. %{stage}/devel/. %{buildroot}/
%files
/boot
/usr/lib/modules
%files devel
/usr/src
END
cat >kernel-source.spec <<END
Name: kernel-source
Summary: a kernel's
Version: $release
Release: 1
License: GPL-2.0-only
BuildArch: noarch
AutoReqProv: no
%description
A kernel's.
$(package_text -n kernel-devel)
%install
cp -a %{stage}/headers/. %{stage}/source/. %{buildroot}/
%files
$(cd stage/source && find . -type f | sed 's/^\.//')
%files -n kernel-devel
$(cd stage/headers && find . -not -type d | sed 's/^\.//')
END
rm -rf rpm
rpms -bb kernel-default.spec
rpms -bb kernel-source.spec
rm -rf stage
expect_status 0 "$KLP" kernel import --name suse rpm/RPMS/*/*.rpm
prepared suse

# Ubuntu: the image alone, its modules with the config, programs among the headers, the tarball in a folder.
maintainer="Maintainer: Ubuntu Kernel Team <kernel-team@lists.ubuntu.com>"
compression=zstd
rm -f debs/*
mkdir -p image/boot modules/boot "modules/lib/modules/$release" "extra/lib/modules/$release/kernel" \
    headers/usr/src "source/usr/src/linux-source-$release"
cp -L "$made/vmlinuz" "image/boot/vmlinuz-$release"
cp "$built/.config" "modules/boot/config-$release"
cp -a "$modules/kernel" "modules/lib/modules/$release/"
find modules -name 'livepatch-shadow-*' -exec mv -t "extra/lib/modules/$release/kernel" {} +
cp -a "$made/headers" "headers/usr/src/linux-headers-$release"
cp -a "$made/programs/." "headers/usr/src/linux-headers-$release/"
ln -s "../linux-headers-$series/Documentation" "headers/usr/src/linux-headers-$release/Documentation"
ln source.tar.gz "source/usr/src/linux-source-$release/linux-source-$release.tar.gz"
ln -s "linux-source-$release/linux-source-$release.tar.gz" "source/usr/src/linux-source-$release.tar.gz"
deb "linux-image-unsigned-$release" amd64 "$release-4.4" image
deb "linux-modules-$release" amd64 "$release-4.4" modules
deb "linux-modules-extra-$release" amd64 "$release-4.4" extra
deb "linux-headers-$release" amd64 "$release-4.4" headers
deb "linux-source-$release" all "$release-4.4" source
expect_status 0 "$KLP" kernel import --name ubuntu debs/*.deb
prepared ubuntu

# Debian's of 6.19 and later, where image and modules are packages of their own; made by a compiler that nobody here has.
maintainer="Maintainer: Debian Kernel Team <debian-kernel@lists.debian.org>"
compression=gzip
rm -f debs/*
other='gcc-12 (Debian 12.2.0-999) 12.2.0'
tell_other() { sed -i "s/^CONFIG_CC_VERSION_TEXT=.*/CONFIG_CC_VERSION_TEXT=\"$other\"/" "$1"; }
mkdir -p image "binary/boot" "modules/usr/lib/modules/$release" headers/usr/src source/usr/src
deb "linux-image-$release" amd64 "$release-1" image "Depends: linux-binary-$release, linux-modules-$release"
cp -L "$made/vmlinuz" "binary/boot/vmlinuz-$release"
deb "linux-binary-$release" amd64 "$release-1" binary
cp "$built/.config" "modules/usr/lib/modules/$release/config"
tell_other "modules/usr/lib/modules/$release/config"
cp -a "$modules/kernel" "modules/usr/lib/modules/$release/"
deb "linux-modules-$release" amd64 "$release-1" modules
cp -a "$made/headers" "headers/usr/src/linux-headers-$release"
cp -a "$made/programs/." "headers/usr/src/linux-headers-$release/"
tell_other "headers/usr/src/linux-headers-$release/.config"
deb "linux-headers-$release" amd64 "$release-1" headers
ln source.tar.gz "source/usr/src/linux-source-$series.tar.gz"
deb "linux-source-$series" all "$release-1" source
expect_status 0 "$KLP" kernel import --name split debs/*.deb
expect_in "warning: no patch can be built yet: the kernel was compiled by '$other', but here is: gcc-12" err
expect_in "klp toolchain add NAME FOLDER" err
expect_status 0 "$KLP" kernel info split --json
jq -e --arg compiler "$other" '.compiler == $compiler' out >/dev/null || fail "$(cat out)"
cmp "$made/vmlinuz" cache/kernels/split/vmlinuz || fail "another image"
[ "$(find cache/kernels/split/modules -name '*.ko*' | wc -l)" -eq "$(find "$modules" -name '*.ko' | wc -l)" ] || fail "modules are missing"
expect_status 1 "$KLP" build --kernel split -o none.ko "$KLPKIT_ROOT/examples/meminfo.patch"
expect_in "the kernel was compiled by '$other', but here is" err
expect_no_file none.ko
