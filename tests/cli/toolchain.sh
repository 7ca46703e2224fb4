# SPDX-License-Identifier: GPL-2.0-or-later
# Toolchains: roots with a distribution in them, whose compiler runs in a sandbox.
. "$(dirname "$0")/../lib.sh"

expect_status 0 "$KLP" toolchain list --json
jq -e '. == []' out >/dev/null || fail "$(cat out)"
expect_status 1 "$KLP" toolchain remove mine
expect_in "no toolchain 'mine'" err
for name in a/b .. -- ''; do expect_status 64 "$KLP" toolchain add "$name" root; done
expect_status 1 "$KLP" toolchain add mine root
expect_in "root: not a folder" err

bwrap --ro-bind / / true 2>/dev/null || skip "bubblewrap does not work here"
busybox=$(command -v busybox) || skip "no busybox"
! ldd "$busybox" >/dev/null 2>&1 || skip "busybox is not static"

# A root without a compiler, and one with what looks like one.
mkdir -p root/usr/bin root/etc
ln -s usr/bin root/bin
cp "$busybox" root/usr/bin/busybox
for tool in sh ls cat test; do ln -s busybox root/usr/bin/$tool; done
expect_status 1 "$KLP" toolchain add mine root
expect_in "no compiler in this root" err
expect_no_file no-cache/toolchains/mine
printf '#!/bin/sh\nexit 1\n' >root/usr/bin/gcc
chmod +x root/usr/bin/gcc
expect_status 1 "$KLP" toolchain add mine root
expect_in "no compiler in this root" err

# It sees nothing of this machine, no network, and cannot write.
touch secret
cat >root/usr/bin/gcc-99 <<'END'
#!/bin/sh
case $1 in
-dumpmachine) echo x86_64-fake-linux ;;
*)
    seen=$(cat /proc/net/dev | busybox grep -c :)
    if [ -e /home ] || [ -e /root ]; then seen=$seen,home; fi
    if (: >/usr/bin/new) 2>/dev/null; then seen=$seen,written; fi
    echo "gcc-99 (Fake 99.1-2) 99.1 $seen" ;;
esac
END
chmod +x root/usr/bin/gcc-99
ln -s busybox root/usr/bin/grep
ln -s gcc-99 root/usr/bin/x86_64-fake-linux-gcc-99
ln -s gcc-99 root/usr/bin/gcc-ar-99
expect_status 0 "$KLP" toolchain add mine root
expect_in "gcc-99 (Fake 99.1-2) 99.1 1" out # the loopback device alone
expect_not_in , out
expect_no_file root/usr/bin/new
expect_status 0 "$KLP" toolchain list --json
jq -e --arg root "$PWD/root" '. == [{name: "mine", root: $root, fetched: false, compilers:
    [{program: "gcc-99", version: "(Fake 99.1-2) 99.1 1", machine: "x86_64-fake-linux"}]}]' out >/dev/null || fail "$(cat out)"
expect_status 0 "$KLP" toolchain list
expect_in "mine" out
expect_status 1 "$KLP" toolchain add mine root
expect_in "there is a toolchain 'mine' already" err
expect_status 0 "$KLP" toolchain remove mine
[ -e root/usr/bin/gcc-99 ] || fail "the root is gone"
expect_status 0 "$KLP" toolchain list --json
jq -e '. == []' out >/dev/null || fail "$(cat out)"

expect_status 64 "$KLP" kernel fetch --mirror http://localhost/debian newest
expect_status 64 "$KLP" kernel fetch --suite 'a b' newest
