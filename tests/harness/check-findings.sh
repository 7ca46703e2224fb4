# SPDX-License-Identifier: GPL-2.0-or-later
# scripts/check-findings: what it complains of.
KLP=/bin/true KLPKIT_ROOT=$(realpath "$(dirname "$0")/../..")
export KLP KLPKIT_ROOT
. "$KLPKIT_ROOT/tests/lib.sh"

mkdir -p tree/scripts tree/src/a tree/tests tree/docs
cp "$KLPKIT_ROOT/scripts/check-findings" tree/scripts
echo 'diagnostics.error("diff.first", {}, "text"); open("module.o"); constexpr Rule x{"check.second-one"};' >tree/src/a/a.cpp
printf '| id | meaning |\n|---|---|\n| `diff.first` | – |\n' >tree/docs/findings.md
printf '| `check.second-one` | – |\n' >tree/docs/checks.md
printf 'diff.first\ndiff.first\ncheck.second-one\ntest.own\n' >all
check() { tree/scripts/check-findings "$@"; }

expect_status 0 check
expect_status 0 check all
expect_in "2 ids are documented and provoked" out
head -n 2 all >some
expect_status 1 check some
expect_in "no test provokes check.second-one" out
: >none
expect_status 1 check none
echo 'build.third' >>all
expect_status 1 check all
expect_in "build.third is printed, but is no string of the source" out
echo 'finding("newfound.id");' >tree/src/a/b.cpp
expect_status 1 check
expect_in "do not explain newfound.id" out
rm tree/src/a/b.cpp
echo '| `run.gone`, `run.also-gone` | – |' >>tree/docs/findings.md
expect_status 1 check
expect_in "explains run.gone, which" out
expect_in "explains run.also-gone, which" out
sed -i /gone/d tree/docs/findings.md
echo 'diagnostics.error("diff.first", {}, "text");' >tree/tests/a.cpp
expect_status 1 check
expect_in "tests/a.cpp:1: a test makes a finding" out
