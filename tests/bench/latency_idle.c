/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * latency_idle.c: what it costs to wait: a receiver of an empty channel and a sender to a full one, seen from outside
 *
 *   value           CPU ticks of the receiver over BENCH_IDLE_S seconds (10 unless set)
 *   ticks-sender    the same of the sender
 *   cpu-*           percent of a CPU, of the scheduler's nanoseconds
 *   calls-*         system calls, counted by the kernel's tracepoint: nobody is stopped. Needs root and a kernel with
 *                   CONFIG_FTRACE_SYSCALLS; left out otherwise
 *   sleeps-*        voluntary context switches
 */
#define _GNU_SOURCE
#include "latency.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACING	   "/sys/kernel/tracing"
#define TRACEPOINT TRACING "/events/raw_syscalls/sys_enter/id"

/* ---- system calls, counted from outside ---- */

/* In a mount namespace of our own: the machine keeps its mounts as they are. */
static void mount_tracing(void)
{
	if (!access(TRACEPOINT, R_OK))
		return;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tracefs", TRACING, "tracefs", 0, NULL))
		fprintf(stderr, "bench: no tracefs (%s): system calls of idle members are not counted\n",
			strerror(errno));
}

/* -1: cannot be counted. */
static int calls_open(pid_t pid)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr) };
	FILE *file = fopen(TRACEPOINT, "r");
	unsigned long long id;
	int fd = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%llu", &id) == 1) {
		attr.config = id;
		fd = (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	}
	fclose(file);
	return fd;
}

static uint64_t calls_read(int fd)
{
	uint64_t calls = 0;

	bench_check(fd < 0 || read(fd, &calls, sizeof(calls)) == sizeof(calls));
	return calls;
}

/* ---- one process, from outside ---- */

struct cost {
	uint64_t ticks;
	uint64_t ns;
	uint64_t calls;
	uint64_t sleeps;
};

/* The file's text behind mark. */
static void read_behind(pid_t pid, const char *name, const char *mark, char *text, size_t size)
{
	char path[64], *found;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "r");
	bench_check(file);
	n = fread(text, 1, size - 1, file);
	fclose(file);
	text[n] = '\0';
	found = strstr(text, mark);
	bench_check(found);
	memmove(text, found + strlen(mark), strlen(found + strlen(mark)) + 1);
}

static struct cost cost_now(pid_t pid, int calls)
{
	unsigned long long user, sys, ns, sleeps;
	struct cost cost = { .calls = calls_read(calls) };
	char text[4096];

	/* Behind the name: state, ten numbers, user, sys. */
	read_behind(pid, "stat", ") ", text, sizeof(text));
	bench_check(sscanf(text, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &sys) == 2);
	read_behind(pid, "schedstat", "", text, sizeof(text));
	bench_check(sscanf(text, "%llu", &ns) == 1);
	read_behind(pid, "status", "\nvoluntary_ctxt_switches:", text, sizeof(text));
	bench_check(sscanf(text, "%llu", &sleeps) == 1);
	cost.ticks = user + sys;
	cost.ns = ns;
	cost.sleeps = sleeps;
	return cost;
}

/* ---- the four: a receiver and a sender that wait, and for each another who does nothing ---- */

enum who { RECEIVER, SENDER, PARTNERS, OTHER_SENDER = PARTNERS, OTHER_RECEIVER, PROCESSES };

static uint64_t *ready;

static void be(enum who who, const struct channel_kind *kind, struct channel *channel)
{
	struct message message = { 0 };

	bench_pin(who == SENDER ? 0 : 1);
	(who == RECEIVER || who == OTHER_RECEIVER ? kind->open_receiver : kind->open_sender)(channel);
	__atomic_add_fetch(ready, 1, __ATOMIC_SEQ_CST);
	while (who == SENDER)
		kind->send(channel, &message); /* until it is full */
	while (who == RECEIVER)
		kind->receive(channel, NULL);
	for (;;)
		pause();
}

static pid_t start(enum who who, const struct channel_kind *kind, struct channel *channel)
{
	pid_t parent = getpid(), child = fork();

	bench_check(child >= 0);
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			be(who, kind, channel);
		_exit(1);
	}
	return child;
}

/* Those who do nothing first: a sender must have whom to wait for. */
static void start_all(pid_t *pids, const struct channel_kind *kind, struct channel **channels)
{
	for (int who = PROCESSES - 1; who >= 0; who--) {
		pids[who] = start(who, kind, channels[who % PARTNERS]);
		while (bench_load_acquire(ready) + (uint64_t)who < PROCESSES)
			sched_yield();
	}
}

static void kill_all(const pid_t *pids)
{
	for (int who = 0; who < PROCESSES; who++) {
		bench_check(!waitpid(pids[who], NULL, WNOHANG)); /* none has given up */
		kill(pids[who], SIGKILL);
		waitpid(pids[who], NULL, 0);
	}
}

/* ---- results ---- */

static unsigned int seconds_idle(void)
{
	const char *s = getenv("BENCH_IDLE_S");

	return s ? (unsigned int)atoi(s) : 10;
}

static void print_cost(const char *side, struct cost a, struct cost b, bool counted)
{
	char key[32];

	snprintf(key, sizeof(key), "cpu-%s", side);
	bench_also(key, (double)(b.ns - a.ns) / seconds_idle() / 1e7);
	snprintf(key, sizeof(key), "sleeps-%s", side);
	bench_also(key, (double)(b.sleeps - a.sleeps));
	snprintf(key, sizeof(key), "calls-%s", side);
	if (counted)
		bench_also(key, (double)(b.calls - a.calls));
}

/* The first second they may settle: fill the channel, spin, fall asleep. */
static void measure(const pid_t *pids)
{
	struct cost before[PARTNERS], after[PARTNERS];
	int calls[PARTNERS];

	for (int who = 0; who < PARTNERS; who++)
		calls[who] = calls_open(pids[who]);
	sleep(1);
	for (int who = 0; who < PARTNERS; who++)
		before[who] = cost_now(pids[who], calls[who]);
	sleep(seconds_idle());
	for (int who = 0; who < PARTNERS; who++)
		after[who] = cost_now(pids[who], calls[who]);
	bench_value("ticks", (double)(after[RECEIVER].ticks - before[RECEIVER].ticks));
	bench_also("ticks-sender", (double)(after[SENDER].ticks - before[SENDER].ticks));
	print_cost("receiver", before[RECEIVER], after[RECEIVER], calls[RECEIVER] >= 0);
	print_cost("sender", before[SENDER], after[SENDER], calls[SENDER] >= 0);
}

/* ---- cells ---- */

static void run(const struct bench_cell *cell)
{
	const struct channel_kind *kind = channel_kind_of(cell->peer);
	struct channel *channels[PARTNERS] = { kind->create(cell->peer), kind->create(cell->peer) };
	pid_t pids[PROCESSES];

	ready = bench_shared(sizeof(*ready));
	mount_tracing();
	start_all(pids, kind, channels);
	measure(pids);
	kill_all(pids);
}

static struct bench_cell cells[64];

int main(int argc, char **argv)
{
	for (size_t k = 0; k < channel_kind_count; k++)
		cells[k] = (struct bench_cell){ "idle", channel_kinds[k].name, MESSAGE_BYTES, CHANNEL_SLOTS, 1 };
	return bench_main(argc, argv, cells, channel_kind_count, run);
}
