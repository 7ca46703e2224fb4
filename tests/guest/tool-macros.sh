# SPDX-License-Identifier: GPL-2.0-or-later
# Patches that were written for kpatch-build and for klp-build: each of their macros, at work in one livepatch.
. "$(dirname "$0")/../lib.sh"

source=$(path_of source)
for side in a b; do
    for file in fs/proc/{meminfo,version,loadavg,softirqs}.c fs/binfmt_misc.c kernel/sys.c; do
        mkdir -p "$side/${file%/*}"
        cp "$source/$file" "$side/$file"
    done
done
# include FILE HEADER: behind the first of its includes.
include() { sed -i "0,/^#include/s|^#include.*|&\n#include $2|" "b/$1"; }
# after FILE: adds the standard input at the end.
after() { cat >>"b/$1"; }

# kpatch: callbacks of vmlinux, a message, a function that may be replaced at any time.
include fs/proc/meminfo.c '"kpatch-macros.h"'
sed -i 's/si_meminfo(&i);/&\n\tKPATCH_PRINTK("tool: meminfo %d\\n", 7);/' b/fs/proc/meminfo.c
after fs/proc/meminfo.c <<'END'
static int before_patch(patch_object *obj) { pr_info("tool: pre_patch %s\n", obj->name ?: "vmlinux"); return 0; }
static void after_patch(patch_object *obj) { pr_info("tool: post_patch %s\n", obj->name ?: "vmlinux"); }
static void before_unpatch(patch_object *obj) { pr_info("tool: pre_unpatch %s\n", obj->name ?: "vmlinux"); }
KPATCH_PRE_PATCH_CALLBACK(before_patch);
KPATCH_POST_PATCH_CALLBACK(after_patch)
KPATCH_PRE_UNPATCH_CALLBACK(before_unpatch);
KPATCH_FORCE_UNSAFE(meminfo_proc_show);
END

# kpatch: a shadow variable, freed by the object's last callback, which is in another file than the others; a static call.
include fs/proc/version.c '"kpatch-shadow.h"'
include fs/proc/version.c '"kpatch-macros.h"'
sed -i '/^static int version_proc_show/,/^}/s/^{/{\n\tint *reads = kpatch_shadow_get(\&init_task, "reads");\
\
\tif (!reads)\
\t\treads = kpatch_shadow_alloc(\&init_task, "reads", sizeof(*reads), GFP_KERNEL);\
\tseq_printf(m, "read %d, clock %d\\n", ++*reads, KPATCH_STATIC_CALL(pv_sched_clock)() > 0);/' b/fs/proc/version.c
after fs/proc/version.c <<'END'
static void after_unpatch(patch_object *obj)
{
	kpatch_shadow_free(&init_task, "reads");
	pr_info("tool: post_unpatch %s, shadow %px\n", obj->name ?: "vmlinux", kpatch_shadow_get(&init_task, "reads"));
}
KPATCH_POST_UNPATCH_CALLBACK(after_unpatch);
END
include fs/proc/version.c '<linux/sched/task.h>'
include fs/proc/version.c '<asm/paravirt.h>'

# kpatch: a function and a section whose changes are left out.
include fs/proc/softirqs.c '"kpatch-macros.h"'
sed -i 's/^\tseq_puts(p, "/\tseq_puts(p, "ignored\\n");\n&/' b/fs/proc/softirqs.c
after fs/proc/softirqs.c <<'END'
KPATCH_IGNORE_FUNCTION(show_softirqs);
static int entry __used __section("__macros") = 1;
KPATCH_IGNORE_SECTION("__macros");
END

# Both: system calls. The mask has a bit more, the name another letter.
include kernel/sys.c '"kpatch-syscall.h"'
include kernel/sys.c '<linux/livepatch_helpers.h>'
sed -i 's/^SYSCALL_DEFINE1(umask/KPATCH_&/
        s/mask = xchg(&current->fs->umask, mask & S_IRWXUGO);/& mask |= 0100;/
        s/^SYSCALL_DEFINE2(sethostname/KLP_&/
        /^KLP_SYSCALL_DEFINE2(sethostname/,/^}/s/memcpy(u->nodename, tmp, len);/&\n\t\tu->nodename[0] = \x27X\x27;/' b/kernel/sys.c

# klp-build: callbacks of a module, and a static call.
include fs/binfmt_misc.c '<linux/livepatch_helpers.h>'
sed -i 's@? "enabled\\n"@? (KLP_STATIC_CALL(pv_sched_clock)() > 0 ? "on\\n" : "no clock\\n")@' b/fs/binfmt_misc.c
include fs/binfmt_misc.c '<asm/paravirt.h>'
after fs/binfmt_misc.c <<'END'
static int bm_pre_patch(struct klp_object *obj) { pr_info("tool: pre_patch %s\n", obj->name); return 0; }
static void bm_post_patch(struct klp_object *obj) { pr_info("tool: post_patch %s\n", obj->name); }
static void bm_pre_unpatch(struct klp_object *obj) { pr_info("tool: pre_unpatch %s\n", obj->name); }
static void bm_post_unpatch(struct klp_object *obj) { pr_info("tool: post_unpatch %s\n", obj->name); }
KLP_PRE_PATCH_CALLBACK(bm_pre_patch);
KLP_POST_PATCH_CALLBACK(bm_post_patch);
KLP_PRE_UNPATCH_CALLBACK(bm_pre_unpatch);
KLP_POST_UNPATCH_CALLBACK(bm_post_unpatch);
END

diff -ru a b >macros.patch || true
expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" --json -o macros.ko macros.patch
cp out build.json
jq -e '[.objects[] | {name, events: [.callbacks[].event] | sort}] | sort_by(.name) == [
    {name: "binfmt_misc", events: ["post_patch", "post_unpatch", "pre_patch", "pre_unpatch"]},
    {name: "vmlinux", events: ["post_patch", "post_unpatch", "pre_patch", "pre_unpatch"]}]' build.json >/dev/null || fail "$(cat build.json)"
jq -r '.objects[].functions[] | select(.new | not) | .name' build.json | found -x show_softirqs && fail "an ignored function is in the livepatch"

# The pointers of both klp_object, one behind the other, by an independent reader.
last=0
readelf -rW macros.ko | awk '/^Relocation section/ {inside = /\.rela\.data/}
    inside && $5 ~ /^(before|after|bm_pre|bm_post)_/ {print $1, $5}' | while read -r offset name; do
    [ $((16#$offset - last)) -eq 8 ] || echo object
    echo "$name"
    last=$((16#$offset))
done >pointers
printf '%s\n' object before_patch after_patch before_unpatch after_unpatch object bm_pre_patch bm_post_patch \
    bm_pre_unpatch bm_post_unpatch | diff - pointers || fail "other callbacks than expected"

expect_status 0 "$KLP" inspect --json macros.ko
jq -c '.forced[]' out >forced
expect_in '{"object":"vmlinux","kind":"unsafe","name":"meminfo_proc_show"}' forced
expect_in '{"object":"vmlinux","kind":"ignored-function","name":"show_softirqs"}' forced
expect_in '{"object":"vmlinux","kind":"ignored-section","name":"__macros"}' forced
[ "$(wc -l <forced)" -eq 3 ] || fail "$(cat forced)"
expect_status 0 "$KLP" inspect macros.ko
expect_in "ignored-section   __macros" out
expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" macros.ko
expect_in "[check.forced]" err

run_guest --module binfmt_misc macros.ko -- "mkdir -p /b; mount -t binfmt_misc none /b; cat /b/status; umount /b
    cat /proc/version /proc/version /proc/meminfo /proc/softirqs | grep -E '^(read|MemTotal|ignored)'
    hostname abcd; hostname; umask; dmesg | grep -oE 'tool: .*'; true"
for phase in before reverted; do
    grep -qx enabled $phase && grep -qx abcd $phase && grep -qx 0022 $phase || fail "$phase: $(cat $phase)"
    expect_not_in "read " $phase
done
expect_not_in tool: before
printf '%s\n' on "read 1, clock 1" "read 2, clock 1" Xbcd 0122 >wanted
grep -vE "^(MemTotal|tool)" after | diff wanted - || fail "with the livepatch: $(cat after)"
cat >wanted <<'END'
tool: pre_patch vmlinux
tool: pre_patch binfmt_misc
tool: post_patch vmlinux
tool: post_patch binfmt_misc
tool: meminfo 7
END
grep '^tool' after | diff wanted - || fail "with the livepatch: $(cat after)"
cat >>wanted <<'END'
tool: pre_unpatch vmlinux
tool: pre_unpatch binfmt_misc
tool: post_unpatch vmlinux, shadow 0000000000000000
tool: post_unpatch binfmt_misc
END
grep '^tool' reverted | diff wanted - || fail "reverted: $(cat reverted)"
