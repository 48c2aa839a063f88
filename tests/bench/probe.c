/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* probe.c: holding both CPUs where they are, and finding out where that is; see probe.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "probe.h"

#define SLICES	    5
#define ROUND_TRIPS 1000  /* per slice */
#define TOO_FAST    0.72  /* times the usual: one core */
#define TOO_SLOW    1.6	  /* distant cores, or others are running */
#define MOVES	    41	  /* to find out what is usual */
#define MOVE_US	    30000 /* long enough for the host to move an idle CPU */

static struct {
	uint64_t word __attribute__((aligned(128)));
	char padding[128];
} * line; /* always the same: which one it is makes a difference of its own */

static double usual_ns;
static pid_t holders[2];

/* ---- the line ---- */

static void await(uint64_t value)
{
	while (bench_load_acquire(&line->word) != value)
		bench_pause();
}

static void answer(void)
{
	bench_pin(1);
	for (uint64_t i = 0; i < (SLICES + 1) * ROUND_TRIPS; i++) {
		await(2 * i + 1);
		bench_store_release(&line->word, 2 * i + 2);
	}
	_exit(0);
}

static double slice(uint64_t first)
{
	uint64_t start = bench_now();

	for (uint64_t i = first; i < first + ROUND_TRIPS; i++) {
		bench_store_release(&line->word, 2 * i + 1);
		await(2 * i + 2);
	}
	return (double)(bench_now() - start) / ROUND_TRIPS;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* The first slice warms up. */
static double probe(void)
{
	double slices[SLICES];
	pid_t child;

	line->word = 0;
	child = fork();
	bench_check(child >= 0);
	if (!child)
		answer();
	slice(0);
	for (uint64_t i = 0; i < SLICES; i++)
		slices[i] = slice((i + 1) * ROUND_TRIPS);
	waitpid(child, NULL, 0);
	return median(slices, SLICES);
}

/* ---- holding ---- */

/* In a session of its own: there its weight does not count against anybody's. */
static pid_t hold(int cpu)
{
	struct sched_param none = { 0 };
	pid_t child = fork();
	int fd;

	bench_check(child >= 0);
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, "19", 2) < 0)
		close(fd);
	bench_pin(cpu);
	sched_setscheduler(0, SCHED_IDLE, &none);
	for (;;)
		bench_pause();
}

static void move(void)
{
	for (int i = 0; i < 2; i++)
		kill(holders[i], SIGSTOP);
	usleep(MOVE_US);
	for (int i = 0; i < 2; i++)
		kill(holders[i], SIGCONT);
}

/* ---- what is offered ---- */

void probe_start(double usual)
{
	double probes[MOVES];

	line = bench_shared(sizeof(*line));
	for (int i = 0; i < 2; i++)
		holders[i] = hold(i);
	bench_pin(0);
	usual_ns = usual;
	if (usual > 0)
		return;
	for (int i = 0; i < MOVES; i++) {
		move();
		probes[i] = probe();
	}
	usual_ns = median(probes, MOVES);
}

double probe_usual(void)
{
	return usual_ns;
}

bool probe_is_usual(void)
{
	double ns = probe();

	return ns > usual_ns * TOO_FAST && ns < usual_ns * TOO_SLOW;
}

bool probe_regain(double seconds)
{
	uint64_t deadline = bench_now() + (uint64_t)(seconds * 1e9);

	while (!probe_is_usual()) {
		if (bench_now() > deadline)
			return false;
		move();
	}
	return true;
}
