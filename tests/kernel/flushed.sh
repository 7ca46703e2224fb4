# SPDX-License-Identifier: GPL-2.0-or-later
# What goes into the cache is on the disk before it gets its name, so that no crash of the machine leaves it cut short.
. "$(dirname "$0")/../lib.sh"

# Logs each file that gets a name in the cache, and whether it was flushed before.
cat >watch.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ino_t flushed[65536];
static unsigned count;

static void note(int file)
{
	struct stat info;

	if (fstat(file, &info) == 0)
		flushed[count++ % 65536] = info.st_ino;
}

int fsync(int file)
{
	note(file);
	return 0;
}

int fdatasync(int file)
{
	note(file);
	return 0;
}

int rename(const char *from, const char *to)
{
	int (*original)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
	const char *cache = getenv("KLPKIT_CACHE"), *log = getenv("WATCH_LOG"), *what = "not flushed";
	struct stat info;

	if (cache && log && strncmp(to, cache, strlen(cache)) == 0 && stat(from, &info) == 0 && S_ISREG(info.st_mode)) {
		int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);

		for (unsigned i = 0; i < count && i < 65536; i++)
			if (flushed[i] == info.st_ino)
				what = "flushed";
		dprintf(out, "%s %s\n", what, to);
		close(out);
	}
	return original(from, to);
}
END
gcc -shared -fPIC -O1 -o watch.so watch.c -ldl
source=$(path_of source) image=$(path_of image) config=$(path_of config) symvers=$(path_of symvers) modules=$(path_of modules)
export KLPKIT_CACHE=$PWD/cache WATCH_LOG=$PWD/log LD_PRELOAD=$PWD/watch.so
expect_status 0 "$KLP" kernel add "$KLPKIT_TEST_KERNEL" --source "$source" --image "$image" --config "$config" \
    --symvers "$symvers" --modules "$modules"
expect_status 0 "$KLP" build --kernel "$KLPKIT_TEST_KERNEL" -o out.ko "$KLPKIT_ROOT/examples/meminfo.patch"
expect_status 0 "$KLP" check --kernel "$KLPKIT_TEST_KERNEL" out.ko
unset LD_PRELOAD
for file in kernel.json prepared vmlinux programs features module-common kbuild-environment objects; do
    grep -q "^flushed .*/$file" log || { cat log; fail "not seen as flushed: $file"; }
done
# The mark of a folder that is being made has no content that could be lost.
grep '^not flushed' log | grep -v '/\.unfinished$' >left || true
[ ! -s left ] || { cat left; fail "not flushed before it got its name"; }
