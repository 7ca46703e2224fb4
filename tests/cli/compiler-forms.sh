# SPDX-License-Identifier: GPL-2.0-or-later
# klp diff on pairs of objects as gcc and clang make them for each architecture: clang's names of static locals, what
# -fsanitize=undefined leaves, messages' indices, entries of .toc, and functions of which nothing but the numbers of lines
# changed. Read with readelf and objdump.
. "$(dirname "$0")/../lib.sh"

for tool in aarch64-linux-gnu-gcc-12 powerpc64le-linux-gnu-gcc-12 s390x-linux-gnu-gcc-12 clang; do
    command -v "$tool" >/dev/null || skip "no $tool"
done

plain='-O2 -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-pic -fno-stack-protector'
# Each row is a compiler with the options of its architecture's kernels.
compilers=(
    'gcc-12 -fno-pie -mcmodel=kernel -mno-sse -fcf-protection=none -pg -mfentry -mrecord-mcount'
    'clang -fno-pie -mcmodel=kernel -mno-sse -pg -mfentry'
    'aarch64-linux-gnu-gcc-12 -fpatchable-function-entry=4,2'
    'clang --target=aarch64-linux-gnu -fpatchable-function-entry=4,2'
    'powerpc64le-linux-gnu-gcc-12 -mcpu=power8 -pg -mprofile-kernel -mcmodel=medium'
    'clang --target=powerpc64le-linux-gnu -mcpu=power8'
    's390x-linux-gnu-gcc-12 -pg -mfentry -mnop-mcount -mrecord-mcount'
    'clang --target=s390x-linux-gnu'
)
# compile OBJECT [OPTION]... <SOURCE: the source is called file.c throughout.
compile() {
    local object=$1
    shift
    # shellcheck disable=SC2086  # the options are words
    { echo '# 1 "file.c"'; cat; } | $compiler $plain "$@" -x c -c -o "$object" -
}
# As compile, with options that have spaces.
quoted() {
    local object=$1 words
    shift
    read -ra words <<<"$compiler $plain"
    { echo '# 1 "file.c"'; cat; } | "${words[@]}" "$@" -x c -c -o "$object" -
}
changed_functions() { jq -r '.functions[] | "\(.status) \(.name)"' out | sort; }
expect_lines() {  # TEXT LINE...
    printf '%s\n' "${@:2}" | diff - <(echo "$1") || { cat out err; fail "of $compiler: expected $(printf '%s ' "${@:2}")"; }
}
unchanged() { expect_status 3 "$KLP" diff --json "$@"; }
changed() {
    expect_status 0 "$KLP" diff -o out.o "$1" "$2"
    expect_status 0 "$KLP" diff --json "$1" "$2"
}

# What the sanitizer says of each check: file, line and column. A copy comes along; what another function has does not.
cat >ubsan.c <<'C'
extern int other(int); int array[10];
int show(int x, int y) { return array[x] + other(y); }
int shift(int x, int y) { return (x << y) + array[y]; }
C
for compiler in "${compilers[@]}"; do
    compile before.o -fsanitize=bounds,shift <ubsan.c
    sed 's/other(y)/other(y + 1)/' ubsan.c | compile after.o -fsanitize=bounds,shift
    sed 's/^int s/\n&/' ubsan.c | compile lines.o -fsanitize=bounds,shift
    sed 's/ x << y/  x << y/; s/(x << y)/ (x << y)/' ubsan.c | compile columns.o -fsanitize=bounds,shift
    unchanged before.o before.o
    changed before.o after.o
    expect_lines "$(changed_functions)" "changed show"
    [ "$(readelf -SW out.o | grep -cE ' \.data\.\.(Lubsan_data|L__unnamed_)')" = 1 ] || fail "$compiler: checks of others came along"
    unchanged before.o lines.o
    expect_lines "$(jq -r '.other_lines | sort | .[]' out)" shift show
    changed before.o columns.o
    changed_functions | found '^changed shift$' || fail "$compiler: another column is no other line"
done

# clang: the first static local of a name has no number, so that another one before it takes its name.
cat >locals.c <<'C'
extern int use(int *); extern int other(int);
int show(int x) { { static int count; count += x; use(&count); } return other(x); }
int also(int x) { static int count; count ^= x; return other(count); }
C
for compiler in "${compilers[@]}"; do
    [[ $compiler == clang* ]] || continue
    compile before.o <locals.c
    sed 's/other(x)/other(x + 1)/' locals.c | compile after.o
    sed 's/int show(int x) {/& { static int count; count ^= x + 1; use(\&count); }/' locals.c | compile first.o
    sed 's/int show(int x) {/& { static int fresh = 7; fresh ^= x + 1; use(\&fresh); }/' locals.c | compile fresh.o
    unchanged before.o before.o
    changed before.o after.o
    expect_lines "$(changed_functions)" "changed show"
    readelf -sW out.o | found 'UND show\.count$' || fail "$compiler: the static local does not stay where it is"
    expect_status 2 "$KLP" diff -o none.o before.o first.o
    expect_in "'show' refers to static 'show.count', which may be new or one of the original's" err
    expect_no_file none.o
    changed before.o fresh.o
    readelf -sW out.o | found 'UND show\.count$' || fail "$compiler: a new static local hides the old one"
    # Both sides have both, and the code says which is which.
    sed 's/int show(int x) {/& { static int count = 3; count ^= x + 1; use(\&count); }/' locals.c >two.c
    compile two.o <two.c
    sed 's/count ^= x;/count ^= x + 2;/' two.c | compile three.o
    unchanged two.o two.o
    changed two.o three.o
    expect_lines "$(changed_functions)" "changed also"
done
# Two of one name that change their numbers only, as state of a message does.
compiler=${compilers[1]}
cat >once.c <<'C'
extern int tell(const char *, ...);
#define once(text) do { static _Bool __section(".data.once") __already_done; if (!__already_done) { __already_done = 1; tell(text); } } while (0)
#define __section(name) __attribute__((__section__(name)))
int show(int x) { if (x > 3) once("old"); return x; }
C
compile before.o <once.c
sed 's/if (x > 3)/if (x > 2) once("new"); &/' once.c | compile after.o
changed before.o after.o
readelf -sW out.o | awk '/show\.__already_done/ { print ($7 == "UND") ? "old" : "new" }' | sort >states
expect_lines "$(cat states)" new old
objdump -dr out.o | grep -A4 'R_X86_64_PC32.*__already_done\|R_X86_64_32S.*__already_done' >/dev/null || fail "no state"

# .printk_index is for people: a change there alone is none.
cat >printk.c <<'C'
struct pi_entry { const char *fmt, *func, *file; unsigned int line; const char *level, *subsys_fmt_prefix; };
extern int _printk(const char *, ...);
#define printk(text, ...) ({ static const struct pi_entry _entry __attribute__((used)) = { text, __func__, "file.c", __LINE__, 0, INDEX }; \
    static const struct pi_entry *_entry_ptr __attribute__((used, section(".printk_index"))) = &_entry; _printk(text, ##__VA_ARGS__); })
int show(int x) { printk("old %d\n", x); return x + VALUE; }
int also(int x) { printk("also %d\n", x); return x; }
C
for compiler in "${compilers[@]}"; do
    compile before.o -DINDEX=0 -DVALUE=1 <printk.c
    sed 's/^int/\n&/' printk.c | compile index.o '-DINDEX="prefix"' -DVALUE=1
    compile after.o -DINDEX=0 -DVALUE=2 <printk.c
    unchanged before.o index.o
    changed before.o after.o
    expect_lines "$(changed_functions)" "changed show"
    ! readelf -SW out.o | found -F .printk_index || fail "$compiler: the index of messages came along"
done

# Each extern by way of .toc: entries are told by what they lead to, whatever their place.
cat >toc.c <<'C'
extern int counter, table[]; extern struct { int (*call)(int); } operations; static int local; int global;
int show(int x) { static int count; count += x; local ^= x; counter += x + table[x]; return count + global; }
int call(int x) { return operations.call(x) + table[x]; }
C
for model in small medium; do
    compiler="${compilers[5]} -mcmodel=$model"
    compile before.o <toc.c
    sed 's/x + table/x - table/' toc.c | compile after.o
    sed 's/int counter,/int first, &/; s/counter += x/first += x/; s/int counter, //' toc.c | sed 's/extern int first, /extern int first, /' | compile other.o
    sed 's/^int call/extern int before; int early(int x) { return before + x; }\n&/; s/^int show/int first(int x) { return table[x]; }\n&/' toc.c | compile order.o
    unchanged before.o before.o
    changed before.o after.o
    expect_lines "$(changed_functions)" "changed show"
    readelf -rW out.o | awk '/^Relocation section/ { on = ($3 == "'"'.rela.toc'"'") } on && /ADDR64/ { print $5 }' | sort >entries
    ! found operations <entries || fail "an entry of another function came along"
    [ "$model" = medium ] || expect_lines "$(cat entries)" counter global local show.count table
    changed before.o other.o
    expect_lines "$(changed_functions)" "changed show"
    changed before.o order.o
    expect_lines "$(changed_functions)" "new early" "new first"
done

# Numbers of lines, as __LINE__ says them: those of calls that warn are none of the code, a number of the author's is.
cat >lines.c <<'C'
extern int work(int, int); extern void __might_sleep(const char *, int); extern void lockdep_rcu_suspicious(const char *, int, const char *);
extern int odd(const char *, int);
#define might_sleep() __might_sleep("file.c", __LINE__)
int show(int x) { might_sleep(); if (x == 3) lockdep_rcu_suspicious("file.c", __LINE__, "usage"); return work(x, 7); }
int also(int x) { might_sleep(); might_sleep(); return work(x, __LINE__); }
int strange(int x) { return odd("file.c", __LINE__) + x; }
int number(int x) { __might_sleep("file.c", NUMBER); return work(x, 1); }
extern void __warn_printk(const char *, ...);
#define ASSERT_RTNL() do { if (!odd(0, 0)) __warn_printk("assertion failed at %s (%d)\n", "file.c", __LINE__); } while (0)
int asserts(int x) { ASSERT_RTNL(); return work(x, 9); }
int prints(int x) { odd("file.c", 1); __warn_printk("seen %d at %d\n", NUMBER, __LINE__); return x; }
C
for compiler in "${compilers[@]}"; do
    for debug in -g0 -g; do
        compile before.o "$debug" -DNUMBER=10 <lines.c
        sed 's/^int also/\n\n&/' lines.c | compile below.o "$debug" -DNUMBER=10
        sed 's/^int show/\n&/' lines.c | compile after.o "$debug" -DNUMBER=10
        sed 's/^int show/\n&/; s/, 7)/, 8)/' lines.c | compile both.o "$debug" -DNUMBER=10
        sed 's/^int show/\n&/; s/"usage"/"use"/' lines.c | compile text.o "$debug" -DNUMBER=10
        compile number.o "$debug" -DNUMBER=11 <lines.c
        unchanged before.o before.o
        expect_lines "$(jq -r '.other_lines | length' out)" 0
        changed before.o after.o
        # Whether what is printed is a line, debug information alone tells.
        if [ "$debug" = -g ]; then
            expect_lines "$(changed_functions)" "changed also" "changed strange"
            expect_lines "$(jq -r '.other_lines | sort | .[]' out)" asserts prints show
        else
            expect_lines "$(changed_functions)" "changed also" "changed asserts" "changed prints" "changed strange"
            expect_lines "$(jq -r '.other_lines[]' out)" show
            expect_status 0 "$KLP" diff before.o after.o
            expect_in 'nothing but numbers of lines differs: show' out
        fi
        changed before.o both.o
        changed_functions | found '^changed show$' || fail "$compiler $debug: a change of the code is none"
        changed before.o text.o
        changed_functions | found '^changed show$' || fail "$compiler $debug: a change of a text is none"
        changed before.o below.o
        ! changed_functions | found show || fail "$compiler $debug: nothing above changed"
        # Only debug information tells that this is no line.
        if [ "$debug" = -g ]; then
            changed before.o number.o
            expect_lines "$(changed_functions)" "changed number" "changed prints"
        fi
    done
done

# The same in tables, as WARN(), BUG() and pr_debug() leave them: code that differs in nothing else is the same code.
cat >tables.c <<'C'
struct _ddebug { const char *modname, *function, *filename, *format; unsigned int lineno : 18, flags : 8; unsigned long key; };
extern void __dynamic_pr_debug(struct _ddebug *, const char *, ...); extern int work(int, int);
#define pr_debug(text, ...) do { static struct _ddebug __attribute__((aligned(8), section(TABLE))) descriptor = \
    { "module", __func__, "file.c", text, __LINE__, 0, 0 }; __dynamic_pr_debug(&descriptor, text, ##__VA_ARGS__); } while (0)
#define bug(flags) asm volatile("1: " TRAP "\n.pushsection __bug_table,\"aw\"\n.balign 4\n2: .4byte 1b - ., " NUMBER(0) " - .\n" \
    ".2byte " NUMBER(1) ", " NUMBER(2) "\n.popsection" :: "i"("file.c"), "i"(__LINE__), "i"(flags))
int warn(int x) { if (x == 3) bug(1); return work(x, VALUE); }
int dies(int x) { if (x == 3) { bug(0); __builtin_unreachable(); } return work(x, 2); }
int tell(int x) { pr_debug("called %d\n", x); return work(x, 3); }
C
trap_of() {
    case $compiler in
        *aarch64*) echo 'brk #0x800' ;;
        *powerpc*) echo 'twi 31,0,0' ;;
        *s390x*) echo 'mc 0,0' ;;
        *) echo ud2 ;;
    esac
}
for compiler in "${compilers[@]}"; do
    number='"%"#n'
    case $compiler in *powerpc* | *s390x*) ;; *) number='"%c"#n' ;; esac
    for table in __dyndbg __verbose; do
        options=(-DVALUE=1 "-DTRAP=\"$(trap_of)\"" "-DNUMBER(n)=$number" "-DTABLE=\"$table\"")
        tables() { local object=$1; shift; quoted "$object" "${options[@]}" "$@"; }
        tables before.o <tables.c
        sed 's/^int warn/\n\n&/' tables.c | tables after.o
        sed 's/^int warn/\n\n&/' tables.c | tables both.o -UVALUE -DVALUE=5
        unchanged before.o after.o
        changed before.o both.o
        expect_lines "$(changed_functions)" "changed warn"
        [ "$(readelf -SW out.o | sed 's/^ *\[ *[0-9]*\]//' | awk '$1 == "__bug_table" { print $5 }')" = 00000c ] ||
            fail "$compiler: not one entry of __bug_table"
    done
done
