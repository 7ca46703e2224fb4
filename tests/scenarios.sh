# SPDX-License-Identifier: GPL-2.0-or-later
# The same events in a guest and in `klp simulate`: what each of them ends with, what the kernel prints, and which
# livepatches are there afterwards.
. "$(dirname "${BASH_SOURCE[0]}")/small-kernel.sh"

: "${KLPKIT_TOOLS:?folder of the programs that only tests need}"

# livepatch NAME OBJECT REPLACE FUNCTION,POSITION,NUMBER...: the source of a livepatch. `extern:NAME` in place of a
# function is a symbol that the first replacement needs. ./numbers gets what its functions return.
livepatch() {
    local name=$1 object=$2 replace=$3 each functions='' index=0 old position number
    shift 3
    {
        echo '#include "scenario.h"'
        for each; do
            case $each in
                extern:*) echo "extern int ${each#extern:}(void);"; continue ;;
            esac
            IFS=, read -r old position number <<<"$each"
            echo "REPLACEMENT(new_$index, $number)"
            echo "$name $old $position $number" >>numbers
            functions+="${functions:+, }FUNC(\"$old\", $position, new_$index)"
            index=$((index + 1))
        done
        echo "LIVEPATCH($object, $replace, $functions);"
    } >"modules/$name.c"
    echo "obj-m += $name.o" >>modules/Makefile
}

# edited NEW OLD SCRIPT: a copy of a module with other bytes in its .modinfo, in place.
edited() { LC_ALL=C sed "$3" "modules/$2.ko" >"modules/$1.ko"; }

livepatchify() { "$KLPKIT_TOOLS/livepatchify" "modules/$1.ko" modules/made "$2" && mv modules/made "modules/$1.ko"; }

make_scenarios() {
    local target='"scn_target"'
    printf -- '- %s\n' 'one 1 1' 'two 1 2' 'twin 1 3' 'twin 2 5' 'untraced 1 4' >numbers
    cp -r "$KLPKIT_ROOT/tests/modules/scenarios" modules
    printf 'obj-m := scn_target.o scn_fails.o\nscn_target-y := target_first.o target_second.o\n' >modules/Makefile
    livepatch lp_a "$target" false one,0,10
    livepatch lp_b "$target" false one,1,20 two,0,21
    livepatch lp_replace "$target" true one,0,30
    livepatch lp_fails '"scn_fails"' false one,0,40
    livepatch lp_second_twin "$target" false twin,2,50
    livepatch lp_third_twin "$target" false twin,3,60
    livepatch lp_ambiguous "$target" false twin,0,61
    livepatch lp_missing "$target" false no_such_function,0,62
    livepatch lp_untraced "$target" false one,0,63 untraced,0,64
    livepatch lp_initial "$target" false initial,0,65
    livepatch lp_twice "$target" false one,0,66 one,1,67
    livepatch lp_same "$target" false one,0,68 one,0,69
    livepatch lp_no_function NULL false no_such_function,0,70
    livepatch lp_unknown "$target" false extern:scn_missing "one,0,scn_missing()"
    livepatch lp_symbol "$target" false extern:scn_symbol "one,0,scn_symbol()"
    livepatch lp_symbol_twin "$target" false extern:scn_symbol "one,0,scn_symbol()"
    livepatch lp_symbol_third "$target" false extern:scn_symbol "one,0,scn_symbol()"
    livepatch lp_symbol_vmlinux "$target" false extern:scn_symbol "one,0,scn_symbol()"
    livepatch lp_symbol_early "$target" false extern:scn_symbol "one,0,scn_symbol()"
    build_modules "$PWD/modules" KBUILD_MODPOST_WARN=1
    livepatchify lp_symbol scn_symbol=scn_target.no_such_symbol,0
    livepatchify lp_symbol_twin scn_symbol=scn_target.twin,0
    livepatchify lp_symbol_third scn_symbol=scn_third.one,0@scn_target
    livepatchify lp_symbol_vmlinux scn_symbol=vmlinux.nr_processes,0@scn_target
    livepatchify lp_symbol_early scn_symbol=vmlinux.no_such_symbol,0
    edited no_license lp_a s/license=GPL/lixense=GPL/
    edited proprietary lp_a s/license=GPL/license=XXX/
    edited no_livepatch lp_a s/livepatch=Y/livepatxh=Y/
    edited vermagic lp_a s/vermagic=./vermagic=9/
    edited clash lp_b s/name=lp_b/name=lp_a/
}

# The events, one a line, with the first livepatch already there.
events() {
    cat <<'EVENTS'
load:lp_second_twin
load:lp_fails
load:scn_fails
load:scn_target
load:lp_a
load:lp_a
load:lp_b
unload:lp_b
disable:lp_a
unload:lp_a
disable:lp_a
enable:lp_b
load:lp_a
disable:lp_b
disable:lp_b
unload:lp_b
unload:scn_target
load:scn_target
load:lp_b
unload:scn_target
load:scn_target
load:lp_third_twin
load:lp_ambiguous
load:lp_missing
load:lp_untraced
load:lp_initial
load:lp_twice
load:lp_same
load:lp_no_function
load:lp_unknown
load:lp_symbol
load:lp_symbol_twin
load:lp_symbol_third
load:lp_symbol_vmlinux
load:lp_symbol_early
unload:lp_symbol_vmlinux
load:no_license
load:proprietary
load:no_livepatch
load:vermagic
load:clash
load:lp_replace
enable:lp_a
unload:lp_a
unload:lp_b
load:lp_b
load:lp_a
disable:lp_replace
unload:lp_replace
unload:lp_second_twin
load:lp_second_twin
disable:lp_a
unload:lp_a
disable:lp_b
unload:lp_b
unload:scn_target
load:lp_ambiguous
load:scn_target
disable:lp_ambiguous
unload:lp_ambiguous
load:lp_untraced
load:lp_a
load:scn_target
disable:lp_untraced
unload:lp_untraced
load:scn_target
unload:no_such_module
EVENTS
}

# Runs in the guest: plays ./events, and shows each event, what the program for it said, what the kernel printed, which
# livepatches there are and what the module's functions return.
GUEST='
[ "$phase" = after ] || return 0
dmesg -c >/dev/null
while IFS=: read -r kind name; do
    echo "event $kind:$name"
    case $kind in
        load) insmod /$name.ko ;;
        unload) rmmod $name ;;
        enable) echo 1 >/sys/kernel/livepatch/$name/enabled ;;
        disable) echo 0 >/sys/kernel/livepatch/$name/enabled ;;
    esac 2>&1 | sed "s/^/said /"
    for try in 1 2 3 4 5 6 7 8 9; do
        cat /sys/kernel/livepatch/*/transition 2>/dev/null | grep -q 1 || break
        sleep 1
    done
    dmesg -c | sed "s/^/log /"
    for patch in /sys/kernel/livepatch/*/enabled; do [ ! -e $patch ] || echo "patch $patch $(cat $patch)"; done
    for module in $(cut -d " " -f 1 /proc/modules); do echo "module $module"; done
    [ ! -e /proc/scn_target ] || sed "s/^/shows /" /proc/scn_target
done </events
'

# states_of_the_model EVENT-ARGUMENT...: ./states gets the modules after each event, a line.
states_of_the_model() {
    local count status
    for ((count = 2; count <= $#; count += 2)); do
        status=0
        "$KLP" simulate --kernel "$KLPKIT_TEST_KERNEL" --json modules/lp_second_twin.ko "${@:1:count}" >state.json || status=$?
        case $status in 0 | 2) ;; *) fail "klp simulate ended with $status" ;; esac
        jq -c '[.modules[] | {name, live, patch}]' state.json >>states
    done
}

# same_in_the_model: plays all events in one guest and in the model.
same_in_the_model() {
    local event files=() arguments=() status=0
    make_scenarios
    events >events
    for event in modules/*.ko; do files+=(--file "$event"); done
    while read -r event; do
        case $event in load:*) arguments+=(--event "load:modules/${event#load:}.ko") ;; *) arguments+=(--event "$event") ;; esac
    done <events
    expect_status 0 "$KLP" run --kernel "$KLPKIT_TEST_KERNEL" --json --file events "${files[@]}" modules/lp_second_twin.ko \
        -- "for phase in before after reverted; do [ -e /\$phase.done ] || break; done; : >/\$phase.done; play() { $GUEST }; play"
    mv out run.json
    jq -j .after.stdout run.json >guest
    "$KLP" simulate --kernel "$KLPKIT_TEST_KERNEL" --json modules/lp_second_twin.ko "${arguments[@]}" >model.json || status=$?
    [ "$status" -eq 2 ] || fail "klp simulate ended with $status"
    states_of_the_model "${arguments[@]}"
    python3 "$KLPKIT_ROOT/tests/compare_events.py" model.json states guest numbers || fail "the kernel does not do what the model says"
}
