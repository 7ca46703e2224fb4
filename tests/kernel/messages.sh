# SPDX-License-Identifier: GPL-2.0-or-later
# Messages of the real source that are told once or at a limited rate: one that is added before them takes none of their states.
. "$(dirname "$0")/../lib.sh"

edit() { add_change messages.patch "$@"; }
# states NAME: those of the kernel that the new code goes on with, in its order.
states() { jq -r --arg name "$1" '.references[].symbol | select(startswith($name))' out | sort; }
built() {
    expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o messages.ko messages.patch
    rm messages.patch
}

# The state of a limited rate is asked before the message is named.
edit kernel/kmod.c '/^int __request_module/,/^}/s/^\tif (!modprobe_path\[0\])/\tpr_warn_ratelimited("a new one\\n");\n&/'
built
[ "$(states _rs. | wc -l)" -eq 3 ] || fail "not the three states that were there: $(states _rs.)"
[ "$(jq '[.notes[] | select(test("new variable ._rs"))] | length' out)" -eq 1 ] || fail "not one new state"
expect_not_in 'diff.message-again' err

# Of two messages with the same words nobody knows which was there.
edit kernel/rseq.c '/^static bool rseq_warn_flags/,/^}/s/^\t\tpr_warn_once("Deprecated flags.*/\t\tpr_warn_once("Deprecated flags (%u) in %s ABI structure", flags, str);\n&/'
built
[ "$(states __already_done | wc -l)" -eq 1 ] || fail "a state was taken for another message's: $(states __already_done)"
expect_in 'diff.message-again' err
expect_in 'Deprecated flags' err
