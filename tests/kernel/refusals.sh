# SPDX-License-Identifier: GPL-2.0-or-later
# Patches that cannot become a livepatch: one clear message, the documented status, no output file, and no
# change to the kernel's source.
. "$(dirname "$0")/../lib.sh"

source=$(path_of source)
touch began

# refused_patch STATUS TEXT: bad.patch ends with STATUS and a message that has TEXT.
refused_patch() {
    echo precious >bad.ko
    expect_status "$1" "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o bad.ko bad.patch
    expect_in "$2" err
    [ "$(cat bad.ko)" = precious ] || fail "the output file was touched"
    [ ! -s out ] || fail "standard output: $(cat out)"
}

# refused STATUS TEXT FILE SED-SCRIPT: as above with the patch that applies SED-SCRIPT to FILE of the source.
refused() {
    rm -f bad.patch
    add_change bad.patch "$3" "$4"
    refused_patch "$1" "$2"
}

refused 3 "no code" fs/proc/cmdline.c '1a /* a comment that moves every line */'
refused 1 "fs/proc/cmdline.c" fs/proc/cmdline.c 's/seq_putc(m/seq_put_nonsense(m/'
refused 2 "diff.init-code" fs/proc/cmdline.c 's/proc_create_single("cmdline"/proc_create_single("cmdline2"/'
refused 2 "diff.data-changed" fs/dcache.c 's/sysctl_vfs_cache_pressure __read_mostly = 100/sysctl_vfs_cache_pressure __read_mostly = 101/'
refused 2 "assembly" arch/x86/lib/memcpy_64.S 's/movq %rdi, %rax/&\n\tnop/'
refused 2 "vdso" arch/x86/entry/vdso/vclock_gettime.c 's/return __cvdso_gettimeofday(tv, tz);/return 0 * __cvdso_gettimeofday(tv, tz);/'
refused 2 "diff.not-traceable" kernel/trace/trace_clock.c 's/clock = sched_clock();/clock = sched_clock() + 1;/'
refused 2 "[build.boot]" arch/x86/boot/main.c 's/init_default_io_ops();/&\n\tputs("");/'
refused 2 "[build.build-system]" fs/proc/Makefile 's/^proc-y/# &/'
refused 2 "[build.file-kind]" kernel/gen_kheaders.sh '2a # nothing'
refused 2 "[build.not-built]" arch/powerpc/kernel/module.c 's/GFP_KERNEL/GFP_ATOMIC/; 1a int not_built;'
refused 2 "[build.nothing-replaced]" fs/proc/cmdline.c '/^static int __init/i int nobody_calls_this(void) { return jiffies; }'
# Nothing is wrong with the code, but the kernel would not load it: klp check's findings are the build's.
refused 2 "[check.load]" fs/proc/cmdline.c 's/^static int cmdline_proc_show/#include <linux\/percpu.h>\nstatic DEFINE_PER_CPU(char [65536], big);\n&/; s/seq_putc(m, .*/&\n\tthis_cpu_inc(big[65000]);/'
expect_in "livepatch_bad.ko: loading of 'livepatch_bad' is refused with error 12" err
refused 2 "'init_cpu_devs' of vmlinux is in init memory" arch/x86/xen/enlighten.c '/^static __ref void xen_get_vendor/,/^}/s/init_cpu_devs();/&\n\tbarrier();\n\tWRITE_ONCE(boot_cpu_data.x86_cache_size, 3);/'

# A patch for other source: the context is not there.
cat >bad.patch <<'P'
--- a/fs/proc/cmdline.c
+++ b/fs/proc/cmdline.c
@@ -7,4 +7,4 @@
 static int cmdline_proc_show(struct seq_file *m, void *v)
 {
-	seq_puts(m, another_command_line);
+	seq_puts(m, "nothing");
 	seq_putc(m, '\n');
P
refused_patch 1 "bad.patch"
expect_in "hunk" err
# Files that come and go, and what is said of a patch that changes no code.
printf -- '--- /dev/null\n+++ b/fs/proc/new.c\n@@ -0,0 +1,1 @@\n+int new;\n' >bad.patch
refused_patch 2 "[build.new-file]"
{ printf -- '--- a/fs/proc/cmdline.c\n+++ /dev/null\n@@ -1,%d +0,0 @@\n' "$(wc -l <"$source/fs/proc/cmdline.c")"
  sed 's/^/-/' "$source/fs/proc/cmdline.c"; } >bad.patch
refused_patch 2 "[build.deleted-file]"
sed -n 1,4p "$source/Documentation/index.rst" >first
{ printf -- '--- a/Documentation/index.rst\n+++ b/Documentation/index.rst\n@@ -1,4 +1,5 @@\n'
  sed 's/^/ /' first; printf '+more\n'; } >bad.patch
rm first
refused_patch 3 "[build.note]"
expect_in "Documentation/index.rst: ignored" err

printf 'no patch at all\n' >bad.patch
refused_patch 1 "bad.patch"
: >bad.patch
refused_patch 1 "bad.patch"
printf -- '--- a/fs/proc/nonexistent.c\n+++ b/fs/proc/nonexistent.c\n@@ -1,1 +1,1 @@\n-a\n+b\n' >bad.patch
refused_patch 1 "nonexistent.c"
rm bad.patch
refused_patch 1 "bad.patch"

changed=$(find "$source" -newer began -not -type d | head -n 3)
[ -z "$changed" ] || fail "the kernel's source was changed: $changed"
[ "$(ls)" = "bad.ko
began
err
out" ] || fail "left behind: $(ls)"
