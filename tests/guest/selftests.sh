# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's own livepatch selftests, as they are in the kernel's source, with their modules built for the stock
# kernel and passed through convert. What the scripts call is the host's: bash, coreutils, kmod and the like.
. "$(dirname "$0")/../lib.sh"

source=$(path_of source)
release=$("$KLP" kernel info "$KLPKIT_TEST_KERNEL" --json | jq -r .release)
scripts=(test-livepatch test-callbacks test-shadow-vars test-state test-ftrace test-sysfs)
programs=(bash cat comm diff dirname dmesg echo grep id awk mktemp modinfo modprobe rm rmmod sed sleep stat sysctl)
PATH=$PATH:/usr/sbin:/sbin

build_kernel_modules lib/livepatch CONFIG_TEST_LIVEPATCH=m
convert_livepatches lib/livepatch

# A tree for the guest: the programs with their libraries, the modules where modprobe looks, the scripts.
mkdir -p tree/bin tree/selftests "tree/lib/modules/$release"
for program in "${programs[@]}"; do
    path=$(type -P "$program") || fail "the host has no $program"
    cp -L "$path" "tree/bin/$program"
    ldd "$path" | grep -o '/[^ ]*' | while read -r library; do
        install -D "$library" "tree$library"
    done
done
cp lib/livepatch/*.ko "tree/lib/modules/$release"
depmod -b tree "$release" 2>/dev/null
cp "$source"/tools/testing/selftests/livepatch/* tree/selftests
tar -C tree -cf tree.tar .

# The guest's command runs three times, the tests take the first.
cat >steps <<'END'
[ ! -e /selftests ] || exit 0
tar -xf tree.tar
ln -s /proc/self/fd /dev/fd  # bash's <(...), by which a script shows what it did not expect
cd /selftests
for script in $0; do
    [ -e "$script.sh" ] || { echo "$script: not in this source"; continue; }
    status=0
    "./$script.sh" </dev/null 2>&1 || status=$?
    echo "$script: status $status"
done
END
run_guest --timeout 400 --file tree.tar lib/livepatch/test_klp_livepatch.ko -- sh -c "$(cat steps)" "${scripts[*]}"

for script in "${scripts[@]}"; do
    case $(grep "^$script: " before) in
        "$script: status 0") ;;
        "$script: not in this source") echo "skipped: $script is not in this kernel's source" ;;
        "$script: status 4") cat before; fail "$script skipped itself" ;;
        *) cat before; fail "$script failed" ;;
    esac
done
# Each of the scripts' tests says ok.
tests=$(cat tree/selftests/test-*.sh | grep -c '^start_test ')
[ "$tests" -gt 0 ] && [ "$(grep -c '^TEST: .* \.\.\. ok$' before)" -eq "$tests" ] || fail "expected $tests tests: $(cat before)"
