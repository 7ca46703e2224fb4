# SPDX-License-Identifier: GPL-2.0-or-later
# What commands leave (-o, --dump): nothing over an input, nothing without results, devices and links as they are.
. "$(dirname "$0")/../tiny-kernel.sh"

tiny_kernel
livepatch_text live | as -o live.ko -
livepatch_text live | sed 's/new_show: ret/new_show: nop; ret/' | as -o other.ko -
cp live.ko live.before
for side in original patched; do
    echo "int f(int x) { return x + $([ $side = patched ] && echo 2 || echo 1); }" >$side.c
    gcc -O2 -fno-pie -mcmodel=kernel -mno-red-zone -pg -mfentry -mrecord-mcount -fcf-protection=none -ffunction-sections -c $side.c
    cp $side.o $side.before
done
tiny() { "$KLP" "$1" --kernel tiny "${@:2}"; }
expect_status 0 tiny symbols-db -o tiny.db
cp tiny.db tiny.db.before
expect_status 0 tiny convert live.ko -o expected.ko
expect_status 0 "$KLP" diff original.o patched.o -o expected.o

nothing_left() { [ -z "$(find . -name '*.tmp' -o -name 'klp-*' -o -name '.klp*')" ] || fail "left: $(find . -name '*.tmp' -o -name 'klp-*')"; }

# Over an input: by its name, by another one, by a symbolic link, by a hard link.
ln -s original.o link.o
ln patched.o hard.o
mkdir folder
ln -s "$PWD" folder/up
kernel=cache/kernels/tiny
for output in original.o ./original.o folder/../patched.o link.o hard.o folder/up/patched.o "$PWD/original.o"; do
    expect_status 64 "$KLP" diff original.o patched.o -o "$output"
    expect_in 'the same file as the input' err
    [ ! -s out ] || fail "something was done before '$output' was refused"
done
for output in live.ko tiny.db "$kernel/vmlinux" "$kernel/config" "$kernel/Module.symvers" "$kernel/kernel.json"; do
    expect_status 64 tiny convert live.ko -o "$output" --module tiny.db
    expect_in 'the same file as the input' err
done
expect_status 64 "$KLP" convert live.ko --symbols tiny.db -o tiny.db
expect_status 64 tiny symbols-db -o "$kernel/vmlinux"
cp other.ko "$kernel/modules/there.ko"
expect_status 64 tiny convert live.ko -o "$kernel/modules/there.ko"
expect_in 'a file in the input' err
expect_status 64 tiny symbols-db -o "$kernel/modules/there.ko"
cmp other.ko "$kernel/modules/there.ko"
rm "$kernel/modules/there.ko"
cp "$kernel/vmlinux" "$kernel/config" .
cp "$kernel/Module.symvers" symvers
expect_status 64 "$KLP" symbols-db vmlinux other.ko --config config --symvers symvers -o other.ko
expect_status 64 "$KLP" symbols-db vmlinux other.ko --config config --symvers symvers -o symvers
expect_status 64 tiny simulate live.ko --dump live.ko
expect_status 64 tiny simulate other.ko --object live.ko --dump ./live.ko
for file in original.o patched.o; do cmp $file ${file%.o}.before; done
cmp live.ko live.before
cmp tiny.db tiny.db.before
[ -L link.o ] || fail "the link is gone"

# An empty name is none, and no wish to have no output.
expect_status 64 "$KLP" diff original.o patched.o -o ''
expect_status 64 tiny convert live.ko -o ''
expect_status 64 tiny symbols-db -o ''
expect_status 64 tiny simulate live.ko --dump ''

# Before anything is done, also where nothing can be written.
for output in folder none/out.o original.o/out.o folder/; do
    expect_status 1 "$KLP" diff original.o patched.o -o "$output"
    [ ! -s out ] || fail "something was done before '$output' was refused"
done
expect_status 1 tiny simulate live.ko --dump cache
expect_in 'expected an empty folder, or none' err
[ ! -s out ] || fail "the simulation was played"

# Results that cannot be printed.
full() { "$@" >/dev/full; }
closed() { "$@" >&-; }
for way in full closed; do
    for present in no yes; do
        rm -rf new new.folder
        [ $present = no ] || echo old >new
        expect_status 1 $way "$KLP" diff original.o patched.o -o new
        expect_in 'results could not be written to standard output' err
        expect_status 1 $way tiny convert live.ko -o new
        expect_status 1 $way tiny simulate live.ko --dump new.folder
        expect_no_file new.folder
        nothing_left
        if [ $present = no ]; then expect_no_file new; else [ "$(cat new)" = old ] || fail "new was replaced"; fi
    done
    for what in "--help" "--version" "build --help" "kernel list" "kernel info tiny" "kernel symbols tiny" "inspect live.ko"; do
        # shellcheck disable=SC2086
        expect_status 1 $way "$KLP" $what
    done
done

# A reader that has seen enough.
for what in "--help" "kernel symbols tiny" "inspect live.ko" "diff original.o patched.o -o piped.o" "convert live.ko --kernel tiny -o piped.ko"; do
    # shellcheck disable=SC2086
    { "$KLP" $what 2>err; echo $? >status; } | true
    [ "$(cat status)" = 0 ] && ! grep -q 'klp: error' err || { cat err; fail "'$what' without a reader: $(cat status)"; }
done
cmp piped.o expected.o

# Devices, FIFOs and standard output are written to.
"$KLP" diff original.o patched.o -o /dev/stdout 2>results | cmp - expected.o || fail "not the object on standard output"
grep -qF 'f' results || fail "no results on standard error"
expect_status 0 tiny convert live.ko --json -o /dev/stdout
cmp out expected.ko || fail "not the module on standard output"
grep -v '^klp: note' err | jq -e '.output == "/dev/stdout"' >/dev/null || { cat err; fail "no results on standard error"; }
expect_status 0 tiny convert live.ko -o /dev/fd/1
cmp out expected.ko || fail "not the module in /dev/fd/1"
expect_status 0 tiny convert live.ko -o /dev/null
[ -c /dev/null ] && [ -L /dev/stdout ] || fail "a device was replaced"
tiny convert live.ko -o /dev/fd/7 7>seven >/dev/null
cmp seven expected.ko
mkfifo pipe
cat pipe >from-pipe &
expect_status 0 tiny convert live.ko -o pipe
wait $!
cmp from-pipe expected.ko
[ -p pipe ] || fail "the FIFO was replaced"
expect_status 1 tiny convert live.ko -o /dev/full
[ -c /dev/full ] || fail "/dev/full was replaced"
# Without a reader a FIFO is waited for, and Ctrl-C ends that.
env --default-signal=INT "$KLP" convert live.ko --kernel tiny -o pipe >out 2>err &
sleep 0.7
kill -INT $!
wait $! && fail "no reader, and yet done"
expect_in interrupted err

# Links are followed, also those to what is not there yet.
echo old >folder/target
ln -s folder/target to-target
ln -s to-target to-link
ln -s folder/fresh to-fresh
expect_status 0 tiny convert live.ko -o to-link
cmp folder/target expected.ko
expect_status 0 tiny convert live.ko -o to-fresh
cmp folder/fresh expected.ko
[ -L to-link ] && [ -L to-target ] && [ -L to-fresh ] || fail "a link was replaced"
ln -s round-b round-a
ln -s round-a round-b
expect_status 1 tiny convert live.ko -o round-a
expect_in 'too many levels of symbolic links' err

# The mode of what is replaced; the umask for what is new.
for mode in 600 640 755; do
    echo old >mode.ko
    chmod $mode mode.ko
    expect_status 0 tiny convert live.ko -o mode.ko
    [ "$(stat -c %a mode.ko)" = $mode ] || fail "mode $mode became $(stat -c %a mode.ko)"
done
(umask 077; expect_status 0 tiny convert live.ko -o private.ko)
[ "$(stat -c %a private.ko)" = 600 ] || fail "the umask is not respected"
(umask 002; expect_status 0 tiny convert live.ko -o public.ko)
[ "$(stat -c %a public.ko)" = 644 ] || fail "mode of a new file: $(stat -c %a public.ko)"

# As long as a name may be, and longer.
long=$(printf 'n%.0s' $(seq 252)).ko
expect_status 0 tiny convert live.ko -o "$long"
cmp "$long" expected.ko
expect_status 0 "$KLP" diff original.o patched.o -o "$long"
expect_status 1 tiny convert live.ko -o "x$long"
expect_in 'file name too long' err
nothing_left
