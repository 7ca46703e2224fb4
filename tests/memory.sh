# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests that compare modules in a guest's memory with the model. Source lib.sh first.

# build_modules KERNEL: klp_target.ko and klp_everything.ko of tests/modules in ./KERNEL, for a kernel of the catalogue.
build_modules() {
    local kernel=$1 source arch kbuild_arch=x86_64 cross=
    source=$("$KLP" kernel info "$kernel" --json | jq -r .paths.source)
    arch=$("$KLP" kernel info "$kernel" --json | jq -r .arch)
    case $arch in
        ppc64le) kbuild_arch=powerpc cross=powerpc64le-linux-gnu- ;;
        s390x) kbuild_arch=s390 cross=s390x-linux-gnu- ;;
        arm64) kbuild_arch=arm64 cross=aarch64-linux-gnu- ;;
    esac
    mkdir "$kernel"
    cp "$KLPKIT_ROOT"/tests/modules/* "$kernel"
    # Livepatch symbols are undefined for modpost.
    make -s -C "$source" M="$PWD/$kernel" ARCH=$kbuild_arch CROSS_COMPILE=$cross CC=${cross}gcc-12 KBUILD_MODPOST_WARN=1 \
        modules >make.log 2>&1 || { cat make.log; fail "the modules do not build"; }
    "$KLPKIT_TOOLS/livepatchify" "$kernel/klp_everything.ko" "$kernel/made.ko" saved_command_line=vmlinux.saved_command_line,0 \
        nr_processes=vmlinux.nr_processes,0 hidden_value=klp_target.hidden_value,0 \
        hidden_function=klp_target.hidden_function,0
    mv "$kernel/made.ko" "$kernel/klp_everything.ko"
}

# addresses SNAPSHOT MODULE...: the --at options that put the sections of the modules where the guest has them.
addresses() {
    local snapshot=$1 module
    shift
    for module in "$@"; do
        jq -r --arg name "$module" '.sections[] | "--at", $name + ":" + .name + "=" + .address' "$snapshot/$module/sections.json"
    done
}

# compare LABEL "MODULE..." SIMULATE-ARGUMENT...: simulates with the addresses of the snapshot guest/LABEL, and compares.
compare() {
    local label=$1 modules=$2 places status=0
    shift 2
    # shellcheck disable=SC2086  # module names
    mapfile -t places < <(addresses "guest/$label" $modules)
    "$KLP" simulate "$@" "${places[@]}" --json --dump "model-$label" >"$label.json" 2>err || status=$?
    [ "$status" -eq 0 ] || { cat err; jq -c '.events[] | select(.ok | not) | del(.steps)' "$label.json"; fail "simulate ended with $status"; }
    # shellcheck disable=SC2086
    python3 "$KLPKIT_ROOT/tests/compare_memory.py" "$label.json" "model-$label" "guest/$label" $modules ||
        fail "$label: the guest's memory is not what the model says"
}
