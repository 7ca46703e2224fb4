# SPDX-License-Identifier: GPL-2.0-or-later
# Entries of tables and states of messages that stand in no livepatch's way.
. "$(dirname "$0")/../lib.sh"

# build STATUS FILE SED-SCRIPT: entries.ko of the patch that applies SED-SCRIPT to FILE of the source.
build() {
    rm -f entries.patch entries.ko
    add_change entries.patch "$2" "$3"
    expect_status "$1" "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o entries.ko entries.patch
    cp out made.json
    [ "$1" -ne 0 ] || expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" entries.ko
}
build_ok() { build 0 "$@"; }

# What modinfo says is not changed by a livepatch.
add_change info.patch net/core/pktgen.c 's/^MODULE_VERSION.*/&\nMODULE_ALIAS("packet-generator");/
    s/wrong command format/bad command format/; s/^MODULE_DESCRIPTION.*/MODULE_DESCRIPTION("other");/'
expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o info.ko info.patch
expect_in 'does not get the module information "alias=packet-generator"' err
expect_in "[diff.not-carried]" err

# A string that init code has printed as well.
build_ok net/core/pktgen.c 's/^#define VERSION	"2.75"/#define VERSION	"2.76"/'
strings entries.ko | found -F 2.76 || fail "the new string"

# A new function that may not be probed, and a changed one.
build_ok fs/proc/loadavg.c 's/^static int loadavg_proc_show/static noinline unsigned long fresh(void)\n{\n\treturn nr_iowait() + 7;\n}\nNOKPROBE_SYMBOL(fresh);\n\n&/
    s/^	get_avenrun.*/&\n	avnrun[0] += fresh();/; s,^#include <linux/fs.h>,&\n#include <linux/kprobes.h>,'
readelf -SW entries.ko | found _kprobe_blacklist || fail "no entry for the new function"

# States of messages: new ones come along.
build_ok fs/proc/loadavg.c 's/^	get_avenrun.*/&\n	pr_info_once("once\\n");\n	WARN_ONCE(!m, "warned\\n");\n	pr_info_ratelimited("some\\n");\n	printk_once("twice\\n");/'
readelf -sW entries.ko | found '__already_done' || fail "no new state"
build_ok net/ipv4/raw.c 's/^		if (usin->sin_family != AF_INET) {/		pr_info_once("another\\n");\n&/'
build_ok net/ipv4/route.c 's/^	net_get_random_once(&fnhe_hash_key.*/&\n	pr_warn_once("hash\\n");/'
build_ok fs/proc/loadavg.c 's/^	get_avenrun.*/&\n	if (net_ratelimit())\n		avnrun[0]++;/; s,^#include <linux/fs.h>,&\n#include <linux/net.h>,'

# What is made of CONFIG_PRINTK_INDEX and trace_printk().
build_ok fs/proc/loadavg.c 's/^	get_avenrun.*/&\n	trace_printk("shown %d\\n", 1);/'
readelf -SW entries.ko | found __trace_printk_fmt || fail "no format"
