// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_several_hole.c: who sleeps on a hole a lap below, on one that is not decided yet, and on one that is the last */
#include <unistd.h>

#include <dmp/test_point.h>

#include "several.h"

#include "raw.h"

/* ---- producers ---- */

static void producers_that_sleep_on_a_full_ring_are_woken_by_a_release(void **state)
{
	struct sleep a = asleep_until(p[0], "p0", 1, wait_long()), b = asleep_until(p[1], "p1", 2, wait_long());
	struct dmp_batch batch;

	(void)state;
	publish(2, N);
	fall_asleep(&a);
	fall_asleep(&b);
	assert_int_equal(dmp_wait(c, 1, &batch), 0);
	assert_int_equal(dmp_release(c, 1), 0);
	awake(&a, 0, N, 0);
	fill(0, N, 1);
	assert_asleep(&b);
	assert_int_equal(dmp_release(c, 3), 0); /* one slot is a's, so two are free once three are released */
	awake(&b, 0, N + 1, 0);
	assert_int_equal(info().futile, 0);
	fill(1, N + 1, 2);
}

/* Nobody gates, but a claim a lap below is open: room comes with its slot. */
static void begin_a_lap_behind_a_hole(struct sleep *s)
{
	claim(0, 1);
	publish(1, N - 1);
	*s = asleep_until(p[2], "p2", 1, wait_long());
	fall_asleep(s);
	assert_true(member_info(dmp_ring_fd(ring), "p2").waiting & DMP_WAITING_CURSOR);
}

static void a_producer_a_lap_behind_a_hole_is_woken_by_who_fills_it(void **state)
{
	struct sleep s;

	(void)state;
	begin_a_lap_behind_a_hole(&s);
	fill(0, 0, 1);
	awake(&s, 0, N, 0);
	assert_counts(1, 0, 1);
}

static void a_producer_a_lap_behind_a_hole_is_woken_by_its_owners_death(void **state)
{
	struct sleep s;

	(void)state;
	begin_a_lap_behind_a_hole(&s);
	leave(&p[0]);
	awake(&s, 0, N, 0);
	assert_counts(0, 0, 1);
	assert_int_equal(info().repaired, 1);
}

static void a_producer_polls_for_a_hole_a_lap_below(void **state)
{
	(void)state;
	claim(0, 1);
	publish(1, N - 1);
	assert_int_equal(dmp_arm(p[2], 1), 0);
	assert_false(polled(dmp_member_fd(p[2])));
	fill(0, 0, 1);
	assert_true(polled(dmp_member_fd(p[2])));
	publish(2, 1);
}

/* ---- a hole that may be the dead's or a living one's ---- */

static uint64_t stopped, go_on;
static __thread bool stops;

static void stop_once(enum dmp_test_point point)
{
	if (!stops || point != DMP_POINT_CLAIM_RECORDED)
		return;
	stops = false;
	store_shared(&stopped, 1);
	await_shared(&go_on, 1);
}

static void *claim_and_stop(void *arg)
{
	stops = true;
	return wait_for_it(arg);
}

static bool is_decided(void *arg)
{
	(void)arg;
	return !info().undecided;
}

/* One that has claimed 0 and 1 and dies before it can say that it has won them. */
static void die_before_it_has_won(void)
{
	struct raw dead = raw_join(dmp_ring_fd(ring), DMP_ROLE_PRODUCER, "dead");

	__atomic_store_n(&dead.own->claim_lo, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&dead.own->claim_hi, 2, __ATOMIC_RELEASE);
	__atomic_store_n(&dead.cursor->claimed, 2, __ATOMIC_SEQ_CST);
	raw_leave(&dead);
}

static void a_hole_is_undecided_while_a_living_record_covers_it(void **state)
{
	struct sleep s = asleep_until(c, "c", 1, wait_long()), slow = asleep_until(p[1], "p1", 2, wait_long());

	(void)state;
	stopped = go_on = 0;
	dmp_test_hook = stop_once;
	fall_asleep(&s);
	assert_int_equal(pthread_create(&slow.thread, NULL, claim_and_stop, &slow), 0);
	await_shared(&stopped, 1);
	die_before_it_has_won();
	assert_int_equal(info().undecided, 2);
	assert_int_equal(info().repaired, 0);
	publish(2, 1);
	assert_asleep(&s);
	assert_int_equal(dmp_arm(p[3], 1), 1); /* room there is */
	store_shared(&go_on, 1);
	awake(&slow, 0, 3, 0);
	await(is_decided, NULL, "what the dead has claimed to be aborted");
	dmp_test_hook = NULL;
	awake(&s, 0, 2, 3);
	assert_int_equal(info().repaired, 2);
	assert_int_equal(info().futile, 0);
}

/* ---- the end ---- */

static void leave_all_producers(void)
{
	for (int i = 0; i < MOST; i++)
		leave(&p[i]);
}

static void a_stream_that_ends_with_aborted_slots_ends_behind_them(void **state)
{
	struct sleep s = asleep_until(c, "c", 2, wait_long());

	(void)state;
	publish(0, 1);
	claim(1, 2);
	fall_asleep(&s);
	leave_all_producers();
	awake(&s, 0, 0, 1);
	assert_int_equal(dmp_release(c, 1), 0);
	assert_int_equal(dmp_wait(c, 1, &s.got), -EPIPE);
	assert_int_equal(dmp_aborted(c), 2);
	assert_int_equal(dmp_position(c), 3);
}

static void the_end_wakes_who_sleeps_behind_it(void **state)
{
	struct dmp_member *o = join_to_block(DMP_ROLE_OBSERVER, "o");
	struct sleep s = asleep_until(c, "c", 1, wait_long()), look = asleep_until(o, "o", 1, wait_long());

	(void)state;
	claim(0, 1);
	fall_asleep(&s);
	fall_asleep(&look);
	leave_all_producers();
	awake(&s, -EPIPE, 0, 0);
	awake(&look, -EPIPE, 0, 0);
	assert_int_equal(dmp_aborted(o), 1);
	leave(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BESIDE_A_CONSUMER(producers_that_sleep_on_a_full_ring_are_woken_by_a_release),
		WITHOUT_CONSUMERS(a_producer_a_lap_behind_a_hole_is_woken_by_who_fills_it),
		WITHOUT_CONSUMERS(a_producer_a_lap_behind_a_hole_is_woken_by_its_owners_death),
		WITHOUT_CONSUMERS(a_producer_polls_for_a_hole_a_lap_below),
		BESIDE_A_CONSUMER(a_hole_is_undecided_while_a_living_record_covers_it),
		BESIDE_A_CONSUMER(a_stream_that_ends_with_aborted_slots_ends_behind_them),
		BESIDE_A_CONSUMER(the_end_wakes_who_sleeps_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
