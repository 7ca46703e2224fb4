# SPDX-License-Identifier: GPL-2.0-or-later
# Wrong usage ends with 64 and says what is wrong; help goes to standard output.
. "$(dirname "$0")/../lib.sh"

expect_status 0 "$KLP" --help
for command in kernel build run diff inspect check; do
    expect_in "$command" out
    expect_status 0 "$KLP" $command --help
    [ -s out ] && [ ! -s err ] || fail "help of $command is not on standard output"
    expect_status 0 "$KLP" --help
done
expect_status 0 "$KLP" --version
expect_in klp out

expect_status 64 "$KLP"
expect_status 64 "$KLP" nonsense
expect_status 64 "$KLP" build
expect_status 64 "$KLP" build --nonsense x.patch
expect_in nonsense err
expect_status 64 "$KLP" inspect
expect_status 64 "$KLP" kernel
expect_status 1 "$KLP" inspect /nonexistent.ko
expect_in /nonexistent.ko err
