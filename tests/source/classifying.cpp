// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "source/classify.hpp"

namespace klp::source {
namespace {

struct Row {
    const char* path;
    FileKind kind;
    const char* id;
};

class Classifying : public testing::TestWithParam<Row> {};

TEST_P(Classifying, ByPath) {
    const FileClass result = classify(GetParam().path);
    EXPECT_EQ(result.kind, GetParam().kind) << GetParam().path;
    EXPECT_EQ(result.id, GetParam().id) << GetParam().path;
}

INSTANTIATE_TEST_SUITE_P(
    Files, Classifying,
    testing::Values(Row{"fs/proc/meminfo.c", FileKind::c_source, ""}, Row{"include/linux/mm.h", FileKind::header, ""},
                    Row{"fs/exfat/utf.inc", FileKind::header, ""}, Row{"include/vdso/datapage.h", FileKind::header, ""},
                    Row{"net/bootp/boot.c", FileKind::c_source, ""}, Row{"Documentation/x.c", FileKind::ignored, ""},
                    Row{"MAINTAINERS", FileKind::ignored, ""}, Row{"fs/Documentation.txt", FileKind::text, ""},
                    Row{"tools/testing/x.c", FileKind::ignored, ""}, Row{"samples/x.c", FileKind::c_source, ""},
                    Row{"tools/objtool/check.c", FileKind::skipped, "build.build-system"},
                    Row{"scripts/dtc/libfdt/fdt.c", FileKind::c_source, ""},
                    Row{"fs/Makefile", FileKind::refused, "build.build-system"},
                    Row{"Kconfig.debug", FileKind::skipped, "build.build-system"},
                    Row{"scripts/mod/modpost.c", FileKind::refused, "build.build-system"},
                    Row{"arch/x86/kernel/vmlinux.lds.S", FileKind::refused, "build.build-system"},
                    Row{"arch/x86/entry/syscalls/syscall_64.tbl", FileKind::refused, "build.source-input"},
                    Row{"arch/x86/entry/entry_64.S", FileKind::refused, "build.assembly"},
                    Row{"arch/x86/entry/vdso/vclock_gettime.c", FileKind::refused, "build.vdso"},
                    Row{"lib/vdso/gettimeofday.c", FileKind::refused, "build.vdso"},
                    Row{"arch/x86/boot/compressed/misc.c", FileKind::refused, "build.boot"},
                    Row{"arch/x86/realmode/rm/wakemain.c", FileKind::refused, "build.boot"},
                    Row{"drivers/firmware/efi/libstub/file.c", FileKind::refused, "build.boot"},
                    Row{"arch/x86/lib/x86-opcode-map.txt", FileKind::text, ""}, Row{"README", FileKind::text, ""},
                    Row{"fs/.gitignore", FileKind::ignored, ""},
                    Row{"arch/x86/configs/x86_64_defconfig", FileKind::skipped, "build.build-system"},
                    Row{"net/ipv4/netfilter/nf_nat_snmp_basic.asn1", FileKind::refused, "build.source-input"},
                    Row{"drivers/tty/vt/defkeymap.c_shipped", FileKind::refused, "build.source-input"},
                    Row{"drivers/tty/vt/defkeymap.map", FileKind::refused, "build.source-input"},
                    Row{"lib/raid6/int.uc", FileKind::refused, "build.source-input"},
                    Row{"arch/x86/crypto/x.pl", FileKind::refused, "build.source-input"},
                    Row{"rust/kernel/lib.rs", FileKind::refused, "build.file-kind"}));

}  // namespace
}  // namespace klp::source
