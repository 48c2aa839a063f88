/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * late_notify: the control of lost_wake: owners that publish in the wrong order do lose wakes, and the kernel counts them
 *
 *   right   A  store the cursor                 wrong   B  load mode and notify: nobody sleeps
 *           B  load mode, barrier, notify                       <- a sleeper comes: it sees the old cursor, and sleeps
 *                                                       A  store the cursor
 *
 * The owner is stopped at the arrow until the kernel says that the sleeper sleeps, so the wrong order loses every time. All
 * of it is done on the mapped memory, for the library has no such order. A lost wake is one that reaches its deadline with
 * its barrier crossed: "late".
 */
#define _GNU_SOURCE
#include "stress.h"

#include <dmp/order.h>

#include "../raw.h"

#define DEADLINE_NS 200000000ULL
#define SEVERAL	    (DMP_RING_STAMPED | DMP_RING_MULTI)

struct stage {
	int ring;
	bool several; /* the producers' stamps tell, the cursor is only of use to us */
	struct raw producer, consumer;
	const struct dmp_notify *line; /* of the ring's cursor */
};

static struct stage set_up(uint32_t flags)
{
	struct dmp_create args = create_args(NULL);
	struct stage s;

	args.flags = flags;
	if (flags & DMP_RING_MULTI)
		args.event_size -= 8;
	s.several = flags & DMP_RING_MULTI;
	s.ring = ring_create(&args);
	assert_true(s.ring >= 0);
	s.producer = raw_join(s.ring, DMP_ROLE_PRODUCER, "owner");
	s.consumer = raw_join(s.ring, DMP_ROLE_CONSUMER, "sleeper");
	s.line = (const struct dmp_notify *)((const char *)s.producer.meta + s.producer.meta->notify_off);
	return s;
}

static void tear_down(struct stage *s)
{
	raw_leave(&s->consumer);
	raw_leave(&s->producer);
	close(s->ring);
}

/* A: one event more. */
static void store_cursor(struct stage *s, uint64_t cursor)
{
	if (s->several) {
		dmp_store_release(s->producer.cursor->claimed, cursor);
		dmp_store_release(*((__u64 *)raw_slot(&s->producer, cursor - 1) - 1), dmp_stamp_published(cursor - 1));
	}
	dmp_store_release(s->producer.cursor->cursor, cursor);
}

static void wake_if(struct stage *s, uint64_t notify, uint64_t cursor)
{
	if (notify <= cursor)
		assert_true(xioctl(s->producer.fd, DMP_IOC_WAKE, NULL) >= 0);
}

/* ---- stopped in between ---- */

/* A thread that waits for one more event. */
struct visit {
	pthread_t thread;
	int fd;
	uint64_t target, deadline;
	uint64_t done; /* with this result */
	int result;
};

static void *wait_for_one(void *arg)
{
	struct visit *v = arg;

	v->result = raw_wait(v->fd, v->target, v->deadline);
	store_shared(&v->done, 1);
	return NULL;
}

/* The stop: somebody comes, and sleeps; or not, if its deadline was too near for that. */
static void stop_for_sleeper(struct stage *s, struct visit *v)
{
	struct dmp_member_info m;

	v->fd = s->consumer.fd;
	v->target = raw_cursor(&s->consumer) + 1;
	assert_int_equal(pthread_create(&v->thread, NULL, wait_for_one, v), 0);
	assert_true(stress_until(dmp_load_acquire(v->done) ||
				 (find_member(s->ring, "sleeper", &m) && m.waiting & DMP_WAITING_ASLEEP)));
}

/* What an owner does around the stop. */
typedef void (*publish_fn)(struct stage *s, struct visit *v);

/* The mode is right, the notify word was loaded before the store. */
static void publish_notify_first(struct stage *s, struct visit *v)
{
	uint64_t next = raw_cursor(&s->producer) + 1, notify = dmp_load_once(s->line->notify);

	assert_true(notify > next);
	stop_for_sleeper(s, v);
	store_cursor(s, next);
	assert_int_equal(dmp_load_once(s->line->mode), DMP_MODE_FENCED);
	dmp_full_barrier();
	wake_if(s, notify, next);
}

/* The notify word would be right, but the mode was loaded before the store, and said that nobody need look. */
static void publish_mode_first(struct stage *s, struct visit *v)
{
	uint64_t next = raw_cursor(&s->producer) + 1;
	uint32_t mode = dmp_load_once(s->line->mode);

	assert_int_equal(mode, DMP_MODE_QUIET);
	stop_for_sleeper(s, v);
	store_cursor(s, next);
	if (mode == DMP_MODE_QUIET)
		return;
	dmp_full_barrier();
	wake_if(s, dmp_load_once(s->line->notify), next);
}

static void consume_one(struct stage *s)
{
	raw_release(&s->consumer, raw_cursor(&s->consumer));
}

/* One publish with a sleeper in between that has slept long before its deadline. Returns how many wakes were lost. */
static uint64_t publish_once(uint32_t flags, publish_fn publish)
{
	for (uint64_t patience = DEADLINE_NS;; patience *= 2) {
		struct stage s = set_up(flags);
		struct visit v = { .deadline = now_ns() + patience };
		uint64_t late;
		bool in_time;

		publish(&s, &v);
		in_time = !dmp_load_acquire(v.done) && now_ns() < v.deadline;
		assert_int_equal(pthread_join(v.thread, NULL), 0);
		late = member_info(s.ring, "sleeper").late;
		assert_int_equal(ring_info(s.ring).woken, 0);
		tear_down(&s);
		if (!in_time)
			continue;
		assert_int_equal(v.result, 0);
		return late;
	}
}

/* With several producers half as often: it is the same mistake. */
static uint64_t times(uint32_t flags, uint64_t n)
{
	return flags & DMP_RING_MULTI ? (n + 1) / 2 : n;
}

static void lose_every_wake(const char *what, uint32_t flags, publish_fn publish)
{
	uint64_t n = times(flags, rounds(10, 100)), lost = 0;

	for (uint64_t i = 0; i < n; i++)
		lost += publish_once(flags, publish);
	print_message("%s loaded before the store%s: %" PRIu64 " of %" PRIu64 " wakes lost\n", what,
		      flags & DMP_RING_MULTI ? ", several producers" : "", lost, n);
	assert_int_equal(lost, n);
}

static void notify_loaded_before_the_store_loses_every_wake(void **state)
{
	(void)state;
	lose_every_wake("notify", DMP_RING_FENCED, publish_notify_first);
	lose_every_wake("notify", DMP_RING_FENCED | SEVERAL, publish_notify_first);
}

static void mode_loaded_before_the_store_loses_every_wake(void **state)
{
	(void)state;
	lose_every_wake("mode", 0, publish_mode_first);
	lose_every_wake("mode", SEVERAL, publish_mode_first);
}

/* Nothing is lost by that mistake where a ring is never quiet: the owner always looks. */
static void ring_that_is_never_quiet_says_so_before_anyone_sleeps(void **state)
{
	struct stage s = set_up(0);

	(void)state;
	assert_int_equal(dmp_load_once(s.line->mode), DMP_MODE_FENCED);
	tear_down(&s);
}

/* The same stop in the right order: whoever comes between A and B sees A, and does not sleep. */
static void stop_in_the_right_order(uint32_t flags)
{
	uint64_t n = rounds(1000, 10000);
	struct stage s = set_up(flags);

	for (uint64_t next = 1; next <= n; next++) {
		store_cursor(&s, next);
		assert_int_equal(raw_wait(s.consumer.fd, next, wait_long()), 0); /* the stop */
		dmp_full_barrier();
		wake_if(&s, dmp_load_once(s.line->notify), next);
		consume_one(&s);
	}
	assert_int_equal(ring_info(s.ring).sleeps, 0);
	assert_int_equal(ring_info(s.ring).wakes, 0);
	assert_int_equal(ring_info(s.ring).late, 0);
	tear_down(&s);
}

static void right_order_loses_none_at_the_same_stop(void **state)
{
	(void)state;
	stop_in_the_right_order(DMP_RING_FENCED);
	stop_in_the_right_order(DMP_RING_FENCED | SEVERAL);
}

/* ---- no barrier between A and B: a race, and nobody is stopped ---- */

struct race {
	struct stage stage;
	uint64_t rounds, seed;
	bool fenced;
	uint64_t coming; /* the position that the sleeper is about to wait for */
	uint64_t deadline_ns;
};

static void *sleep_rounds(void *arg)
{
	struct race *r = arg;

	pin_to_cpu(1);
	for (uint64_t next = 1; next <= r->rounds; next++) {
		store_shared(&r->coming, next);
		assert_int_equal(raw_wait(r->stage.consumer.fd, next, now_ns() + r->deadline_ns), 0);
		dmp_store_release(r->stage.consumer.own->cursor, next);
	}
	return NULL;
}

static void publish_rounds(struct race *r)
{
	for (uint64_t next = 1; next <= r->rounds; next++) {
		while (dmp_load_acquire(r->coming) < next)
			dmp_pause();
		stress_delay(&r->seed, 16);
		store_cursor(&r->stage, next);
		if (r->fenced)
			dmp_full_barrier();
		else
			dmp_compiler_barrier();
		wake_if(&r->stage, dmp_load_once(r->stage.line->notify), next);
	}
}

static uint64_t race_for_late_wakes(uint32_t flags, bool fenced, uint64_t deadline_ns)
{
	struct race r = {
		.stage = set_up(DMP_RING_FENCED | flags),
		.rounds = times(flags, rounds(2000, 200000)),
		.seed = stress_seed(),
		.fenced = fenced,
		.deadline_ns = deadline_ns,
	};
	cpu_set_t all;
	struct dmp_info info;
	pthread_t sleeper;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	pin_to_cpu(0);
	assert_int_equal(pthread_create(&sleeper, NULL, sleep_rounds, &r), 0);
	publish_rounds(&r);
	assert_int_equal(pthread_join(sleeper, NULL), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	info = ring_info(r.stage.ring);
	print_message("%s the barrier: %llu late in %" PRIu64 " rounds, %llu sleeps, %llu wakes, %llu empty\n",
		      fenced ? "with" : "without", info.late, r.rounds, info.sleeps, info.wakes, info.empty);
	tear_down(&r.stage);
	return info.late;
}

static void fenced_publish_loses_none_in_the_race(void **state)
{
	(void)state;
	assert_int_equal(race_for_late_wakes(0, true, LONG_NS), 0);
	assert_int_equal(race_for_late_wakes(SEVERAL, true, LONG_NS), 0);
}

/* How many it loses is the CPU's affair: the rate is printed, for whoever thinks that the barrier may go. */
static void unfenced_publish_runs_to_its_end(void **state)
{
	(void)state;
	race_for_late_wakes(0, false, DEADLINE_NS);
	race_for_late_wakes(SEVERAL, false, DEADLINE_NS);
}

int main(void)
{
	const struct CMUnitTest always_fenced[] = {
		cmocka_unit_test(ring_that_is_never_quiet_says_so_before_anyone_sleeps),
	};
	const struct CMUnitTest quiet[] = {
		cmocka_unit_test(mode_loaded_before_the_store_loses_every_wake),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notify_loaded_before_the_store_loses_every_wake),
		cmocka_unit_test(right_order_loses_none_at_the_same_stop),
		cmocka_unit_test(fenced_publish_loses_none_in_the_race),
	};
	const struct CMUnitTest soak[] = {
		cmocka_unit_test(unfenced_publish_runs_to_its_end),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	failed += stress_always_fenced() ? cmocka_run_group_tests(always_fenced, NULL, NULL)
					 : cmocka_run_group_tests(quiet, NULL, NULL);
	if (is_soak())
		failed += cmocka_run_group_tests(soak, NULL, NULL);
	return failed;
}
