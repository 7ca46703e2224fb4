# SPDX-License-Identifier: GPL-2.0-or-later
# Package files that klp kernel import cannot use: each gets one message, and nothing stays in the catalogue.
. "$(dirname "$0")/../lib.sh"

mkdir -p no-cache/kernels debs

# deb NAME ARCH VERSION FOLDER [FIELD]...: debs/NAME.deb of what is in the folder.
deb() {
    local name=$1 arch=$2 version=$3 folder=$4
    shift 4
    mkdir -p "$folder/DEBIAN"
    printf '%s\n' "Package: $name" "Version: $version" "Architecture: $arch" "Description: a part" \
        "${maintainer:-Maintainer: Somebody <a@b.example>}" "$@" >"$folder/DEBIAN/control"
    dpkg-deb --root-owner-group -Z"${compression:-gzip}" -b "$folder" "debs/$name.deb" >/dev/null
    rm -rf "$folder"
}

# left: what is in the catalogue but for the files that are locked.
left() { find no-cache/kernels -mindepth 1 -maxdepth 1 -not -name '.*.lock' -printf '%f '; }

# refused TEXT ARGUMENT...: one error that has the text.
refused() {
    local text=$1
    shift
    expect_status 1 "$KLP" kernel import "$@"
    [ "$(grep -c '^klp: error:' err)" -eq 1 ] || { cat err; fail "not one error: $*"; }
    expect_in "$text" err
    [ -z "$(left)" ] || fail "'$*' left $(left)"
}

# image RELEASE, modules RELEASE, headers RELEASE, source: folders with such parts; the image is none, but that is not
# looked at before the parts are complete.
image() { mkdir -p part/boot; echo image >"part/boot/vmlinuz-$1"; }
modules() { mkdir -p "part/lib/modules/$1/kernel"; echo module >"part/lib/modules/$1/kernel/a.ko"; }
headers() {
    local folder=part/${2:-usr/src/linux-headers-$1}
    mkdir -p "$folder/include/generated"
    echo "#define UTS_RELEASE \"$1\"" >"$folder/include/generated/utsrelease.h"
    echo CONFIG_LIVEPATCH=y >"$folder/.config"
    echo >"$folder/Module.symvers"
}
programs() { mkdir -p "part/$1/scripts/mod"; echo program >"part/$1/scripts/mod/modpost"; }
source_tarball() {
    mkdir -p part/usr/src tree/init
    touch tree/Makefile
    tar -czf "part/usr/src/linux-source-6.8.tar.gz" tree
}

# Files that are no packages, or not there.
echo text >text
: >empty
printf '!<arch>\n' >magic
refused "text: neither a .deb nor an .rpm package" text
refused "empty: neither a .deb nor an .rpm package" empty
refused "magic: the package is cut short, or no .deb: it has no control.tar" magic
refused "nowhere: " nowhere
refused "debs: " debs
expect_status 64 "$KLP" kernel import
expect_status 64 "$KLP" kernel import --name '' text
refused "'a/b' cannot name a kernel" --name a/b text
refused "no such folder (expected the kernel's source tree)" --source nowhere text
ar rc other.deb text
refused "other.deb: the package is cut short, or no .deb" other.deb

# Debian's and Ubuntu's packages, incomplete.
image 6.8.0-40-generic && deb image amd64 6.8.0-40.40 part
modules 6.8.0-40-generic && deb modules amd64 6.8.0-40.40 part
headers 6.8.0-40-generic && deb headers amd64 6.8.0-40.40 part
headers 6.8.0-40-generic && programs usr/src/linux-headers-6.8.0-40-generic && deb full-headers amd64 6.8.0-40.40 part
source_tarball && deb source all 6.8.0-40.40 part
mkdir part && deb nothing all 1 part
refused "none of the packages has any part of a kernel" debs/nothing.deb
refused "which kernel the packages are of cannot be told from source_6.8.0-40.40_all alone" debs/source.deb
refused "no modules: it is in linux-image-6.8.0-40-generic; no config, no Module.symvers, no generated headers: they are in linux-headers-6.8.0-40-generic; no source: it is in linux-source-6.8" debs/image.deb
expect_in "--source DIR" err
refused "no programs of the build (modpost, objtool): it is in linux-kbuild-6.8" debs/{image,modules,headers,source}.deb
refused "no image, no modules: they are in linux-image-6.8.0-40-generic" debs/{full-headers,source}.deb
# From 6.19 on, image and modules are packages of their own, and the config is with the modules.
split=7.3.4+deb13-amd64
mkdir -p part/usr/lib/modules/$split part/boot && echo image >"part/boot/vmlinuz-$split" && deb linux-binary-$split amd64 7.3.4-1 part
mkdir -p part/usr/lib/modules/$split/kernel && echo module >part/usr/lib/modules/$split/kernel/a.ko &&
    echo CONFIG_LIVEPATCH=y >part/usr/lib/modules/$split/config && deb linux-modules-$split amd64 7.3.4-1 part
headers $split && programs usr/src/linux-headers-$split && deb linux-headers-$split amd64 7.3.4-1 part
mkdir part && deb linux-image-$split amd64 7.3.4-1 part "Depends: linux-binary-$split, linux-modules-$split"
mkdir -p part/usr/src tree && touch tree/Makefile && tar -czf part/usr/src/linux-source-7.3.tar.gz tree &&
    deb linux-source-7.3 all 7.3.4-1 part
mapfile -t parts < <(printf "%s\n" debs/linux-{image,binary,modules,headers}-"$split".deb debs/linux-source-7.3.deb)
without() { local each; for each in "${parts[@]}"; do case $each in *$1*) ;; *) echo "$each" ;; esac; done; }
mapfile -t some < <(without binary)
refused "packages are missing: no image: it is in linux-binary-$split" "${some[@]}"
mapfile -t some < <(without modules)
refused "packages are missing: no modules: it is in linux-modules-$split" "${some[@]}"
mapfile -t some < <(without source)
refused "packages are missing: no source: it is in linux-source-7.3" "${some[@]}"
refused "vmlinuz: " "${parts[@]}"
sed 's/7\.3\.4-1/7.3.5-1/' <(dpkg-deb -f debs/linux-modules-$split.deb) >control
mkdir -p part/DEBIAN && dpkg-deb -x debs/linux-modules-$split.deb part && cp control part/DEBIAN/control &&
    dpkg-deb --root-owner-group -Zgzip -b part debs/other-modules.deb >/dev/null && rm -rf part
refused "packages do not belong together: linux-binary-${split}_7.3.4-1_amd64 is built from 7.3.4-1, linux-modules-${split}_7.3.5-1_amd64 is of 7.3.5-1" \
    debs/linux-{image,binary,headers}-$split.deb debs/other-modules.deb debs/linux-source-7.3.deb
maintainer="Maintainer: Ubuntu Kernel Team <a@b.example>"
image 6.8.0-40-generic && deb image amd64 6.8.0-40.40 part
refused "no modules: it is in linux-modules-6.8.0-40-generic; no source: it is in linux-source-6.8.0" debs/{image,full-headers}.deb
refused "no programs of the build (modpost, objtool): it is in linux-headers-6.8.0-40-generic" debs/{image,modules,headers,source}.deb

# A flavour whose source has patches that linux-source has not.
headers 6.8.0-40-rt && programs usr/src/linux-headers-6.8.0-40-rt && deb rt-headers amd64 6.8.0-40.40 part \
    "Depends: linux-headers-6.8.0-40-common-rt (= 1)"
image 6.8.0-40-rt && deb rt-image amd64 6.8.0-40.40 part
modules 6.8.0-40-rt && deb rt-modules amd64 6.8.0-40.40 part
refused "rt-headers_6.8.0-40.40_amd64 is for a kernel of featureset 'rt', whose patches no package has" debs/{rt-headers,rt-image,rt-modules,source}.deb
expect_in "klp kernel fetch 6.8.0-40-rt: it takes them from the source package" err
mkdir -p given
refused "given has no kernel source: " --source given debs/{rt-headers,rt-image,rt-modules}.deb

# Packages of several kernels.
image 6.8.0-41-generic && deb later-image amd64 6.8.0-40.40 part
image 6.8.0-40-generic && deb arm-image arm64 6.8.0-40.40 part
image 6.8.0-40-generic && deb other-image amd64 6.8.0-41.41 part
image 6.8.0-40-generic && deb signed-image amd64 3 part "Built-Using: gcc (= 1), linux (= 6.8.0-40.40)"
image 6.8.0-40-generic && image 6.8.0-41-generic && deb two-images amd64 6.8.0-40.40 part
refused "packages do not belong together: later-image_6.8.0-40.40_amd64 is of release 6.8.0-41-generic, modules_6.8.0-40.40_amd64 is of release 6.8.0-40-generic" debs/{modules,later-image}.deb
refused "packages do not belong together: arm-image_6.8.0-40.40_arm64 is for arm64, modules_6.8.0-40.40_amd64 is for amd64" debs/{arm-image,modules}.deb
refused "packages do not belong together: other-image_6.8.0-41.41_amd64 is built from 6.8.0-41.41, source_6.8.0-40.40_all is of 6.8.0-40.40" debs/{other-image,source}.deb
refused "two-images_6.8.0-40.40_amd64 has kernels of several releases: 6.8.0-40-generic, 6.8.0-41-generic" debs/two-images.deb
refused "no source" debs/{signed-image,modules,full-headers}.deb
# Complete: the image is none, and the source not what it should be.
refused "vmlinuz: " debs/{signed-image,modules,full-headers,source}.deb
refused "vmlinuz: " --name mine debs/{signed-image,modules,full-headers,source,source}.deb

image 6.8.0-40-generic && echo CONFIG_LIVEPATCH=m >part/boot/config-6.8.0-40-generic && deb other-config amd64 6.8.0-40.40 part
refused "the config in other-config_6.8.0-40.40_amd64 is not that of the headers: CONFIG_LIVEPATCH: 'm', 'y'" \
    debs/{other-config,modules,full-headers,source}.deb

# A package cut anywhere, and with bytes that are others.
size=$(stat -c %s debs/full-headers.deb)
for length in 4 8 40 68 $((size / 4)) $((size / 2)) $((size - 100)) $((size - 2)); do
    head -c "$length" debs/full-headers.deb >short
    refused "short:" short
done
sed 's/`$/x/' debs/full-headers.deb >changed
refused "changed:+0x" changed
for compression in xz zstd; do
    image 6.8.0-40-generic
    head -c 200000 /dev/urandom >part/boot/config-6.8.0-40-generic
    deb large amd64 1 part
    { head -c 100000 debs/large.deb; head -c 1000 /dev/zero; tail -c +101001 debs/large.deb; } >"damaged-$compression"
    refused "damaged-$compression: the archive in it is cut short or damaged" "damaged-$compression"
done
compression=gzip

# Checksums are looked at, in the middle and at the end, whatever follows the last file. The content cannot be compressed: a changed
# byte of it is another byte, and nothing that a decoder would stumble over.
cat >content.py <<'END'
import gzip, io, lzma, os, subprocess, sys, tarfile, zlib

def tar_of(files):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode='w') as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()

def deb(name, control, data, compression):
    for member, content in (('debian-binary', b'2.0\n'), (f'control.tar{compression}', control), (f'data.tar{compression}', data)):
        open(member, 'wb').write(content)
    subprocess.run(['ar', 'rc', name, 'debian-binary', f'control.tar{compression}', f'data.tar{compression}'], check=True)

def stored(content):  # a gzip member without compression: each byte is itself
    packer = zlib.compressobj(0, zlib.DEFLATED, 31)
    return packer.compress(content) + packer.flush()

def zstd(content): return subprocess.run(['zstd', '-q', '-c', '--no-compress-literals', '--check'], input=content, stdout=subprocess.PIPE, check=True).stdout
def xz(content):  # chunks without compression, as liblzma makes of what cannot be compressed
    return lzma.compress(content, check=lzma.CHECK_CRC64)

def changed(data, at): return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]

marker = os.urandom(100000)
control = tar_of({'control': b'Package: content\nVersion: 1\nArchitecture: amd64\nDescription: ' + marker.hex().encode()[:2000] + b'\n'})
data = tar_of({'boot/vmlinuz-6.8.0': marker})
two = stored(data[:5000]) + stored(data[5000:])
for name, compression, pack in (('gzip', '.gz', stored), ('xz', '.xz', xz), ('zstd', '.zst', zstd)):
    packed, packed_control = pack(data), pack(control)
    deb(f'{name}.deb', packed_control, packed, compression)
    at = packed.index(marker[50000:50032])
    deb(f'{name}-middle.deb', packed_control, changed(packed, at), compression)
    # The checksum of all is behind the last entry; of .xz the index is, too.
    deb(f'{name}-end.deb', packed_control, changed(packed, len(packed) - (6 if name == 'gzip' else 2)), compression)
    deb(f'{name}-cut.deb', packed_control, packed[:-3], compression)
    deb(f'{name}-control.deb', changed(packed_control, len(packed_control) - (6 if name == 'gzip' else 2)), packed, compression)
    deb(f'{name}-more.deb', packed_control, packed + b'more', compression)
deb('gzip-tail.deb', stored(control), gzip.compress(data) + gzip.compress(bytes(20 << 20)), '.gz')
deb('gzip-two.deb', stored(control), two, '.gz')
deb('gzip-two-changed.deb', stored(control), changed(two, 3000), '.gz')
deb('gzip-length.deb', stored(control), changed(stored(data), len(stored(data)) - 3), '.gz')
END
python3 content.py
for name in gzip xz zstd gzip-two; do refused "no modules" $name.deb; done
for name in {gzip,xz,zstd}-{middle,end,cut,control} gzip-more gzip-two-changed gzip-length; do
    refused "$name.deb: the archive in it is cut short or damaged: " $name.deb
done

refused "gzip-tail.deb: the archive in it is cut short or damaged: more than 16.8 MB behind its end" gzip-tail.deb

# Packages that would like to write elsewhere.
cat >hostile.py <<'END'
import io, os, sys, tarfile, subprocess
outside = os.path.abspath('outside')

def entry(name, kind=tarfile.REGTYPE, target='', content=b'text'):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    if kind == tarfile.REGTYPE:
        info.size = len(content)
    return info, content

release = 'lib/modules/6.8.0/'
cases = {
    'parent': [entry('./boot/../../../outside/file')],
    'parent-link': [entry('boot/vmlinuz-1', tarfile.LNKTYPE, '../../../outside/there')],
    'link-inside': [entry('boot/vmlinuz-1', tarfile.LNKTYPE, 'boot/none')],
    'absolute-link': [entry('boot/vmlinuz-1', tarfile.LNKTYPE, outside + '/there')],
    'device': [entry('boot/vmlinuz-1', tarfile.CHRTYPE)],
    'pipe': [entry('boot/vmlinuz-1', tarfile.FIFOTYPE)],
    'through-link': [entry('usr/src', tarfile.SYMTYPE, outside), entry('usr/src/file')],
    'through-relative': [entry('usr/src', tarfile.SYMTYPE, '../' * 12 + outside[1:]), entry('usr/src/file')],
    'link-over-link': [entry('usr/src/a', tarfile.SYMTYPE, outside), entry('usr/src/a/b', tarfile.SYMTYPE, 'x'),
                       entry('usr/src/a/file')],
    'absolute': [entry(outside + '/file')],
    'file-and-folder': [entry('boot/a'), entry('boot/a/b')],
    'image-link': [entry('boot/vmlinuz-1', tarfile.SYMTYPE, '/etc/passwd'), entry(release + 'kernel/a.ko')],
    'huge-name': [entry('boot/' + 'x' * 5000)],
    'no-name': [entry('/')],
    'bomb': [],
    'size-negative': [],
    'size-larger': [],
    'size-endless': [],
    'link-to-itself': [entry('boot/vmlinuz-1', tarfile.LNKTYPE, 'boot/vmlinuz-1')],
    'link-over-file': [entry('boot/vmlinuz-1'), entry('boot/vmlinuz-2', tarfile.LNKTYPE, 'boot/vmlinuz-1'),
                       entry('boot/vmlinuz-1', tarfile.SYMTYPE, outside + '/there'), entry('boot/vmlinuz-2')],
    'link-to-folder': [entry('boot/folder', tarfile.DIRTYPE), entry('boot/vmlinuz-1', tarfile.LNKTYPE, 'boot/folder')],
    'round-links': [entry('usr/src/a', tarfile.SYMTYPE, 'b'), entry('usr/src/b', tarfile.SYMTYPE, 'a')],
    'source-link': [entry('usr/src/linux-source-1.tar', tarfile.SYMTYPE, outside + '/there')],
}
for name, entries in cases.items():
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode='w', format=tarfile.GNU_FORMAT) as archive:
        for info, content in entries:
            if info.name.startswith('/') and name != 'no-name':
                info.name = '/' + info.name.lstrip('/')
            archive.addfile(info, io.BytesIO(content))
    if name == 'bomb':  # it only says so
        info = tarfile.TarInfo('boot/vmlinuz-1')
        info.size = 5 << 30
        data = io.BytesIO(info.tobuf(tarfile.GNU_FORMAT))
    if name.startswith('size-'):  # a number that is none, or that the archive has not
        info = bytearray(tarfile.TarInfo('boot/vmlinuz-1').tobuf(tarfile.GNU_FORMAT))
        info[124:136] = {'negative': b'\xff' * 12, 'larger': b'00000070000\0', 'endless': b'\x80' + b'\xff' * 11}[name[5:]]
        info[148:156] = b' ' * 8
        info[148:156] = b'%06o\0 ' % sum(info)
        data = io.BytesIO(bytes(info) + b'x' * 1024)
    control = io.BytesIO()
    with tarfile.open(fileobj=control, mode='w') as archive:
        info, content = entry('control', content=b'Package: %s\nVersion: 1\nArchitecture: amd64\n' % name.encode())
        archive.addfile(info, io.BytesIO(content))
    for member, content in (('debian-binary', b'2.0\n'), ('control.tar', control.getvalue()), ('data.tar', data.getvalue())):
        open(member, 'wb').write(content)
    subprocess.run(['ar', 'rc', f'{name}.deb', 'debian-binary', 'control.tar', 'data.tar'], check=True)
END
mkdir outside
echo there >outside/there
rm -f ./*.deb
python3 hostile.py
refused "'./boot/../../../outside/file' in it lies outside of it" parent.deb
refused "'../../../outside/there' in it lies outside of it" parent-link.deb
refused "'boot/vmlinuz-1' in it is neither a file, a folder nor a link" device.deb
refused "is neither a file, a folder nor a link" pipe.deb
refused "'boot/vmlinuz-1' in it is a link to 'boot/none', which it has not" link-inside.deb
for name in absolute-link through-link through-relative link-over-link absolute source-link; do
    refused "none of the packages has any part of a kernel" "$name.deb"
done
refused "'boot/a/b' in it cannot be unpacked" file-and-folder.deb
refused "an entry has no name" no-name.deb
refused "'boot/vmlinuz-1' in it is a link to 'boot/vmlinuz-1', which it has not" link-to-itself.deb
refused "'boot/vmlinuz-1' in it is a link to 'boot/folder', which it has not" link-to-folder.deb
refused ": " link-over-file.deb
refused "none of the packages has any part of a kernel" round-links.deb
for size in negative larger endless; do refused "size-$size.deb: " size-$size.deb; done
refused "bomb.deb: it has more than 4.0 GB of files" bomb.deb
refused "no image" image-link.deb
refused ": " huge-name.deb
[ "$(ls outside)" = there ] && [ "$(cat outside/there)" = there ] || fail "written outside: $(ls outside)"

# rpm packages: Fedora's, SUSE's, and one of another source package.
command -v rpmbuild >/dev/null || skip "no rpmbuild"
# rpm NAME RELEASE [PART]...: rpms/NAME… of what is in ./part, all of it in each of them.
rpm_of() {
    local name=$1 version=$2 part
    shift 2
    mkdir -p part rpms
    {
        printf '%s\n' "Name: $name" "Summary: a part" "Version: 6.8.5" "Release: $version" "License: GPL-2.0-only" \
            "AutoReqProv: no" "${vendor:-Vendor: Somebody}" "${noarch:-}" "%description" "A part."
        for part in "$@"; do printf '%s\n' "%package $part" "Summary: a part" "%description $part" "A part."; done
        printf '%s\n' "%install" "cp -a $PWD/part/. %{buildroot}/"
        if [ $# -eq 0 ]; then printf '%%files\n/*\n'; fi
        for part in "$@"; do printf '%%files %s\n/*\n' "$part"; done
    } >part.spec
    expect_status 0 rpmbuild --quiet -ba --define "_topdir $PWD/rpm" --define "_rpmdir $PWD/rpms" \
        --define "_srcrpmdir $PWD/rpms" --define "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.rpm" \
        --define "debug_package %{nil}" --define "__os_install_post %{nil}" --target x86_64 part.spec
    rm -rf part
}
release=6.8.5-301.fc40.x86_64
mkdir -p "part/lib/modules/$release"
echo image >"part/lib/modules/$release/vmlinuz"
echo CONFIG_LIVEPATCH=y >"part/lib/modules/$release/config"
rpm_of kernel 301.fc40 core
modules $release && rpm_of kernel 302.fc40 modules-core
mkdir part && touch part/other && rpm_of bash 301.fc40 extra
core=rpms/kernel-core-6.8.5-301.fc40.rpm
refused "no modules: it is in kernel-modules-6.8.5-301.fc40.x86_64 (of newer releases kernel-modules-core, too); no Module.symvers, no generated headers: they are in kernel-devel-6.8.5-301.fc40.x86_64; no source: it is in kernel-6.8.5-301.fc40.src.rpm" $core
refused "packages do not belong together: kernel-core-6.8.5-301.fc40.x86_64 is built from kernel-6.8.5-301.fc40.src.rpm, kernel-modules-core-6.8.5-302.fc40.x86_64 is of kernel-6.8.5-302.fc40.src.rpm" \
    $core rpms/kernel-modules-core-6.8.5-302.fc40.rpm
refused "kernel-6.8.5-302.fc40.src is of kernel-6.8.5-302.fc40.src.rpm" $core rpms/kernel-6.8.5-302.fc40.src.rpm
refused "bash-6.8.5-301.fc40.src is another source package" $core rpms/bash-6.8.5-301.fc40.src.rpm
refused "several source packages" $core rpms/{bash-6.8.5-301,kernel-6.8.5-302}.fc40.src.rpm
refused "none of the packages has any part of a kernel" rpms/kernel-6.8.5-301.fc40.src.rpm
refused "$(printf 'packages do not belong together: kernel-core-%s is an .rpm, modules_6.8.0-40.40_amd64 is a .deb' $release)" \
    $core debs/modules.deb
vendor="Vendor: SUSE LLC"
image 6.8.5-1-default && modules 6.8.5-1-default && rpm_of kernel-default 1.2
headers 6.8.5-1-default usr/src/linux-6.8.5-1-obj/x86_64/default && rpm_of kernel-default 1.2 devel
noarch="BuildArch: noarch"
mkdir -p part/usr/src/linux-6.8.5-2 && touch part/usr/src/linux-6.8.5-2/Makefile && rpm_of kernel-source 2.2
noarch=
suse=rpms/kernel-default-6.8.5-1.2.rpm
refused "no Module.symvers, no generated headers: they are in kernel-default-devel; no source: it is in kernel-source and kernel-devel" $suse
refused "packages do not belong together: kernel-default-devel-6.8.5-1.2.x86_64 is of linux-6.8.5-1, kernel-source-6.8.5-2.2.noarch is of linux-6.8.5-2" \
    $suse rpms/kernel-default-devel-6.8.5-1.2.rpm rpms/kernel-source-6.8.5-2.2.rpm

# Cut short anywhere, or with a byte that is another one: a message of its own for each, no crash, no hang.
size=$(stat -c %s $core)
for length in 50 96 100 200 $(seq $((size / 16)) $((size / 16)) $((size - 16))) $((size - 1)); do
    head -c "$length" $core >short
    refused "short:" short
    # Where others come first, too.
    refused "short:" rpms/kernel-6.8.5-301.fc40.src.rpm short
done
size_of_source=$(stat -c %s rpms/kernel-6.8.5-301.fc40.src.rpm)
for part in {1..15}; do
    head -c $((size_of_source * part / 16)) rpms/kernel-6.8.5-301.fc40.src.rpm >short
    refused "short:" $core short
done
head -c $((size - 1)) $core >short
refused "short:" short
expect_in "short: the package is cut short: it has $((size - 1)) of $size bytes" err
{ head -c $((size - 20)) $core; head -c 1 /dev/zero; tail -c 19 $core; } >changed
refused "changed: the package is damaged: its files do not fit its checksum" changed
cat >flip.py <<'END'
import random, subprocess, sys
klp, name = sys.argv[1:]
data = open(name, 'rb').read()
chance = random.Random(1)
for _ in range(40):
    changed = bytearray(data)
    changed[chance.randrange(96, min(len(data), 6000))] = chance.randrange(256)
    open('flipped', 'wb').write(changed)
    done = subprocess.run([klp, 'kernel', 'import', 'flipped'], capture_output=True, text=True, timeout=60)
    if done.returncode != 1 or done.stderr.count('klp: error:') != 1:
        sys.exit(f'ended with {done.returncode}: {done.stderr}')
END
python3 flip.py "$KLP" $core || fail "a changed package is not told"
[ -z "$(left)" ] || fail "left $(left)"
