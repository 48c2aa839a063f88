/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* pair.c: two processes, or threads, that measure something together; see bench.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

struct side {
	void (*run)(void *);
	void *arg;
	int cpu;
	long switches_before;
	long switches; /* once it has run */
};

static struct {
	struct side sides[2];
	uint32_t arrived, finished;
} * pair;

static __thread struct side *self;

void bench_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		bench_fail("CPU %d: %s (two CPUs are needed)", cpu, strerror(errno));
}

void bench_unpin(void)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	bench_check(!sched_setaffinity(0, sizeof(all), &all));
}

static long switches_now(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

static void await_both(uint32_t *count)
{
	__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(count, __ATOMIC_SEQ_CST) < 2)
		sched_yield();
}

void bench_meet(void)
{
	await_both(&pair->arrived);
	self->switches_before = switches_now();
}

static void *run_side(void *side)
{
	self = side;
	bench_pin(self->cpu);
	self->run(self->arg);
	self->switches = switches_now() - self->switches_before;
	await_both(&pair->finished); /* what is still to be delivered goes with who sent it */
	return NULL;
}

/* The other side failed and said why: nobody is to wait for it. */
static void child_ended(int signal)
{
	int saved = errno;
	siginfo_t info = { 0 };

	(void)signal;
	if (!waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid &&
	    (info.si_code != CLD_EXITED || info.si_status))
		_exit(1);
	errno = saved;
}

static void run_processes(void)
{
	pid_t child;

	signal(SIGCHLD, child_ended);
	child = fork();
	bench_check(child >= 0);
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_side(&pair->sides[1]);
		_exit(0);
	}
	run_side(&pair->sides[0]);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static void run_threads(void)
{
	pthread_t thread;

	bench_check(!pthread_create(&thread, NULL, run_side, &pair->sides[1]));
	run_side(&pair->sides[0]);
	pthread_join(thread, NULL);
}

void bench_pair(void (*first)(void *), void (*second)(void *), void *arg, unsigned int flags)
{
	pair = bench_shared(sizeof(*pair));
	pair->sides[0] = (struct side){ .run = first, .arg = arg, .cpu = 0 };
	pair->sides[1] = (struct side){ .run = second, .arg = arg, .cpu = flags & BENCH_SAME_CPU ? 0 : 1 };
	if (flags & BENCH_THREADS)
		run_threads();
	else
		run_processes();
	bench_also(flags & (BENCH_SAME_CPU | BENCH_CROWDED) ? "preempted" : "switches",
		   (double)(pair->sides[0].switches + pair->sides[1].switches));
}
