// SPDX-License-Identifier: GPL-2.0-or-later
// The init of the guests of scripts/verdicts: plays what /plan says, and tells of it through the kernel's log, so that the
// console has all in the order of time. A play is
//   play ID
//   load FILE | unload NAME | enable NAME | disable NAME
//   …
//   end
// Afterwards everything is unloaded again; where that does not succeed, or the kernel has warned, the guest ends. The
// environment variable verdicts_from, which the kernel's command line sets, is the number of the play to begin with.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LIVEPATCHES "/sys/kernel/livepatch"
#define NAME_SIZE 448
#define PATH_SIZE 512
// include/linux/panic.h: TAINT_BAD_PAGE, TAINT_DIE, TAINT_WARN
#define TAINTS_OF_TROUBLE (1 << 5 | 1 << 7 | 1 << 9)

static int log_device;

static void tell(const char *format, ...)
{
	char line[2 * PATH_SIZE];
	va_list arguments;
	int length = snprintf(line, sizeof(line), "<4>verdicts: ");

	va_start(arguments, format);
	length += vsnprintf(line + length, sizeof(line) - length, format, arguments);
	va_end(arguments);
	if (length >= (int)sizeof(line))
		length = sizeof(line) - 1;
	if (write(log_device, line, length) < 0)
		_exit(1);
}

static int read_number(const char *path)
{
	char text[32] = "";
	int file = open(path, O_RDONLY);

	if (file < 0)
		return -1;
	if (read(file, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(file);
	return atoi(text);
}

// Calls `visit` with the name of each livepatch; returns how many there are.
static int each_livepatch(void (*visit)(const char *name))
{
	DIR *folder = opendir(LIVEPATCHES);
	struct dirent *entry;
	int count = 0;

	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (visit)
			visit(entry->d_name);
	}
	if (folder)
		closedir(folder);
	return count;
}

static int is_settled;

// What was disabled or replaced goes after the transition, by a work queue.
static void look_for_transition(const char *name)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), LIVEPATCHES "/%s/transition", name);
	if (read_number(path) == 1)
		is_settled = 0;
	snprintf(path, sizeof(path), LIVEPATCHES "/%s/enabled", name);
	if (read_number(path) != 1)
		is_settled = 0;
}

static void settle(void)
{
	for (int tries = 0; tries < 5000; tries++) {
		is_settled = 1;
		each_livepatch(look_for_transition);
		if (is_settled)
			return;
		usleep(2000);
	}
	tell("a transition does not end");
}

static int load(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	int error;

	if (file < 0)
		return errno;
	error = syscall(SYS_finit_module, file, "", 0) ? errno : 0;
	close(file);
	return error;
}

static int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
}

static int set_enabled(const char *name, const char *value)
{
	char path[PATH_SIZE];
	int file, error;

	snprintf(path, sizeof(path), LIVEPATCHES "/%s/enabled", name);
	file = open(path, O_WRONLY);
	if (file < 0)
		return errno;
	error = write(file, value, 1) == 1 ? 0 : errno;
	close(file);
	return error;
}

static int step(const char *verb, const char *subject)
{
	int error;

	if (!strcmp(verb, "load"))
		error = load(subject);
	else if (!strcmp(verb, "unload"))
		return unload(subject);
	else
		error = set_enabled(subject, !strcmp(verb, "enable") ? "1" : "0");
	settle();
	usleep(2000); /* the reference to the module goes last */
	return error;
}

static void disable(const char *name)
{
	set_enabled(name, "0");
}

static int unload_all(void)
{
	char line[PATH_SIZE];
	int left = 0;
	FILE *modules = fopen("/proc/modules", "r");

	while (modules && fgets(line, sizeof(line), modules)) {
		*strchrnul(line, ' ') = 0;
		if (unload(line))
			left++;
	}
	if (modules)
		fclose(modules);
	return left;
}

static int is_clean(void)
{
	for (int tries = 0; tries < 8; tries++) {
		each_livepatch(disable);
		settle();
		if (!unload_all() && !each_livepatch(NULL))
			return !(read_number("/proc/sys/kernel/tainted") & TAINTS_OF_TROUBLE);
		usleep(5000);
	}
	return 0;
}

static void play(FILE *plan, int from)
{
	char line[PATH_SIZE], verb[16], subject[NAME_SIZE], id[NAME_SIZE] = "";
	int number = -1, count = 0;

	while (fgets(line, sizeof(line), plan)) {
		subject[0] = 0;
		sscanf(line, "%15s %447[^\n]", verb, subject);
		if (!strcmp(verb, "play")) {
			number++;
			count = 0;
			snprintf(id, sizeof(id), "%s", subject);
			if (number >= from)
				tell("play %s", id);
		} else if (number < from) {
			continue;
		} else if (strcmp(verb, "end")) {
			tell("step %d", count);
			tell("errno %d", step(verb, subject));
			count++;
		} else {
			tell("over");
			if (!is_clean()) {
				tell("dirty");
				return;
			}
			tell("clean");
		}
	}
	tell("finished");
}

int main(void)
{
	const char *from = getenv("verdicts_from");
	FILE *plan;

	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	log_device = open("/dev/kmsg", O_WRONLY);
	plan = fopen("/plan", "r");
	if (plan)
		play(plan, from ? atoi(from) : 0);
	reboot(RB_AUTOBOOT);
	return 1;
}
