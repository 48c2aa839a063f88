// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_shm_order.c: sleeper and waker stopped in each other's steps, in the order that would lose the wake
 *
 * Letters: lib/segment_wait.c. This program's clock runs an hour ahead of the kernel's, so that nobody looks up by
 * himself: a wake that is lost is lost for good, and the alarm says so.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/membarrier.h>

#include <dmp/test_point.h>

#include "native.h"

#define AHEAD_NS 3600000000000ULL

uint64_t dmp_sys_now(void)
{
	return now_ns() + AHEAD_NS;
}

/* What the two tell each other. */
struct signals {
	uint64_t go;	 /* to the sleeper, which has joined */
	uint64_t asleep; /* 1: it has come to its point; 2: it has looked once more, and its futex is next */
	uint64_t woken;	 /* the waker is through with what it was at */
};

static struct {
	struct dmp_ring *ring;
	enum dmp_test_point sleeper_stops, waker_stops;
	struct signals *signals;
	struct dmp_member *waker; /* the producer */
	pid_t sleeper;
} stage;

static void at_sleepers_point(enum dmp_test_point point)
{
	struct signals *s = stage.signals;

	if (point == stage.sleeper_stops && !s->asleep) {
		store_shared(&s->asleep, 1);
		await_shared(&s->woken, 1);
	}
	if (point == DMP_POINT_SLEEP_BEFORE && s->asleep)
		store_shared(&s->asleep, 2);
}

static void at_wakers_point(enum dmp_test_point point)
{
	if (point != stage.waker_stops || stage.signals->go)
		return;
	store_shared(&stage.signals->go, 1);
	await_shared(&stage.signals->asleep, 1);
}

/* Until there are two events: after the first it has to sleep on. */
static int sleep_for_two(void *unused)
{
	struct dmp_member *c = stress_join(stage.ring, DMP_ROLE_CONSUMER, "two", &dmp_wait_block);
	struct dmp_batch batch;

	(void)unused;
	dmp_test_hook = at_sleepers_point;
	await_shared(&stage.signals->go, 1);
	return -dmp_wait(c, 2, &batch);
}

static void set_stage(enum dmp_test_point sleeper_stops, enum dmp_test_point waker_stops)
{
	struct address a = new_shm("order");

	stage.ring = create_ring(&a, 0);
	stage.sleeper_stops = sleeper_stops;
	stage.waker_stops = waker_stops;
	stage.signals = shared_memory(sizeof(*stage.signals));
	stage.waker = join(stage.ring, DMP_ROLE_PRODUCER, "p");
	alarm(60);
	stage.sleeper = start_child(sleep_for_two, NULL);
	await_members(stage.ring, 2);
	dmp_test_hook = at_wakers_point;
}

/* As if it had been fenced by somebody who waits for that position. */
static void fence_for(uint64_t position)
{
	dmp_store_once(stage.waker->line->settled, 77U);
	dmp_store_once(stage.waker->line->mode, 77U);
	dmp_store_once(stage.waker->line->notify, position);
}

/* The first event was published in the sleeper's way; the second has to wake it. */
static void wake_sleeper(void)
{
	store_shared(&stage.signals->woken, 1);
	await_shared(&stage.signals->asleep, 2);
	publish(stage.waker, 1);
	assert_int_equal(finish_child(stage.sleeper), 0);
	alarm(0);
	dmp_test_hook = NULL;
	dmp_leave(stage.waker);
	dmp_ring_close(stage.ring);
	free_shared_memory(stage.signals, sizeof(*stage.signals));
}

/* Y before X: the sleeper would read the raised count, announce itself and be wiped out. */
static void who_comes_while_a_wake_is_under_way_is_not_wiped_out(void **state)
{
	(void)state;
	set_stage(DMP_POINT_SLEEP_ANNOUNCED, DMP_POINT_WAKE_TAKEN);
	fence_for(1);
	publish(stage.waker, 1);
	wake_sleeper();
}

/* N after C: the sleeper would take the count of the wake that has taken its announcement for one before. */
static void who_is_taken_between_announcement_and_sleep_does_not_sleep(void **state)
{
	(void)state;
	set_stage(DMP_POINT_SLEEP_ANNOUNCED, DMP_POINT_COUNT);
	store_shared(&stage.signals->go, 1);
	await_shared(&stage.signals->asleep, 1);
	fence_for(1);
	publish(stage.waker, 1);
	wake_sleeper();
}

/* Q without its second look: the sleeper has seen "fenced", and relies on it. */
static void who_has_seen_fenced_is_not_left_alone_by_a_change_to_quiet(void **state)
{
	(void)state;
	set_stage(DMP_POINT_SLEEP_BEFORE, DMP_POINT_CALM_BEFORE);
	fence_for(DMP_NOBODY);
	dmp_store_once(stage.waker->line->slept, 0UL);
	stage.waker->fenced_looks = UINT32_MAX; /* the next in vain asks whether it may be quiet */
	publish(stage.waker, 1);
	assert_int_equal(stage.signals->asleep, 1);
	wake_sleeper();
}

/* ---- D: seen from the system calls ---- */

static struct {
	struct dmp_member *p; /* in the same thread */
	int barriers;	      /* that found the ring fenced */
	int early;	      /* ... or quiet: they prove nothing */
	int at_sleep;	      /* how many there had been before the futex */
	bool refused;	      /* there are none to be had */
} seen;

static void note_barrier(void)
{
	if (dmp_load_once(seen.p->line->mode) == DMP_MODE_QUIET)
		seen.early++;
	else
		seen.barriers++;
}

/* In place of the C library's. */
long syscall(long number, ...)
{
	static long (*real)(long, ...);
	va_list list;
	long a[6];

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	if (number == SYS_membarrier && (a[0] == MEMBARRIER_CMD_GLOBAL_EXPEDITED || a[0] == MEMBARRIER_CMD_GLOBAL)) {
		if (seen.refused)
			return -1;
		if (seen.p)
			note_barrier();
	}
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void publish_before_sleep(enum dmp_test_point point)
{
	if (point != DMP_POINT_SLEEP_BEFORE)
		return;
	dmp_test_hook = NULL;
	seen.at_sleep = seen.barriers;
	publish(seen.p, 1);
}

/* Goes all the way to the futex, which the event that comes then keeps from sleeping. */
static void sleep_once(struct dmp_member *c)
{
	struct dmp_batch batch;

	seen.at_sleep = -1;
	dmp_test_hook = publish_before_sleep;
	assert_int_equal(dmp_wait(c, 1, &batch), 0);
	assert_int_equal(dmp_release(c, batch.end), 0);
	assert_int_not_equal(seen.at_sleep, -1);
}

static void sleep_twice(uint32_t flags, bool refused, int barriers)
{
	struct address a = new_shm("barrier");
	struct dmp_ring *ring = create_ring(&a, flags);
	struct dmp_member *c = stress_join(ring, DMP_ROLE_CONSUMER, "c", &dmp_wait_block);

	memset(&seen, 0, sizeof(seen));
	seen.p = join(ring, DMP_ROLE_PRODUCER, "p");
	seen.refused = refused;
	sleep_once(c);
	assert_int_equal(seen.at_sleep, barriers);
	sleep_once(c); /* it is fenced still */
	assert_int_equal(seen.at_sleep, barriers);
	assert_int_equal(seen.early, 0);
	dmp_leave(seen.p);
	seen.p = NULL;
	dmp_leave(c);
	dmp_ring_close(ring);
	seen.refused = false;
}

static void the_first_sleeper_runs_a_barrier_once_the_ring_is_fenced(void **state)
{
	(void)state;
	sleep_twice(0, false, 1);
}

static void a_ring_that_is_fenced_for_good_needs_no_barrier(void **state)
{
	(void)state;
	sleep_twice(DMP_RING_FENCED, false, 0);
}

static void where_no_barrier_is_to_be_had_events_pass_all_the_same(void **state)
{
	(void)state;
	sleep_twice(0, true, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_comes_while_a_wake_is_under_way_is_not_wiped_out),
		cmocka_unit_test(who_is_taken_between_announcement_and_sleep_does_not_sleep),
		cmocka_unit_test(who_has_seen_fenced_is_not_left_alone_by_a_change_to_quiet),
		cmocka_unit_test(the_first_sleeper_runs_a_barrier_once_the_ring_is_fenced),
		cmocka_unit_test(a_ring_that_is_fenced_for_good_needs_no_barrier),
		cmocka_unit_test(where_no_barrier_is_to_be_had_events_pass_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
