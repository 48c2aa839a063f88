/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * idle: what a consumer costs that sleeps for SECONDS
 *
 * Another process counts the sleeper's system calls, and reads its CPU ticks and its time on a CPU from /proc before
 * and after. Then it publishes: the sleeper must wake, and the counter count.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include <dmp.h>

#include "../bench.h"
#include "calls.h"

#define SECONDS 10

/* What the scheduler says of a process. */
struct usage {
	char state;
	unsigned long ticks;	   /* user and system */
	unsigned long long run_ns; /* on a CPU */
};

static void read_proc(pid_t pid, const char *file, char *text, size_t size)
{
	char path[64];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	f = fopen(path, "re");
	bench_check(f);
	n = fread(text, 1, size - 1, f);
	fclose(f);
	text[n] = 0;
}

static struct usage usage_of(pid_t pid)
{
	unsigned long user, system;
	struct usage usage;
	char text[512];

	read_proc(pid, "stat", text, sizeof(text));
	bench_check(sscanf(strrchr(text, ')'), ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &usage.state,
			   &user, &system) == 3);
	usage.ticks = user + system;
	read_proc(pid, "schedstat", text, sizeof(text));
	bench_check(sscanf(text, "%llu", &usage.run_ns) == 1);
	return usage;
}

static pid_t start_sleeper(struct dmp_ring *ring)
{
	const struct dmp_join_options options = { .name = "sleeper", .wait = &dmp_wait_block };
	struct dmp_member *consumer;
	struct dmp_batch batch;
	pid_t pid = fork();

	bench_check(pid >= 0);
	if (pid)
		return pid;
	bench_check(!dmp_join(ring, DMP_ROLE_CONSUMER, &options, &consumer));
	bench_check(!dmp_wait(consumer, 1, &batch));
	_exit(0);
}

static void await_asleep(const struct dmp_ring *ring, pid_t pid)
{
	struct dmp_info info;

	do {
		usleep(1000);
		bench_check(!dmp_ring_info(ring, &info));
	} while (!info.sleeps || usage_of(pid).state != 'S');
}

/* The sleeper wakes and ends, which takes system calls: does the counter see them? */
static uint64_t wake(struct dmp_ring *ring, pid_t pid, int counter)
{
	struct dmp_member *producer;
	int status;
	uint64_t pos;

	bench_check(!dmp_join(ring, DMP_ROLE_PRODUCER, NULL, &producer));
	bench_check(!dmp_claim(producer, 1, &pos));
	dmp_slot(producer, pos);
	calls_start(counter);
	dmp_publish(producer, pos, 1);
	bench_check(waitpid(pid, &status, 0) == pid && !status);
	return calls_stop(counter);
}

static void measure(const struct bench_cell *cell)
{
	const struct dmp_ring_options options = {
		.slots = cell->slots,
		.event_size = cell->size,
		.flags = DMP_RING_STAMPED,
	};
	struct usage before, after;
	struct dmp_ring *ring;
	int counter;
	pid_t pid;

	bench_check(!dmp_ring_create(&ring, NULL, &options));
	pid = start_sleeper(ring);
	await_asleep(ring, pid);
	counter = calls_open(pid);
	before = usage_of(pid);
	calls_start(counter);
	sleep(SECONDS);
	bench_value("calls", (double)calls_stop(counter));
	after = usage_of(pid);
	bench_check(wake(ring, pid, counter) > 0);
	bench_also("seconds", SECONDS);
	bench_also("ticks", (double)(after.ticks - before.ticks));
	bench_also("run_ns", (double)(after.run_ns - before.run_ns));
}

int main(int argc, char **argv)
{
	static const struct bench_cell cells[] = { { "idle", "dmp", 56, 1024, 1 } };

	return bench_main(argc, argv, cells, 1, measure);
}
