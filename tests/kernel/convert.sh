# SPDX-License-Identifier: GPL-2.0-or-later
# klp convert on livepatches built by kbuild for the stock kernel: what is converted, refused, and the same by a list of
# symbols.
. "$(dirname "$0")/../convert.sh"

build_by_hand
convert klp_automatic
convert klp_annotated
readelf -SW klp_annotated.ko >sections
readelf -sW klp_annotated.ko >symbols
for name in klp_pair.same_name,1 klp_pair.same_name,2 klp_pair.pair_secret,0 vmlinux.saved_command_line,0; do
    grep -q "OS \[0xff20\] .klp.sym.$name\$" symbols || fail "$name: $(cat symbols)"
done
expect_in .klp.rela.klp_pair..text sections
expect_in .klp.rela.vmlinux..text sections
expect_not_in klp.module_relocs sections
expect_not_in klp.sym.rela symbols

# Nothing is guessed.
pair=(--module by-hand/klp_pair.ko)
expect_status 2 "$KLP" convert --kernel "$KLPKIT_TEST_KERNEL" "${pair[@]}" by-hand/klp_ambiguous.ko -o refused.ko
expect_in "'same_name' could be any of 2 symbols [convert.ambiguous]" err
expect_in "klp_pair: position 2 (.text+0x" err
expect_status 2 "$KLP" convert --kernel "$KLPKIT_TEST_KERNEL" "${pair[@]}" by-hand/klp_wrong.ko -o refused.ko
expect_in "'same_name' number 3 of klp_pair, which has 2 [convert.position]" err
expect_in "has no module of that name [convert.object]" err
expect_no_file refused.ko

# A local variable of a module that comes with the kernel; a name that vmlinux has often.
mkdir shipped
echo "ccflags-y := -I$KLPKIT_ROOT/tests/modules/convert
obj-m := klp_pktgen.o klp_often.o" >shipped/Makefile
cat >shipped/klp_pktgen.c <<'END'
#include "livepatch_of.h"
extern unsigned int pg_net_id;
static int livepatch_pgctrl_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "%u\n", pg_net_id);
	return 0;
}
LIVEPATCH("pktgen", "pgctrl_show", livepatch_pgctrl_show);
END
cat >shipped/klp_often.c <<'END'
#include "livepatch_of.h"
extern ssize_t state_show(void *, void *, char *);
static int livepatch_cmdline_proc_show(struct seq_file *file, void *unused)
{
	return state_show(NULL, NULL, NULL);
}
LIVEPATCH(NULL, "cmdline_proc_show", livepatch_cmdline_proc_show);
END
build_modules "$PWD/shipped" KBUILD_MODPOST_WARN=1
expect_status 0 "$KLP" convert --kernel "$KLPKIT_TEST_KERNEL" shipped/klp_pktgen.ko -o klp_pktgen.ko
expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" klp_pktgen.ko
expect_status 2 "$KLP" convert --kernel "$KLPKIT_TEST_KERNEL" shipped/klp_often.ko -o refused.ko
"$KLP" kernel symbols "$KLPKIT_TEST_KERNEL" state_show >often
[ "$(grep -c '^  note: vmlinux: position ' err)" -eq "$(wc -l <often)" ] || fail "$(cat err often)"
address=$(sed -n 3p often | cut -d' ' -f1)
grep -qE "position 3 \(address 0x${address}[,)]" err || fail "$address: $(cat err)"

# A list of symbols gives the same bytes.
expect_status 0 "$KLP" symbols-db --kernel "$KLPKIT_TEST_KERNEL" -o stock.db
without_kernel() { KLPKIT_CACHE=$PWD/nothing expect_status "$1" "$KLP" convert --symbols stock.db "${@:2}"; }
for name in klp_automatic klp_annotated; do
    without_kernel 0 "${pair[@]}" "by-hand/$name.ko" -o again.ko
    cmp "$name.ko" again.ko
done
without_kernel 0 shipped/klp_pktgen.ko -o again.ko
cmp klp_pktgen.ko again.ko
cp err with-kernel
without_kernel 2 shipped/klp_often.ko -o refused.ko
grep -c '^  note: vmlinux: position ' err | found -x "$(wc -l <often)" || fail "$(cat err)"

# Before the last link the same references are resolved, with a word on what GNU ld does to them.
expect_status 0 "$KLP" convert --kernel "$KLPKIT_TEST_KERNEL" by-hand/klp_automatic.o -o unlinked.o
expect_in saved_command_line out
expect_in "[convert.unlinked]" err

# The kernel's own sign-file makes the same signature.
openssl req -new -x509 -newkey rsa:2048 -noenc -sha256 -subj /CN=test -keyout key.pem -out certificate.pem 2>/dev/null
expect_status 0 "$KLP" convert --kernel "$KLPKIT_TEST_KERNEL" by-hand/klp_automatic.ko -o signed.ko --sign key.pem certificate.pem
hash=$(sed -n 's/^CONFIG_MODULE_SIG_HASH="\(.*\)"/\1/p' "$(path_of config)")
"$(path_of source)/scripts/sign-file" "$hash" key.pem certificate.pem klp_automatic.ko by-sign-file.ko
cmp signed.ko by-sign-file.ko
