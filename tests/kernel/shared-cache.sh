# SPDX-License-Identifier: GPL-2.0-or-later
# A cache that is another user's, read-only or full: what is in it is used, what cannot be kept is made all the same.
. "$(dirname "$0")/../lib.sh"

[ "$(id -u)" -eq 0 ] || skip "needs root, to become somebody else and to mount"
unshare -m true 2>/dev/null || skip "no mount namespaces here"
image=$(path_of image) config=$(path_of config) symvers=$(path_of symvers) modules=$(path_of modules)
source=$(path_of source)
chmod 755 .
# The test kernel may be where only root may look.
mkdir kernel
cp "$image" kernel/vmlinuz
cp "$config" kernel/config
cp "$symvers" kernel/Module.symvers
cp "$KLP" klp
cp "$KLPKIT_ROOT/examples/meminfo.patch" .
mkdir -m 1777 tmp
mkdir other && chown nobody other
export KLPKIT_CACHE=$PWD/cache TMPDIR=$PWD/tmp
mkdir kernel/source kernel/modules
cat >mounts <<END
set -e
mount --bind '$source' kernel/source
mount --bind '$modules' kernel/modules
END
# with_kernel COMMAND...: with the parts of the kernel at a place where all users see them.
with_kernel() { unshare -m sh -c '. ./mounts; exec "$@"' sh "$@"; }
as_other() { with_kernel runuser -u nobody -- env HOME=/nonexistent "$@"; }
add() {
    expect_status 0 with_kernel ./klp kernel add "$1" --source kernel/source --image kernel/vmlinuz --config kernel/config \
        --symvers kernel/Module.symvers --modules kernel/modules
}
add mine
state() { find cache -exec stat -c '%n %s %y %U' {} + | sort; }
# works HOW: reading commands and a build, by a command that puts others into their place.
works() {
    local how=$1
    shift
    expect_status 0 "$@" ./klp kernel list
    expect_in mine out
    expect_status 0 "$@" ./klp kernel info mine
    expect_status 0 "$@" ./klp kernel symbols mine schedule
    expect_status 0 "$@" ./klp build --kernel mine meminfo.patch -o other/meminfo.ko
    cmp first.ko other/meminfo.ko || fail "another module: $how"
    expect_status 0 "$@" ./klp check --kernel mine other/meminfo.ko
    expect_status 0 "$@" ./klp simulate --kernel mine other/meminfo.ko
    [ -z "$(ls -A tmp)" ] || fail "left in TMPDIR, $how: $(ls -A tmp)"
    rm other/meminfo.ko
}
expect_status 0 with_kernel env KLPKIT_CACHE="$PWD/first-cache" ./klp kernel add mine --source kernel/source --image kernel/vmlinuz \
    --config kernel/config --symvers kernel/Module.symvers --modules kernel/modules
expect_status 0 with_kernel env KLPKIT_CACHE="$PWD/first-cache" ./klp build --kernel mine meminfo.patch -o first.ko

# Cold: nothing of root's can be added to. Then warm. Then with files that nobody else may read.
state >before
works "another user's, cold" as_other
state | cmp - before || fail "another user changed the cache"
expect_status 0 as_other ./klp kernel fetch mine
expect_status 1 as_other ./klp kernel remove mine
expect_in "permission denied" err
expect_status 0 "./klp" kernel list
expect_in mine out
expect_status 0 with_kernel ./klp build --kernel mine meminfo.patch -o warm.ko
state >before
works "another user's, warm" as_other
state | cmp - before || fail "another user changed the warm cache"
find cache/programs cache/kernels/mine/cache -type f -exec chmod 600 {} +
works "another user's, closed" as_other
chmod 600 cache/kernels/mine/kernel.json
expect_status 0 as_other ./klp kernel list
expect_in "kernel mine: $PWD/cache/kernels/mine/kernel.json: damaged: cannot open: permission denied" err
expect_status 1 as_other ./klp kernel info mine
expect_in "kernel.json" err
chmod 644 cache/kernels/mine/kernel.json

# Read-only; vmlinux damaged there, which is unpacked for each command then.
read_only() { with_kernel sh -c 'mount --bind cache cache && mount -o remount,ro,bind cache && exec "$@"' sh "$@"; }
works "read-only, warm" read_only
expect_status 1 read_only ./klp kernel remove mine
expect_in "read-only file system" err
expect_status 1 read_only ./klp kernel add other --source kernel/source --image kernel/vmlinuz --config kernel/config \
    --symvers kernel/Module.symvers
expect_in "read-only file system" err
truncate -s 1000000 cache/kernels/mine/vmlinux
works "read-only, vmlinux cut" read_only
rm -r cache/kernels/mine/vmlinux cache/kernels/mine/cache cache/programs

# Full. The lists of what there is fit in, nothing else does.
mkdir small
expect_status 0 with_kernel ./klp build --kernel mine meminfo.patch -o warm.ko
rm cache/kernels/mine/vmlinux
cat >full <<'END'
mount -t tmpfs -o size=96m tmpfs small
cp -r cache/. small
head -c 200000000 /dev/zero >small/filler 2>/dev/null || true
mount --bind small cache
exec "$@"
END
full() { with_kernel sh -c '. ./full' sh "$@"; }
works "full" full
expect_status 1 full ./klp kernel add other --source kernel/source --image kernel/vmlinuz --config kernel/config \
    --symvers kernel/Module.symvers
expect_in "no space left on device" err
expect_status 0 full sh -c './klp kernel add other --source kernel/source --image kernel/vmlinuz --config kernel/config \
    --symvers kernel/Module.symvers; ls cache/kernels'
expect_not_in other out

# As in containers, each command has the number of an earlier one, which left its files.
for n in $(seq 0 60); do : >"other/.meminfo.ko.2-$n.tmp"; done
chown nobody other/.*.tmp
chmod 700 cache && chown -R nobody cache
works "a number again" with_kernel unshare -p -f sh -c '"$@"; exit $?' sh
