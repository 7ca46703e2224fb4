# SPDX-License-Identifier: GPL-2.0-or-later
# A few random livepatches in guests: made ones load and go, and small patches have the effect that they are meant to
# have. The seed is in the output; each property is seen to fail.
. "$(dirname "$0")/../properties.sh"

property 0 effects --count 3
jq -e '.effects_shown + (.refused | length) == 3 and .effects_shown > 0' out >/dev/null || fail "$(cat out)"
property 0 statements --count 4
property 0 modules
jq -e '.made > 0 and .made == .lived_and_went + .called_unsafe_by_klp' out >/dev/null || fail "$(cat out)"

# An effect that its author did not mean, and a livepatch whose file is damaged.
cp -r "$KLPKIT_ROOT/bench/properties" broken
sed -i 's/ ~ [^~]*$/ ~ an effect that nothing has/' broken/effects.table
KLP=$(realpath "$KLP") FOLDER=./broken property 1 effects --count 1
jq -e '.failures | length == 1' out >/dev/null || fail "$(cat out)"
for module in work/*/modules/*.ko; do truncate -s -100 "$module"; done
property 1 modules --count 1
jq -e ".failures | length == 1" out >/dev/null || fail "$(cat out)"
