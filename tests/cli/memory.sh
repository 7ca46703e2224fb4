# SPDX-License-Identifier: GPL-2.0-or-later
# Compressed modules: what one costs in memory is what it holds, up to a limit that the message tells.
. "$(dirname "$0")/../tiny-kernel.sh"
# It is klp's own memory that is measured.
if is_sanitized; then KLP=$KLPKIT_ROOT/build/release/klp; fi

tiny_kernel
livepatch_text live | as -o live.ko -
cp live.ko large.ko
head -c 150M /dev/zero >padding
objcopy --add-section .debug_padding=padding live.ko large.ko
rm padding
{ cat live.ko; head -c 1100M /dev/zero; } | tee >(gzip -1 >bomb.ko.gz) >(xz -0 >bomb.ko.xz) | zstd -q >bomb.ko.zst
# tee does not wait for the others.
for format in gz xz; do
    until [ -s bomb.ko.$format ] && ! fuser -s bomb.ko.$format 2>/dev/null; do sleep 0.1; done
done
gzip -1 -k large.ko
xz -0 -k large.ko
zstd -q large.ko
rm large.ko

# peak MEGABYTES STATUS COMMAND...: the most that it had in memory at one time.
peak() {
    python3 - "$@" <<'END' || fail "${*:3}"
import resource, subprocess, sys
most, status, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
with open("out", "w") as out, open("err", "w") as err:
    got = subprocess.run(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print(f"{used} MB, status {got}: {' '.join(command[1:])}")
sys.exit(got != status or used > most)
END
}
commands=("check --kernel tiny" "simulate --kernel tiny" "convert --kernel tiny -o converted.ko" "inspect" "kernel symbols")
[ -n "${KLPKIT_SANITIZED:-}" ] && skip "sanitizers keep what was freed"
for format in gz xz zst; do
    for command in "${commands[@]}"; do
        # shellcheck disable=SC2086
        peak 620 1 "$KLP" $command ./bomb.ko.$format
        expect_in "data expands to more than the limit of 536870912 bytes (536.9 MB)" err
        most=260
        [ "${command%% *}" = check ] || [ "${command%% *}" = convert ] && most=420
        # shellcheck disable=SC2086
        peak $most 0 "$KLP" $command ./large.ko.$format
    done
    # All other ways in.
    for command in "run --kernel tiny bomb.ko.$format" "check --kernel tiny live.ko --object bomb.ko.$format" \
        "simulate --kernel tiny live.ko --object ./bomb.ko.$format" "run --kernel tiny live.ko --late-module ./bomb.ko.$format" \
        "convert --kernel tiny live.ko --module bomb.ko.$format -o converted.ko"; do
        # shellcheck disable=SC2086
        peak 620 1 "$KLP" $command
        expect_in "536870912" err
    done
    # They read no compressed files.
    peak 100 1 "$KLP" diff live.ko bomb.ko.$format
    cp bomb.ko.$format cache/kernels/tiny/modules/there.ko.$format
    peak 620 1 "$KLP" symbols-db --kernel tiny -o none
    expect_no_file none
    expect_in "536870912" err
    peak 620 1 "$KLP" kernel symbols tiny --object there
    rm cache/kernels/tiny/modules/there.ko.$format
    rm converted.ko
done
