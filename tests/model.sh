# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests that compare what real kernels do with modules with what `klp simulate` says.
. "$(dirname "${BASH_SOURCE[0]}")/small-kernel.sh"

: "${KLPKIT_TOOLS:?folder of the programs that only tests need}"

# addresses SNAPSHOT MODULE [NAME]: the --at options that put the sections of a module where the guest had them.
addresses() {
    [ -e "$1/$2/sections.json" ] || return 0
    jq -r --arg name "${3:-$2}" '.sections[] | "--at", $name + ":" + .name + "=" + .address' "$1/$2/sections.json"
}

# simulate STATUS NAME ARGUMENT...: with the --at options in ./places; the answer in ./NAME.json, the images in ./NAME.
simulate() {
    local wanted=$1 name=$2 places
    shift 2
    mapfile -t places <places
    expect_status "$wanted" "$KLP" simulate --kernel "$KLPKIT_TEST_KERNEL" "$@" "${places[@]}" --json --dump "$name"
    mv out "$name.json"
}

# expect_model SIMULATION SNAPSHOT MODULE...: every byte is as the model says, or a mechanism of the kernel explains it.
expect_model() {
    local simulation=$1
    shift
    python3 "$KLPKIT_ROOT/tests/compare_memory.py" "$simulation.json" "$simulation" "$@" ||
        fail "memory is not what the model says"
}

# expect_log SIMULATION SNAPSHOT: the kernel has printed about modules and livepatches what the model says.
expect_log() {
    python3 "$KLPKIT_ROOT/tests/compare_log.py" "$1.json" "$2/dmesg" klp_everything klp_target ||
        fail "the kernel says other things than the model"
}

# make_everything: klp_target.ko and klp_everything.ko of tests/modules in ./modules.
make_everything() {
    cp -r "$KLPKIT_ROOT/tests/modules" modules
    # Livepatch symbols are undefined for modpost.
    build_modules "$PWD/modules" KBUILD_MODPOST_WARN=1
    "$KLPKIT_TOOLS/livepatchify" modules/klp_everything.ko modules/made.ko saved_command_line=vmlinux.saved_command_line,0 \
        nr_processes=vmlinux.nr_processes,0 hidden_value=klp_target.hidden_value,0 \
        hidden_function=klp_target.hidden_function,0
    mv modules/made.ko modules/klp_everything.ko
}

# refused_at: the --at option for a klp_target that was refused, of which the kernel says nothing but what is left in the
# last call stub that it made for it: struct ppc64_stub_entry ends with the address of hidden_function.
refused_at() {
    local function
    function=$(powerpc64le-linux-gnu-nm modules/klp_target.ko | sed -n 's/^\([0-9a-f]*\) t hidden_function$/\1/p')
    python3 - "$function" <<'END'
import struct, sys
stubs = open("guest/reloaded/klp_everything/.stubs.bin", "rb").read()
targets = [struct.unpack_from("<Q", stubs, at + 32)[0] for at in range(0, len(stubs) - 39, 40)]
print("--at", f"klp_target#2:.text={[target for target in targets if target][-1] - int(sys.argv[1], 16):#x}", sep="\n")
END
}

# everything_in_the_model RELOAD: a livepatch with livepatch relocations is loaded, then the module that it waits for,
# which goes and comes back. RELOAD: whether the kernel lets it (`works`, `fails`). Memory, messages and results are those
# of the model.
everything_in_the_model() {
    local reload=$1 target=modules/klp_target.ko status=0
    make_everything
    cat >steps <<'END'
[ "$phase" = after ] || return 0
cat /proc/cmdline /proc/klp_target
snapshot
rmmod klp_target && snapshot unloaded
if insmod /klp/modules/klp_target.ko; then echo "reload works"; cat /proc/klp_target; else echo "reload fails"; fi 2>/dev/null
snapshot reloaded
END
    guest_memory guest "$(cat steps)" --late-module "$PWD/$target" modules/klp_everything.ko
    expect_in "patched: console=" guest/after.output
    expect_in "indirect 3 static 2 fault 1 same 1" guest/after.output
    expect_in "patched target: 84 indirect 44 same 1" guest/after.output
    expect_in "reload $reload" guest/after.output

    { addresses guest/after klp_everything; addresses guest/after klp_target; } >places
    simulate 0 loaded modules/klp_everything.ko --event "load:$target"
    expect_model loaded guest/after klp_everything klp_target
    expect_log loaded guest/after
    simulate 0 unloaded modules/klp_everything.ko --event "load:$target" --event unload:klp_target
    expect_model unloaded guest/unloaded klp_everything
    expect_log unloaded guest/unloaded

    addresses guest/reloaded klp_target "klp_target#2" >>places
    [ ! -e guest/reloaded/klp_everything/.stubs.bin ] || refused_at >>places
    [ "$reload" = works ] || status=2
    simulate $status reloaded modules/klp_everything.ko --event "load:$target" --event unload:klp_target --event "load:$target"
    expect_model reloaded guest/reloaded klp_everything
    expect_log reloaded guest/reloaded
    [ "$reload" = fails ] || expect_model reloaded guest/reloaded klp_target
}
