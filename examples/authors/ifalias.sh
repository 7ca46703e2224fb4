# SPDX-License-Identifier: GPL-2.0-or-later
ip link add demo type dummy
echo hello >/sys/class/net/demo/ifalias
cat /sys/class/net/demo/ifalias
cat /sys/class/net/demo/ifalias
ip link del demo
dmesg -c | grep 'livepatch-ifalias:'
