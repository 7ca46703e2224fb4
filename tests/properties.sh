# SPDX-License-Identifier: GPL-2.0-or-later
# For the shell tests of bench/properties: a few random cases of each property. KLPKIT_SEED is another seed.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

seed=${KLPKIT_SEED:-9}
export KLPKIT_TEST_KERNEL

# property STATUS NAME ARGUMENT...: the figures in ./out. $FOLDER has other scripts than those of bench/properties.
property() {
    local status=$1 name=$2
    shift 2
    echo "$name: seed $seed"
    expect_status "$status" "${FOLDER:-$KLPKIT_ROOT/bench/properties}/$name" --work work --seed "$seed" "$@"
}
