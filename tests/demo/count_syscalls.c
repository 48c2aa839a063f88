// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * count_syscalls: run a command and count its system calls, from outside and exactly
 *
 *   count_syscalls FILE COMMAND [ARGUMENT]...
 *
 * The kernel counts, at the tracepoint that every system call passes; nobody is stopped for it. FILE gets one line:
 * calls=N, then ioctl=N read=N write=N: all, and those of them. Counted from the command's exec on, children and threads
 * included. Needs root. Exits as the command does; 125: it could not count or run it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACEPOINT "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id"
#define FAILED	   125

static const struct kind {
	const char *name;
	const char *filter; /* NULL: all */
} kinds[] = {
	{ "calls", NULL },
	{ "ioctl", "id == 16" },
	{ "read", "id == 0 || id == 19" },  /* readv too */
	{ "write", "id == 1 || id == 20" }, /* writev too */
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

_Static_assert(SYS_ioctl == 16 && SYS_read == 0 && SYS_readv == 19 && SYS_write == 1 && SYS_writev == 20, "x86-64");

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "count_syscalls: %s: %s\n", what, strerror(errno));
	exit(FAILED);
}

static uint64_t tracepoint_id(void)
{
	FILE *file = fopen(TRACEPOINT, "r");
	unsigned long long id;

	if (!file || fscanf(file, "%llu", &id) != 1)
		fail(TRACEPOINT);
	fclose(file);
	return id;
}

/* Of a process that is still to exec: counting begins there. */
static int open_counter(const struct kind *kind, pid_t pid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = tracepoint_id(),
		.disabled = 1,
		.inherit = 1,
		.enable_on_exec = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		fail("perf_event_open");
	if (kind->filter && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, kind->filter))
		fail(kind->filter);
	return fd;
}

static uint64_t read_counter(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) != (ssize_t)sizeof(count))
		fail("reading a counter");
	return count;
}

/* Stands at the gate until it is counted. */
static pid_t start(char **command, int gate[2])
{
	pid_t pid = fork();
	char go;

	if (pid < 0)
		fail("fork");
	if (pid)
		return pid;
	close(gate[1]);
	if (read(gate[0], &go, 1) != 1)
		_exit(FAILED);
	execvp(command[0], command);
	fail(command[0]);
}

static int wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void write_counts(FILE *out, const int fds[KINDS])
{
	size_t i;

	for (i = 0; i < KINDS; i++)
		fprintf(out, "%s%s=%llu", i ? " " : "", kinds[i].name, (unsigned long long)read_counter(fds[i]));
	fputc('\n', out);
	if (fclose(out))
		fail("writing the counts");
}

int main(int argc, char **argv)
{
	int gate[2], fds[KINDS], status;
	FILE *out;
	pid_t pid;
	size_t i;

	if (argc < 3) {
		fprintf(stderr, "usage: count_syscalls FILE COMMAND [ARGUMENT]...\n");
		return FAILED;
	}
	out = fopen(argv[1], "we");
	if (!out || pipe(gate))
		fail(argv[1]);
	pid = start(argv + 2, gate);
	for (i = 0; i < KINDS; i++)
		fds[i] = open_counter(&kinds[i], pid);
	if (write(gate[1], "g", 1) != 1)
		fail("pipe");
	status = wait_for(pid);
	write_counts(out, fds);
	return status;
}
