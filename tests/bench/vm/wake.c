/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * wake: waking many, each with a target of its own
 *
 *   wake_N    N consumers (1,000: observers) wait for positions 1 .. N from here: publish N at once. Microseconds to the
 *             last one awake. Peer futex: the same N threads on one futex, woken by one FUTEX_WAKE.
 *
 * Also: wake_us, the publish itself with its WAKE; by INFO, per publish: wakes, examined, woken, futile, empty. one_...: the
 * same of a publish of 1, which wakes one of the N.
 *
 * Sleepers are threads on CPU 1, the producer is on CPU 0. They JOIN and WAIT by ioctl and map nothing: it is the kernel
 * that is measured, and 1,000 maps of a ring with 2,048 members would take longer than all the rest.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dmp.h>

#include "../bench.h"

#define LAPS	 3 /* that wake all; then one that wakes one */
#define MOST	 1000
#define SLOTS	 8192 /* all laps fit without a release */
#define SLEEPERS 2048 /* member slots: observers take half of them at most */

struct sleeper {
	pthread_t thread;
	int fd;		 /* its member file */
	uint32_t number; /* its target is so far ahead */
	_Atomic(pid_t) tid;
	_Atomic uint32_t going;	  /* laps in which it went to sleep */
	_Atomic uint64_t woke_at; /* in this lap; 0: not yet */
};

static struct hall {
	uint32_t count; /* of sleepers */
	bool futex;
	struct dmp_ring *ring;
	struct dmp_member *producer;
	uint64_t base;	       /* published before this lap */
	_Atomic uint32_t word; /* the futex: laps */
	pthread_barrier_t lap;
	struct sleeper sleepers[MOST];
} hall;

/* ---- sleepers ---- */

static int join_by_ioctl(uint32_t number)
{
	struct dmp_join args = { .size = sizeof(args), .role = DMP_ROLE_OBSERVER };
	int fd;

	if (hall.count <= DMP_MAX_GATES) {
		args.role = DMP_ROLE_CONSUMER;
		snprintf(args.name, sizeof(args.name), "sleeper%u", number);
	}
	fd = ioctl(dmp_ring_fd(hall.ring), DMP_IOC_JOIN, &args);
	if (fd < 0)
		bench_fail("sleeper %u cannot join: %s", number, strerror(errno));
	return fd;
}

static void sleep_on_ring(const struct sleeper *s)
{
	struct dmp_wait wait = {
		.size = sizeof(wait),
		.target = hall.base + s->number,
		.deadline = DMP_FOREVER,
	};

	bench_check(!ioctl(s->fd, DMP_IOC_WAIT, &wait));
}

static void sleep_on_futex(uint32_t lap)
{
	while (hall.word == lap)
		bench_check(!syscall(SYS_futex, &hall.word, FUTEX_WAIT, lap, NULL, NULL, 0) || errno == EAGAIN);
}

static void *sleep_laps(void *arg)
{
	struct sleeper *s = arg;

	s->tid = gettid();
	for (uint32_t lap = 0; lap <= LAPS; lap++) {
		s->going = lap + 1;
		if (hall.futex)
			sleep_on_futex(lap);
		else
			sleep_on_ring(s);
		s->woke_at = bench_now();
		pthread_barrier_wait(&hall.lap);
	}
	return NULL;
}

/* Asleep: it has said that it goes, and the scheduler says S; on the way it blocks on nothing else. */
static bool is_asleep(const struct sleeper *s, uint32_t lap)
{
	char path[64], stat[256], *state;
	ssize_t n;
	int fd;

	if (s->going != lap + 1)
		return false;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)s->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	bench_check(fd >= 0);
	n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	bench_check(n > 0);
	stat[n] = 0;
	state = strrchr(stat, ')');
	return state && state[2] == 'S';
}

static void await_all_asleep(uint32_t lap)
{
	for (uint32_t i = 0; i < hall.count; i++)
		while (!is_asleep(&hall.sleepers[i], lap))
			sched_yield();
}

static uint64_t await_awake(const struct sleeper *s)
{
	uint64_t at;

	while (!(at = s->woke_at))
		sched_yield();
	return at;
}

/* ---- who wakes them ---- */

static void publish(uint32_t n)
{
	uint64_t pos;

	bench_check(!dmp_claim(hall.producer, n, &pos));
	for (uint32_t i = 0; i < n; i++)
		*(uint64_t *)dmp_slot(hall.producer, pos + i) = pos + i;
	dmp_publish(hall.producer, pos, n);
}

static void wake_futex(void)
{
	hall.word++;
	bench_check(syscall(SYS_futex, &hall.word, FUTEX_WAKE, hall.count, NULL, NULL, 0) >= 0);
}

struct sample {
	uint32_t wake_ns, last_ns;
};

/* Wake the first woken of them, then the rest. */
static struct sample wake(uint32_t woken)
{
	uint64_t start = bench_now(), end, at, last = 0;

	if (hall.futex)
		wake_futex();
	else
		publish(woken);
	end = bench_now();
	for (uint32_t i = 0; i < woken; i++) {
		at = await_awake(&hall.sleepers[i]);
		last = at > last ? at : last;
	}
	return (struct sample){ (uint32_t)(end - start), (uint32_t)(last - start) };
}

static void add(struct dmp_info *sum, const struct dmp_info *was)
{
	struct dmp_info is;

	bench_check(!dmp_ring_info(hall.ring, &is));
	sum->wakes += is.wakes - was->wakes;
	sum->woken += is.woken - was->woken;
	sum->examined += is.examined - was->examined;
	sum->futile += is.futile - was->futile;
	sum->empty += is.empty - was->empty;
}

static struct sample run_lap(uint32_t lap, uint32_t woken, struct dmp_info *sum)
{
	struct dmp_info was = { 0 };
	struct sample sample;

	await_all_asleep(lap);
	if (!hall.futex)
		bench_check(!dmp_ring_info(hall.ring, &was));
	sample = wake(woken);
	if (!hall.futex)
		add(sum, &was);
	if (woken < hall.count)
		publish(hall.count - woken);
	for (uint32_t i = 0; i < hall.count; i++) {
		await_awake(&hall.sleepers[i]);
		hall.sleepers[i].woke_at = 0;
	}
	hall.base += hall.count;
	pthread_barrier_wait(&hall.lap);
	return sample;
}

/* ---- setting up ---- */

static void open_ring(void)
{
	const struct dmp_ring_options options = {
		.slots = SLOTS,
		.event_size = 56,
		.members = SLEEPERS,
		.flags = DMP_RING_STAMPED,
	};
	struct rlimit files = { MOST + 64, MOST + 64 };

	bench_check(!setrlimit(RLIMIT_NOFILE, &files));
	bench_check(!dmp_ring_create(&hall.ring, NULL, &options));
	bench_check(!dmp_join(hall.ring, DMP_ROLE_PRODUCER, NULL, &hall.producer));
}

static void start_sleepers(void)
{
	pthread_attr_t attr;
	cpu_set_t second;

	CPU_ZERO(&second);
	CPU_SET(1, &second);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	pthread_attr_setaffinity_np(&attr, sizeof(second), &second);
	pthread_barrier_init(&hall.lap, NULL, hall.count + 1);
	for (uint32_t i = 0; i < hall.count; i++) {
		struct sleeper *s = &hall.sleepers[i];

		s->number = i + 1;
		s->fd = hall.futex ? -1 : join_by_ioctl(s->number);
		bench_check(!pthread_create(&s->thread, &attr, sleep_laps, s));
	}
}

static double median_us(const struct sample *samples, size_t offset)
{
	uint32_t ns[LAPS];

	for (int i = 0; i < LAPS; i++)
		ns[i] = *(const uint32_t *)((const char *)&samples[i] + offset);
	return bench_percentile(ns, LAPS, 0.5) / 1e3;
}

static void report_all(const struct sample *samples, const struct dmp_info *sum)
{
	bench_value("us", median_us(samples, offsetof(struct sample, last_ns)));
	bench_also("wake_us", median_us(samples, offsetof(struct sample, wake_ns)));
	if (hall.futex)
		return;
	bench_also("wakes", (double)sum->wakes / LAPS);
	bench_also("woken", (double)sum->woken / LAPS);
	bench_also("examined", (double)sum->examined / LAPS);
	bench_also("futile", (double)sum->futile / LAPS);
	bench_also("empty", (double)sum->empty / LAPS);
}

static void report_one(const struct sample *sample, const struct dmp_info *sum)
{
	bench_also("one_us", sample->last_ns / 1e3);
	bench_also("one_wake_us", sample->wake_ns / 1e3);
	bench_also("one_woken", (double)sum->woken);
	bench_also("one_examined", (double)sum->examined);
}

static void measure(const struct bench_cell *cell)
{
	struct sample samples[LAPS + 1];
	struct dmp_info all = { 0 }, one = { 0 };

	hall.count = cell->publish;
	hall.futex = !strcmp(cell->peer, "futex");
	bench_pin(0);
	if (!hall.futex)
		open_ring();
	start_sleepers();
	for (uint32_t lap = 0; lap < LAPS; lap++)
		samples[lap] = run_lap(lap, hall.count, &all);
	samples[LAPS] = run_lap(LAPS, hall.futex ? hall.count : 1, &one);
	for (uint32_t i = 0; i < hall.count; i++)
		pthread_join(hall.sleepers[i].thread, NULL);
	report_all(samples, &all);
	if (!hall.futex)
		report_one(&samples[LAPS], &one);
}

#define CELLS(n)                                  \
	{ "wake_" #n, "dmp", 56, SLOTS, n },      \
	{                                         \
		"wake_" #n, "futex", 56, SLOTS, n \
	}

static const struct bench_cell cells[] = { CELLS(1), CELLS(10), CELLS(64), CELLS(1000) };

int main(int argc, char **argv)
{
	return bench_main(argc, argv, cells, sizeof(cells) / sizeof(cells[0]), measure);
}
