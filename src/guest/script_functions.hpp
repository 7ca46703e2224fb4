// SPDX-License-Identifier: GPL-2.0-or-later
// The part of the guest's /init that is the same in each guest: shell functions for busybox' ash. A function that
// fails does not return: `fail` reports and ends the guest.
#pragma once

#include <string_view>

namespace klp::guest {

inline constexpr std::string_view script_functions = R"sh(
livepatches=

# The report. On a shared port the kernel keeps silent meanwhile, so that its lines do not get into ours.
hush() { [ -z "$shared" ] || dmesg -n 1; }
unhush() { [ -z "$shared" ] || dmesg -n 8; }
# record KEY [WORD]...
record() { hush; printf '\n%s %s\n' "$nonce" "$*" >&3; unhush; }
# payload KEY [WORD]...: with standard input as the last word, packed.
payload() {
    hush
    { printf '\n%s %s ' "$nonce" "$*"; gzip -c | base64 -w 0; printf '\n'; } >&3
    unhush
}
finish() {
    echo "<6>$end_mark" >/dev/kmsg
    record end
    exec 3>&-  # waits until all of it has left the port
    $power_off
    sleep 1000
}
fail() { printf '%s' "$*" | payload fail; finish; }
# step NUMBER MARK
step() { record step "$1"; echo "<6>$2" >/dev/kmsg; }

# Microseconds in $clock.
now() {
    if [ -n "$EPOCHREALTIME" ]; then
        clock=$((${EPOCHREALTIME%.*} * 1000000 + 1${EPOCHREALTIME#*.} - 1000000))
    else
        read -r clock _ </proc/uptime
        clock=$((${clock%.*} * 1000000 + 1${clock#*.}0000 - 1000000))
    fi
}

# load FILE
load() { message=$(insmod "$1" 2>&1) || fail "${message##*: }"; }
# try_load FILE: modprobe goes on as well where the hardware of a soft dependency is missing.
try_load() { insmod "$1" 2>/dev/null; }

in_transition() {
    for file in /sys/kernel/livepatch/*/transition; do
        read -r value 2>/dev/null <"$file" || continue
        [ "$value" = 0 ] || return 0
    done
    return 1
}
# lagging STATE: the tasks that are not in this patch state yet, and where they are.
lagging() {
    for task in /proc/[0-9]*/task/[0-9]*; do
        read -r state 2>/dev/null <"$task/patch_state" || continue
        [ "$state" != "$1" ] || continue
        read -r name 2>/dev/null <"$task/comm"
        echo "task ${task##*/} ($name):"
        cat "$task/stack"
    done 2>/dev/null
}
# settle STATE: waits until all tasks are in it.
settle() {
    now
    deadline=$((clock + transition_seconds * 1000000))
    while in_transition; do
        now
        [ "$clock" -lt "$deadline" ] || fail "the transition did not end within $transition_seconds s; not yet switched:
$(lagging "$1")"
        sleep 0.01
    done
}

# load_livepatch FILE
load_livepatch() {
    now
    begun=$clock
    load "$1"
    read -r livepatch _ </proc/modules  # newest first (kernel/module/main.c:add_unformed_module)
    [ -d "/sys/kernel/livepatch/$livepatch" ] || fail "module '$livepatch' was loaded, but it registered no livepatch"
    livepatches="$livepatch $livepatches"
    settle 1
    now
    record transition $((clock - begun))
}
# Functions of livepatches whose objects are loaded, and what ftrace redirects; nothing without tracefs.
report_hooks() {
    traced=/sys/kernel/tracing/enabled_functions
    if [ -r "$traced" ]; then
        for livepatch in $livepatches; do
            for function in "/sys/kernel/livepatch/$livepatch"/*/*,*; do
                object=${function%/*}
                object=${object##*/}
                [ "$object" = vmlinux ] || grep -q "^$object " /proc/modules || continue
                [ -d "$function" ] && echo "patched $object ${function##*/}"
            done
        done
        cat "$traced"
    fi | payload hooks
}
revert() {
    for livepatch in $livepatches; do
        folder=/sys/kernel/livepatch/$livepatch
        [ -d "$folder" ] || continue  # a later livepatch replaced it
        message=$({ echo 0 >"$folder/enabled"; } 2>&1) || fail "$livepatch: ${message##*: }"
        settle 0
    done
    record reverted
}
# The kernel lets go of a livepatch's module a little after its transition (kernel/livepatch/core.c:
# klp_free_patch_async), so that the first try may find it in use.
unload() {
    for livepatch in $livepatches; do
        tries=50
        until message=$(rmmod "$livepatch" 2>&1); do
            tries=$((tries - 1))
            [ "$tries" -gt 0 ] || fail "$livepatch: ${message##*: }"
            sleep 0.1
        done
    done
    record unloaded
}
# run_command PHASE
run_command() {
    sh /klp/command >/klp/output 2>&1 </dev/null 3>&-
    payload output "$1" $? </klp/output
}

export PATH=/bin HOME=/
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
echo on >/proc/sys/kernel/printk_devkmsg
dmesg -n 8
rm /init  # holds the nonce
exec 3>"$report"
)sh";

}  // namespace klp::guest
