# SPDX-License-Identifier: GPL-2.0-or-later
# Features of the kernel's module loader are those of the kernel; they are kept, and what cannot be asked is unknown.
. "$(dirname "$0")/../lib.sh"

has() { jq -e ".features | $1" out >/dev/null || fail "$1: $(jq -c .features out)"; }

expect_status 0 "$KLP" kernel info "$KLPKIT_TEST_KERNEL" --features
# modinfo of any of its modules has the string that the kernel compares with.
module=$(find "$(path_of modules)" -name '*.ko*' -print -quit)
case $module in
*.ko) cp "$module" module.ko ;;
*.xz) xz -dc "$module" >module.ko ;;
esac
vermagic=$(strings -a module.ko | sed -n 's/^vermagic=//p')
has ".vermagic == \"$vermagic\""
has '.unknown == [] and .headers_error == null'
has '.areas == "core-and-init" and .applies_vmlinux_relocations_at_load'
has '.clears_livepatch_relocations == false and .x86_64.clear_relocate_add == false'
has '.page_size == 4096 and .smp and .kallsyms_all and .x86_64.smp_locks'
# A shipped module's struct module has its name at the place that the layout says.
objcopy -O binary --only-section=.gnu.linkonce.this_module module.ko this_module
name=$(strings -a module.ko | sed -n 's/^name=//p')
at=$(jq .features.layout.module_name out)
[ "$(dd if=this_module bs=1 skip="$at" count=${#name} status=none)" = "$name" ] || fail "no '$name' at $at"
has '.layout.klp_func_old_name == 0 and .layout.klp_func_new_func == 8 and .layout.klp_func_old_sympos == 16'
has '(has("arm64") or has("s390x") or has("ppc64le")) | not'

# The second time there is nothing to compile.
cp out first
expect_status 0 env PATH=/nowhere "$KLP" kernel info "$KLPKIT_TEST_KERNEL" --features
cmp first out || fail "the cache has other features"

# A kernel whose source tree is gone: what its headers would tell is null, the rest is as it was.
for part in source image config symvers; do
    declare "$part=$(path_of $part)"
done
own_catalogue
expect_status 0 "$KLP" kernel add mine --source "$source" --image "$image" --config "$config" --symvers "$symvers"
jq --arg source "$PWD/nowhere" 'del(.checksum) | .paths.source = $source' cache/kernels/mine/kernel.json >changed
cp changed cache/kernels/mine/kernel.json
expect_status 0 "$KLP" kernel info mine --features
has '.layout == null and .areas == "core-and-init"'
has '.unknown == ["rewrites.orc_terminator_by_type"] and (.headers_error | contains("nowhere"))'
has ".vermagic == \"$vermagic\""
