# SPDX-License-Identifier: GPL-2.0-or-later
# What the kernel's headers are asked: "there is no such thing" is the compiler's verdict. A compiler that dies, or cannot
# write, has none, and ends the command; nothing is kept of that.
. "$(dirname "$0")/../lib.sh"

config=$(path_of config)
compiler=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\) .*/\1/p' "$config")
real=$(command -v "$compiler") || skip "$compiler is not here"
own_catalogue
mkdir bin
export KLP_COMPILER_SAYS=$PWD/says

# compiler_says STATUS [LINE]...: of the program that asks the headers. Status "signal": it dies.
compiler_says() {
    local status=$1
    shift
    printf '%s\n' "$@" >says
    cat >"bin/$compiler" <<END
#!/bin/sh
case "\$*" in
*klp_features.c*) cat "$KLP_COMPILER_SAYS" >&2; $([ "$status" = signal ] && echo 'kill -KILL $$' || echo "exit $status") ;;
esac
exec "$real" "\$@"
END
    chmod +x "bin/$compiler"
}
ask() { PATH=$PWD/bin:$PATH expect_status "$1" "$KLP" kernel info "$KLPKIT_TEST_KERNEL" --features; }
kept() { find cache -name 'features-*' | found .; }

compiler_says signal ''
ask 1
expect_in 'was ended by signal 9' err
compiler_says 1 "$compiler: fatal error: Killed signal terminated program cc1" 'compilation terminated.'
ask 1
expect_in 'Killed signal' err
compiler_says 4 'f.c:1:1: internal compiler error: Segmentation fault'
ask 1
expect_in 'internal compiler error' err
compiler_says 1 'cc1: fatal error: error writing to /tmp/x.s: No space left on device'
ask 1
expect_in 'No space left on device' err
! kept || fail "answers of a compiler that died are kept"

# Headers that do not compile tell nothing, which is said.
compiler_says 1 './include/linux/module.h:9:10: fatal error: linux/list.h: No such file or directory'
ask 0
jq -e '.features | .layout == null and (.headers_error | contains("linux/list.h")) and (.unknown | length > 0)' out >/dev/null ||
    fail "$(jq -c .features out)"
! kept || fail "answers of headers that do not compile are kept"

# A build needs the answers.
compiler_says signal ''
PATH=$PWD/bin:$PATH expect_status 1 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o x.ko "$KLPKIT_ROOT/examples/meminfo.patch"
expect_in 'was ended by signal 9' err
expect_no_file x.ko

# The real compiler: the members that this kernel has not are no error.
expect_status 0 "$KLP" kernel info "$KLPKIT_TEST_KERNEL" --features
jq -e '.features | .headers_error == null and .layout.klp_func_size > 0' out >/dev/null || fail "$(jq -c .features out)"
kept || fail "answers are not kept"
size=$(jq .features.layout.module_size out)
module=$(find "$(path_of modules)" -name '*.ko*' -print -quit)
case $module in
*.ko) cp "$module" module.ko ;;
*.xz) xz -dc "$module" >module.ko ;;
esac
objcopy -O binary --only-section=.gnu.linkonce.this_module module.ko this_module
[ "$(stat -c %s this_module)" -eq "$size" ] || fail "struct module has $(stat -c %s this_module) bytes, not $size"
