# SPDX-License-Identifier: GPL-2.0-or-later
# Sources that include what makefiles make while the kernel is built: a prepared tree does not have it.
. "$(dirname "$0")/../lib.sh"

source=$(path_of source)
touch began

# build STATUS FILE SED-SCRIPT: generated.ko of the patch that applies SED-SCRIPT to FILE of the source.
build() {
    rm -f generated.patch generated.ko
    add_change generated.patch "$2" "$3"
    expect_status "$1" "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o generated.ko generated.patch
}
# made_of FUNCTION: it is the only one, and its original is the shipped one to the byte.
made_of() {
    jq -e --arg name "$1" '[.objects[].functions[]] == [.objects[].functions[] | select(.name == $name and .fidelity == "identical")] and
        (.objects[].functions | length == 1)' out >/dev/null || fail "$(jq .objects out)"
}

# Two headers that one rule makes, in the source's folder and in the one above it; a list that a shell command makes;
# what a compiler of the tree makes of a grammar.
build 0 security/selinux/hooks.c '/^static int selinux_inode_permission/,/^}/s/if (!mask)/if (!(mask + 0x40))/'
made_of selinux_inode_permission
build 0 security/selinux/ss/services.c '/^int security_get_bools/,/^}/s/\*len = 0;/*len = 1;/'
made_of security_get_bools
build 0 security/apparmor/capability.c '/^int aa_capable/,/^}/s/int error = 0;/&\n\tif (cap == 0x77)\n\t\treturn -EPERM;/'
made_of aa_capable
build 0 crypto/asymmetric_keys/x509_cert_parser.c '/^struct x509_certificate \*x509_cert_parse/,/^}/s/ret = -ENOMEM;/ret = -EAGAIN;/'
made_of x509_cert_parse

# A table that a program makes, which has a patched header, too.
build 3 lib/crc32defs.h 's/^# define CRC_LE_BITS 64/&\n#define NOBODY_USES_THIS 1/'
expect_in "changes no code" err

# One that a program of scripts/ has in it, which was made long ago.
build 2 security/selinux/include/classmap.h 's/"ioctl", "read", "write"/"read", "ioctl", "write"/'
expect_in "[build.source-input]" err
expect_in "scripts/selinux/genheaders/genheaders.c" err

# What nobody makes is missed still.
build 1 fs/proc/loadavg.c 's/^#include <linux\/seq_file.h>/&\n#include "nobody-makes-this.h"/'
expect_in "nobody-makes-this.h: No such file" err

changed=$(find "$source" -newer began -not -type d | head -n 3)
[ -z "$changed" ] || fail "the kernel's source was changed: $changed"
