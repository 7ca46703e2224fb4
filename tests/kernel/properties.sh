# SPDX-License-Identifier: GPL-2.0-or-later
# A few random cases of the properties in bench/properties; the seed is in the output. Each property is seen to fail
# with a klp that says something else.
. "$(dirname "$0")/../properties.sh"

property 0 blanks --count 2
jq -e '.units == 2' out >/dev/null || fail "$(cat out)"
property 0 statements --count 2
jq -e '.cases == 2' out >/dev/null || fail "$(cat out)"
property 0 identical --count 2
jq -e '.objects_of_the_cache == 2' out >/dev/null || fail "$(cat out)"

# A klp that hides each function's name, and takes what is unchanged for done.
cat >lying-klp <<END
#!/bin/sh
"$KLP" "\$@" >lying-output
status=\$?
case \$1 in
build) sed 's/"name": "\([a-z_0-9.]*\)"/"name": "not_\1"/' lying-output ;;
*) cat lying-output ;;
esac
case \$1.\$status in build.3 | diff.3) exit 0 ;; esac
exit \$status
END
chmod +x lying-klp
property 1 blanks --count 1 --klp ./lying-klp
jq -e '.failures | length == 1' out >/dev/null || fail "$(cat out)"
property 1 statements --count 1 --klp ./lying-klp
jq -e '.failures | length == 1' out >/dev/null || fail "$(cat out)"
property 1 identical --count 1 --klp ./lying-klp
jq -e '.failures | length == 1' out >/dev/null || fail "$(cat out)"
