// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * aggregator.c: the thread that hands a counters page on
 *
 * Who may still hold the page when the thread reads it?
 *   1. one outside all rings: the aggregator itself, by a use of its own;
 *   2. a member's, followed: the aggregator's own membership has it mapped, and leaves once the thread is joined;
 *   3. a member's, watched: the caller, who has promised not to let reader leave before that.
 *
 * One mutex guards stop; the condition has CLOCK_MONOTONIC, so a sleep ends with the signal, not with the tick.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "aggregator.h"

#define NS 1000000000ULL

struct dmp_aggregator {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t stopped;
	bool stop;
	uint64_t interval;
	struct dmp_recorder recorder;

	/* The page: one of both. */
	struct dmp_counters *counters; /* kept */
	const struct dmp_counters_page *page;
	const struct dmp_member *reader;
	struct dmp_member *own; /* kept: the reader, if it is the aggregator's; else NULL */
	uint32_t index;
	uint64_t life; /* of the member at index */

	/* The thread's own. */
	struct dmp_snapshot_ last, next;
	struct dmp_names_ names;
};

/* ---- the thread ---- */

/* A member that has gone is shown as it was. */
static void read_page(struct dmp_aggregator *a)
{
	if (a->page)
		dmp_page_read_(a->page, &a->last);
	else if (!dmp_member_read_(a->reader, a->index, a->life, &a->next))
		a->last = a->next;
}

static void tick(struct dmp_aggregator *a)
{
	read_page(a);
	dmp_record_(&a->recorder, &a->names, &a->last);
}

/* The condition's own clock, whatever the library's is. */
static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS + (uint64_t)ts.tv_nsec;
}

static uint64_t later(uint64_t at, uint64_t interval)
{
	return at + interval < at ? DMP_FOREVER : at + interval;
}

/* When the next tick is due, given when the last one was: one that was missed is not made up for. */
static uint64_t next_due(uint64_t due, uint64_t interval)
{
	uint64_t at = now(), next = later(due, interval);

	return next > at ? next : later(at, interval);
}

/* Returns whether it was stopped. */
static bool sleep_until(struct dmp_aggregator *a, uint64_t due)
{
	const struct timespec ts = { .tv_sec = (time_t)(due / NS), .tv_nsec = (long)(due % NS) };
	bool stop;
	int err = 0;

	pthread_mutex_lock(&a->mutex);
	while (!a->stop && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&a->stopped, &a->mutex, &ts);
	stop = a->stop;
	pthread_mutex_unlock(&a->mutex);
	return stop;
}

/* The last tick is after the stop, so that it has all that was counted before. */
static void *run(void *arg)
{
	struct dmp_aggregator *a = arg;
	uint64_t due = now();

	do {
		tick(a);
		due = next_due(due, a->interval);
	} while (!sleep_until(a, due));
	tick(a);
	return NULL;
}

/* ---- start ---- */

static bool has_function(const struct dmp_recorder *r)
{
	return r->counter || r->gauge || r->histogram || r->flush;
}

static int new_aggregator(struct dmp_aggregator **aggregator, const struct dmp_aggregator_options *o)
{
	struct dmp_aggregator *a;

	if (!o || !has_function(&o->recorder))
		return -EINVAL;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	if (dmp_names_init_(&a->names, o)) {
		free(a);
		return -EINVAL;
	}
	a->interval = o->interval ? o->interval : DMP_AGGREGATOR_INTERVAL;
	a->recorder = o->recorder;
	*aggregator = a;
	return 0;
}

static int start_thread(struct dmp_aggregator *a)
{
	pthread_condattr_t monotonic;
	sigset_t all, before;
	int err;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&a->stopped, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&a->mutex, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&a->thread, NULL, run, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_setname_np(a->thread, "dmp-aggregator");
	return err;
}

static void let_go(struct dmp_aggregator *a)
{
	dmp_counters_free(a->counters);
	dmp_leave(a->own);
	free(a);
}

/* Undoes all if there is no thread. */
static int start(struct dmp_aggregator **aggregator, struct dmp_aggregator *a)
{
	int err = start_thread(a);

	if (err)
		let_go(a);
	else
		*aggregator = a;
	return err;
}

int dmp_aggregator_start(struct dmp_aggregator **aggregator, struct dmp_counters *counters,
			 const struct dmp_aggregator_options *options)
{
	struct dmp_aggregator *a;
	int err = new_aggregator(&a, options);

	if (err)
		return err;
	a->page = dmp_counters_keep_(counters);
	a->counters = counters;
	return start(aggregator, a);
}

/* What there is now is what will be shown if the member goes before the first tick. */
static int begin_reading(struct dmp_aggregator *a, const struct dmp_member *reader, uint32_t index)
{
	int err = dmp_counters_read(reader, index, NULL, 0);

	if (err < 0)
		return err;
	a->reader = reader;
	a->index = index;
	a->life = dmp_life_(reader, index);
	return dmp_member_read_(reader, index, a->life, &a->last);
}

int dmp_aggregator_watch(struct dmp_aggregator **aggregator, const struct dmp_member *reader, uint32_t index,
			 const struct dmp_aggregator_options *options)
{
	struct dmp_aggregator *a;
	int err = new_aggregator(&a, options);

	if (err)
		return err;
	err = begin_reading(a, reader, index);
	if (!err)
		return start(aggregator, a);
	let_go(a);
	return err;
}

int dmp_aggregator_follow(struct dmp_aggregator **aggregator, struct dmp_ring *ring, uint32_t index,
			  const struct dmp_aggregator_options *options)
{
	const struct dmp_join_options own = { .name = "aggregator", .counters = DMP_COUNTERS_NONE };
	struct dmp_aggregator *a;
	int err = new_aggregator(&a, options);

	if (err)
		return err;
	err = dmp_join(ring, DMP_ROLE_OBSERVER, &own, &a->own);
	if (!err) /* nobody's place may just have become its own */
		err = a->own->index == index ? -ENOENT : begin_reading(a, a->own, index);
	if (!err)
		return start(aggregator, a);
	let_go(a);
	return err;
}

/* ---- stop ---- */

int dmp_aggregator_stop(struct dmp_aggregator *a)
{
	if (!a)
		return 0;
	if (pthread_equal(a->thread, pthread_self()))
		return -EDEADLK;
	pthread_mutex_lock(&a->mutex);
	a->stop = true;
	pthread_cond_signal(&a->stopped);
	pthread_mutex_unlock(&a->mutex);
	pthread_join(a->thread, NULL);
	pthread_cond_destroy(&a->stopped);
	pthread_mutex_destroy(&a->mutex);
	let_go(a);
	return 0;
}
