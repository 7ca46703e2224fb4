# SPDX-License-Identifier: GPL-2.0-or-later
# Same input, same bytes: wherever and however often it is built, alone or beside others.
. "$(dirname "$0")/../lib.sh"

patches=$KLPKIT_ROOT/examples
build() { "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --name same "$@" >/dev/null 2>>log || echo "failed: $*" >>failures; }

build -o first.ko "$patches/two-objects.patch"
build -o second.ko "$patches/two-objects.patch"
own_catalogue
mkdir -p elsewhere/deeper "another temporary folder"
cp "$patches/two-objects.patch" elsewhere/deeper
export TMPDIR="$PWD/another temporary folder"
(cd elsewhere/deeper && build -j 1 -o third.ko two-objects.patch)
[ -z "$(ls "$TMPDIR")" ] || fail "left in TMPDIR: $(ls "$TMPDIR")"

# Four at once, with nothing compiled yet.
rm -r "cache/kernels/$KLPKIT_TEST_KERNEL/cache"
for i in 1 2 3 4; do build -o "at-once-$i.ko" "$patches/two-objects.patch" & done
wait
[ ! -e failures ] || fail "$(cat failures log)"
for module in second.ko elsewhere/deeper/third.ko at-once-[1-4].ko; do
    cmp first.ko "$module" || fail "$module differs"
done
[ -z "$(ls -A "$TMPDIR")" ] || fail "left in TMPDIR: $(ls -A "$TMPDIR")"
[ -z "$(find cache -name '*.tmp')" ] || fail "left in the cache: $(find cache -name '*.tmp')"
