# SPDX-License-Identifier: GPL-2.0-or-later
# A new function of the kernel, with an export, that a patched module uses, too: there is one of it.
. "$(dirname "$0")/../lib.sh"

add_change shared.patch fs/proc/version.c '/^static int version_proc_show/i \
static int shared_calls;\
int klpkit_shared(void);\
noinline int klpkit_shared(void)\
{\
\treturn ++shared_calls;\
}\
EXPORT_SYMBOL_GPL(klpkit_shared);\

s/^\tseq_printf(m, linux_proc_banner,/\tseq_printf(m, "call %d\\n", klpkit_shared());\n&/'
add_change shared.patch fs/binfmt_misc.c '/^#include <linux\/module.h>/a \
int klpkit_shared(void);
s/enabled ? "enabled\\n" : "disabled\\n";/klpkit_shared() == 2 ? "two\\n" : "other\\n";/'
expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o shared.ko shared.patch
[ "$(jq '[.objects[].functions[] | select(.name == "klpkit_shared")] | length' out)" -eq 1 ] || fail "$(cat out)"
jq -e 'any(.findings[]; .id == "diff.not-carried" and (.message | contains("klpkit_shared")))' out >/dev/null || fail "$(cat out)"
run_guest --module binfmt_misc shared.ko -- \
    "cat /proc/version; mkdir -p /b; mount -t binfmt_misc none /b; cat /b/status; umount /b"
grep -q "^Linux version" before && grep -qx enabled before || fail "$(cat before)"
grep -qx "call 1" after && grep -qx two after || fail "$(cat after)"
cmp before reverted
