/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* calls.c: see calls.h */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../bench.h"
#include "calls.h"

#define TRACEPOINT "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id"

static uint64_t tracepoint_id(void)
{
	FILE *file = fopen(TRACEPOINT, "re");
	unsigned long long id;

	if (!file || fscanf(file, "%llu", &id) != 1)
		bench_fail("%s: cannot be read: %s", TRACEPOINT, strerror(errno));
	fclose(file);
	return id;
}

int calls_open(pid_t pid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = tracepoint_id(),
		.disabled = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		bench_fail("perf_event_open: %s", strerror(errno));
	return fd;
}

void calls_start(int counter)
{
	bench_check(!ioctl(counter, PERF_EVENT_IOC_ENABLE, 0));
}

uint64_t calls_stop(int counter)
{
	uint64_t count;

	bench_check(!ioctl(counter, PERF_EVENT_IOC_DISABLE, 0));
	bench_check(read(counter, &count, sizeof(count)) == sizeof(count));
	return count;
}
