# SPDX-License-Identifier: GPL-2.0-or-later
# tests/lib.sh: what its functions let pass, and what not.
KLP=/bin/true KLPKIT_ROOT=$(realpath "$(dirname "$0")/../..")
export KLP KLPKIT_ROOT
unset KLPKIT_TEST_KERNEL KLPKIT_FINDINGS
. "$KLPKIT_ROOT/tests/lib.sh"

# lets_pass COMMAND... and stops COMMAND...: in a shell that has lib.sh, in this folder.
in_test() { (cd "$scratch" && set +e && ("$@") >log 2>&1); }
lets_pass() { in_test "$@" || { cat log; fail "'$*' stops a test"; }; }
stops() { ! in_test "$@" || fail "'$*' lets a test go on"; }

printf 'one\ntwo\n' >file
: >empty
lets_pass expect_in one file
stops expect_in three file
stops expect_in '' file
stops expect_in one missing
stops expect_in one empty
lets_pass expect_not_in three file
lets_pass expect_not_in three empty
stops expect_not_in one file
stops expect_not_in three missing
stops expect_not_in '' file
lets_pass expect_no_file missing
stops expect_no_file file
ln -s nowhere dangling
stops expect_no_file dangling
lets_pass expect_status 0 true
lets_pass expect_status 3 sh -c 'exit 3'
stops expect_status 0 false
stops expect_status 1 true
stops expect_status 1 sh -c 'exit 2'
stops expect_status 1 sh -c 'kill -ABRT $$'

# The catalogue of a test that names no kernel is empty, and not the user's.
[ "$KLPKIT_CACHE" = "$scratch/no-cache" ] || fail "KLPKIT_CACHE is $KLPKIT_CACHE"
mkdir -p cli kernel
echo '. "$KLPKIT_ROOT/tests/lib.sh"; echo "${KLPKIT_CACHE:-none}" "${KLPKIT_TEST_KERNEL:-none}"' | tee cli/test.sh >kernel/test.sh
[ "$(KLPKIT_CACHE=/user KLPKIT_TEST_KERNEL=stock bash kernel/test.sh)" = "/user stock" ] || fail "a kernel that was named is not used"
[[ "$(KLPKIT_CACHE=/user KLPKIT_TEST_KERNEL=stock bash cli/test.sh)" == */no-cache\ none ]] || fail "a cli test has the user's catalogue"
[[ "$(KLPKIT_CACHE=/user bash kernel/test.sh)" == */no-cache\ none ]] || fail "a test has the user's catalogue"

# Findings are recorded, of text and of JSON.
export KLPKIT_FINDINGS=$PWD/findings
expect_status 0 sh -c "printf 'klp: error: a.ko: two [check.first]\nklp: note: three\n  lines [convert.second]\n  hint: no [hint.id] here\n' >&2"
expect_status 0 sh -c "printf '{\n  \"id\": \"diff.third\",\n  \"name\": \"diff.fourth\"\n}\n'"
[ "$(tr '\n' ' ' <findings)" = "check.first convert.second diff.third " ] || fail "recorded: $(cat findings)"

# A patched function that is not proven, or none at all, is no example that was built.
build_with() {
    local answer=$1
    printf '#!/bin/sh\necho '"'%s'\n" "$answer" >klp
    chmod +x klp
    KLP=$PWD/klp KLPKIT_TEST_KERNEL=none build_example any
}
lets_pass build_with '{"objects": [{"functions": [{"new": false, "fidelity": "identical"}, {"new": true, "fidelity": null}]}]}'
stops build_with '{"objects": [{"functions": [{"new": false, "fidelity": "identical"}, {"new": false, "fidelity": "different"}]}]}'
stops build_with '{"objects": [{"functions": [{"new": false, "fidelity": null}]}]}'
stops build_with '{"objects": [{"functions": [{"new": true, "fidelity": null}]}]}'
stops build_with '{"objects": []}'
