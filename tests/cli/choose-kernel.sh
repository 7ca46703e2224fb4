# SPDX-License-Identifier: GPL-2.0-or-later
# Commands on modules take the kernel of the catalogue that the modules were made for.
. "$(dirname "$0")/../tiny-kernel.sh"

# a_kernel NAME RELEASE [FETCHED]
a_kernel() {
    vermagic="$2 SMP mod_unload "
    tiny_kernel
    local folder=$KLPKIT_CACHE/kernels/$1
    mv "$KLPKIT_CACHE/kernels/tiny" "$folder.new"
    mv "$folder.new" "$folder"
    sed -i "s#kernels/tiny#kernels/$1#; s#\"name\": \"tiny\"#\"name\": \"$1\"#; s#1.0-tiny#$2#; s#\"fetched\": false#\"fetched\": ${3:-false}#" \
        "$folder/kernel.json"
}
a_kernel mine 1.0-mine
a_kernel newest 9.0-newest true
# a_livepatch NAME RELEASE [LINE]...
a_livepatch() {
    # shellcheck disable=SC2034  # livepatch_text has it
    vermagic="$2 SMP mod_unload "
    { livepatch_text "$1"; printf '%s\n' "${@:3}"; } | as -o "$1.ko" -
}
a_livepatch own 1.0-mine
a_livepatch other 9.0-newest
a_livepatch unknown 5.5-gone
a_livepatch versions 5.5-gone '.section __versions, "a"' '.quad 1' '.asciz "module_layout"' '.zero 42'
a_livepatch silent 1.0-mine
livepatch_text silent | sed '/vermagic=/d' | as -o silent.ko -
gzip -k own.ko
cp own.ko own

# The one that fits, not the newest.
for module in own.ko own.ko.gz ./own; do
    expect_status 0 "$KLP" check --json $module
    jq -e '.kernel == "mine"' out >/dev/null || { cat out; fail "check $module"; }
    expect_status 0 "$KLP" simulate --json $module
    jq -e '.kernel == "mine"' out >/dev/null || { cat out; fail "simulate $module"; }
    expect_status 0 "$KLP" convert --json $module -o converted.ko
    jq -e '.kernel == "1.0-mine"' out >/dev/null || { cat out; fail "convert $module"; }
done
expect_status 0 "$KLP" simulate --json other.ko
jq -e '.kernel == "newest"' out >/dev/null || fail "simulate other.ko"
# run gets as far as to boot it.
mkdir bin
printf '#!/bin/sh\necho "$@" >&2\nexit 7\n' >bin/qemu-system-x86_64
chmod +x bin/qemu-system-x86_64
expect_status 1 env PATH="$PWD/bin:$PATH" "$KLP" run own.ko
expect_in "cache/kernels/mine/vmlinux" err

# None that fits.
for command in "simulate unknown.ko" "convert unknown.ko -o none.ko" "run unknown.ko"; do
    expect_status 1 "$KLP" $command
    expect_in "unknown.ko: is for release '5.5-gone', and no kernel of the catalogue is of that release" err
    expect_in "hint: get it with 'klp kernel fetch 5.5-gone'" err
    [ ! -s out ] || fail "output of '$command'"
done
for command in "simulate silent.ko" "convert silent.ko -o none.ko" "run silent.ko"; do
    expect_status 1 "$KLP" $command
    expect_in "silent.ko: does not say which kernel it is for: no vermagic" err
    expect_in "--kernel" err
done
expect_no_file none.ko
expect_status 0 "$KLP" check unknown.ko
expect_in "no kernel of release '5.5-gone' is in the catalogue: structure is checked alone" err

# One of another machine.
sed -i 's/x86_64/s390x/' cache/kernels/mine/kernel.json
expect_status 1 "$KLP" simulate own.ko
expect_in "no kernel of the catalogue is of that release and machine" err
expect_status 0 "$KLP" check own.ko
expect_in "structure is checked alone" err
sed -i 's/s390x/x86_64/' cache/kernels/mine/kernel.json

# A kernel that is named and does not fit: what it would do itself.
expect_status 2 "$KLP" simulate --kernel mine other.ko
expect_in "klp: warning: other.ko:(.modinfo): is for release '9.0-newest', the kernel is '1.0-mine' [kernel.other-release]" err
expect_in "version magic '9.0-newest SMP mod_unload ' should be '1.0-mine SMP mod_unload '" out
expect_status 2 "$KLP" check --kernel mine other.ko
expect_in "[check.vermagic]" err
expect_status 1 env PATH="$PWD/bin:$PATH" "$KLP" run --kernel mine other.ko
expect_in "[kernel.other-release]" err
expect_in "cache/kernels/mine/vmlinux" err
expect_status 1 "$KLP" convert --kernel mine other.ko -o none.ko
expect_in "is for release '9.0-newest', but the symbols are those of '1.0-mine', a kernel that does not load it" err
expect_status 0 "$KLP" symbols-db --kernel mine -o mine.db
expect_status 0 "$KLP" convert --symbols mine.db own.ko -o converted.ko
expect_not_in "other-release" err
expect_status 1 "$KLP" convert --symbols mine.db other.ko -o none.ko
expect_in "a kernel that does not load it" err
expect_status 1 "$KLP" convert --symbols mine.db own.ko --module other.ko -o none.ko
expect_in "other.ko:(.modinfo): is for release '9.0-newest'" err
# CRCs in the module, but a kernel that does not compare them.
expect_status 1 "$KLP" convert --kernel mine versions.ko -o none.ko
expect_no_file none.ko
echo CONFIG_MODVERSIONS=y >>cache/kernels/mine/config
expect_status 0 "$KLP" convert --kernel mine versions.ko -o converted.ko
expect_in "[kernel.other-release]" err
expect_status 1 "$KLP" convert --kernel mine other.ko -o none.ko
expect_status 0 "$KLP" convert --kernel mine silent.ko -o converted.ko
expect_in "silent.ko:(.modinfo): does not say which release it is for, the kernel is '1.0-mine' [kernel.other-release]" err
sed -i '$d' cache/kernels/mine/config

# Modules of different kernels.
for command in "simulate own.ko other.ko" "simulate own.ko --module ./other.ko" "simulate own.ko --event load:other.ko" \
    "run own.ko other.ko" "run own.ko --late-module other.ko" "convert own.ko --module other.ko -o none.ko" \
    "check own.ko --object other.ko"; do
    expect_status 1 "$KLP" $command
    expect_in "modules of different kernels: own.ko is for release '1.0-mine', " err
    expect_in "other.ko for '9.0-newest'" err
done

# Several kernels of one release: the one of that name, else nobody can tell.
a_kernel again 1.0-mine
expect_status 1 "$KLP" simulate own.ko
expect_in "several kernels of the catalogue are of release '1.0-mine': again, mine" err
expect_status 1 "$KLP" check own.ko
expect_status 0 "$KLP" simulate --kernel again own.ko
mv cache/kernels/again cache/kernels/1.0-mine
sed -i 's#kernels/again#kernels/1.0-mine#; s#"name": "again"#"name": "1.0-mine"#' cache/kernels/1.0-mine/kernel.json
expect_status 0 "$KLP" simulate --json own.ko
jq -e '.kernel == "1.0-mine"' out >/dev/null || fail "not the kernel of that name"

# The one that fits may be there, and cannot be read: that is not "there is none".
mkdir cache/kernels/5.5-gone
for text in '' '{'; do
    echo "$text" >cache/kernels/5.5-gone/kernel.json
    for command in "check unknown.ko" "simulate unknown.ko" "convert unknown.ko -o none.ko"; do
        # shellcheck disable=SC2086
        expect_status 1 "$KLP" $command
        expect_in "cache/kernels/5.5-gone/kernel.json: damaged" err
    done
    expect_status 0 "$KLP" simulate own.ko
done
rm -r cache/kernels/5.5-gone
ln -s 5.5-gone cache/kernels/5.5-gone
expect_status 1 "$KLP" check unknown.ko
expect_in "cache/kernels/5.5-gone" err
expect_status 0 "$KLP" kernel list
expect_in "5.5-gone" out
rm cache/kernels/5.5-gone

# What is no module at all says so, and not that it lacks a vermagic.
head -c 1000 own.ko >cut.ko
echo text >text.ko
for command in simulate run "convert -o none.ko"; do
    # shellcheck disable=SC2086
    expect_status 1 "$KLP" $command text.ko
    expect_in "text.ko:+0x0: is not an ELF file" err
    # shellcheck disable=SC2086
    expect_status 1 "$KLP" $command cut.ko
    expect_in "is past the end (0x3e8 bytes)" err
done
expect_no_file none.ko
