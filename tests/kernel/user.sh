# SPDX-License-Identifier: GPL-2.0-or-later
# An ordinary user, with a cache of their own, builds against a kernel whose files belong to somebody else.
. "$(dirname "$0")/../lib.sh"

# Root's own folder is closed to others, so the kernel is shown to them at another place.
[ "$(id -u)" -eq 0 ] || skip "needs root, to become somebody else"
unshare -m true 2>/dev/null || skip "no mount namespaces here"
folder=$(dirname "$(path_of source)")
chmod 755 .
mkdir kernel user
chown nobody user
cp "$KLP" klp
cp "$KLPKIT_ROOT/examples/meminfo.patch" .
build_example meminfo
cat >as-user <<'E2'
set -e
cd user
kernel=../kernel
../klp kernel add mine --source $kernel/source --image $kernel/vmlinuz --config $kernel/config \
    --symvers $kernel/Module.symvers --modules $kernel/modules
../klp build --kernel mine --json ../meminfo.patch -o meminfo.ko
../klp run --kernel mine meminfo.ko -- "grep -i vmallocchunk /proc/meminfo"
if ../klp build --kernel mine ../meminfo.patch -o ../output.ko; then exit 1; fi
E2
expect_status 0 env KLPKIT_CACHE="$PWD/user/cache" unshare -m sh -c \
    "mount --bind '$folder' kernel && setpriv --reuid=nobody --clear-groups sh as-user"
expect_in VMALLOCCHUNK out
expect_in "output.ko: cannot write: permission denied" err
expect_no_file output.ko
cmp meminfo.ko user/meminfo.ko || fail "another module than root's"
