// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_several_wait.c: who sleeps for events of several producers
 *
 * A position is there for a sleeper once all below it are published or aborted, whoever fills the last hole: that one
 * wakes, and who publishes behind somebody else's hole makes no system call.
 */
#include <signal.h>

#include "several.h"

static void who_fills_the_hole_wakes_the_consumer_once(void **state)
{
	struct sleep s = asleep_until(c, "c", 1, wait_long());

	(void)state;
	claim(0, 1);
	claim(1, 2);
	fall_asleep(&s);
	fill(1, 1, 2);
	publish(2, 3);
	assert_asleep(&s);
	assert_counts(0, 0, 0);
	fill(0, 0, 1);
	assert_counts(1, 0, 1);
	awake(&s, 0, 0, 6);
}

static void the_last_of_n_rings_once_if_it_comes_last(void **state)
{
	struct sleep s = asleep_until(c, "c", 3, wait_long());

	(void)state;
	for (int i = 0; i < 3; i++)
		claim(i, 1);
	fall_asleep(&s);
	fill(1, 1, 1);
	fill(0, 0, 1);
	assert_asleep(&s);
	assert_counts(0, 0, 0);
	fill(2, 2, 1);
	assert_counts(1, 0, 1);
	awake(&s, 0, 0, 3);
}

/* It was what the sleeper watched: the kernel looks, and has the first hole watched from then on. */
static void the_last_of_n_rings_in_vain_at_most_once(void **state)
{
	struct sleep s = asleep_until(c, "c", 3, wait_long());

	(void)state;
	for (int i = 0; i < 3; i++)
		claim(i, 1);
	fall_asleep(&s);
	fill(2, 2, 1);
	assert_counts(1, 1, 0);
	fill(1, 1, 1);
	assert_asleep(&s);
	assert_counts(1, 1, 0);
	fill(0, 0, 1);
	assert_counts(2, 1, 1);
	awake(&s, 0, 0, 3);
}

static void each_of_two_consumers_is_woken_at_its_own_target(void **state)
{
	struct dmp_member *d = join_to_block(DMP_ROLE_CONSUMER, "d");
	struct sleep one = asleep_until(c, "c", 1, wait_long()), four = asleep_until(d, "d", 4, wait_long());

	(void)state;
	fall_asleep(&four); /* what is watched goes down from its target to the nearer one */
	fall_asleep(&one);
	claim(0, 1);
	publish(1, 1);
	assert_counts(0, 0, 0);
	fill(0, 0, 1);
	assert_counts(1, 0, 1);
	awake(&one, 0, 0, 2);
	publish(1, 1);
	assert_asleep(&four);
	assert_counts(1, 0, 1);
	publish(0, 1);
	assert_counts(2, 0, 2);
	awake(&four, 0, 0, 4);
	leave(&d);
}

static void a_hole_that_is_aborted_wakes_and_is_skipped(void **state)
{
	struct sleep s = asleep_until(c, "c", 1, wait_long());

	(void)state;
	claim(0, 2);
	publish(1, 1);
	fall_asleep(&s);
	assert_int_equal(dmp_abort(p[0], 0, 2), 0);
	assert_counts(1, 0, 1);
	awake(&s, 0, 2, 3);
	assert_int_equal(dmp_aborted(c), 2);
}

static int claim_and_die(void *arg)
{
	uint64_t pos;

	(void)arg;
	assert_int_equal(dmp_try_claim(join_to_block(DMP_ROLE_PRODUCER, "dies"), 3, &pos), 0);
	return raise(SIGKILL);
}

static void the_death_of_a_holes_owner_wakes(void **state)
{
	struct sleep s = asleep_until(c, "c", 1, wait_long());

	(void)state;
	claim(1, 1);
	fall_asleep(&s);
	assert_int_equal(run_child(claim_and_die, NULL), 128 + SIGKILL);
	publish(2, 1);
	assert_asleep(&s);
	fill(1, 0, 1);
	awake(&s, 0, 0, 1);
	assert_int_equal(dmp_release(c, 1), 0);
	assert_int_equal(info().repaired, 3);
	leave(&p[3]); /* with no claim: nothing of it is to be repaired */
	assert_int_equal(info().repaired, 3);
	s = asleep_until(c, "c", 2, wait_long());
	claim(0, 1);
	fall_asleep(&s);
	leave(&p[0]);
	awake(&s, 0, 4,
	      5); /* behind the first one's three, and before the second one's: no two will ever be in a row */
	assert_int_equal(info().futile, 0);
}

static void a_deadline_passes_behind_a_hole(void **state)
{
	struct sleep s = asleep_until(c, "c", 1, now_ns() + LONG_NS / 1000);

	(void)state;
	claim(0, 1);
	publish(1, 1);
	assert_int_equal(pthread_create(&s.thread, NULL, wait_for_it, &s), 0);
	awake(&s, -ETIMEDOUT, 0, 0);
	assert_counts(0, 0, 0);
	fill(0, 0, 1);
	assert_int_equal(dmp_wait_until(c, 1, &s.got, 0), 0);
	assert_int_equal(s.got.end, 2);
}

static void poll_waits_for_the_hole_as_well(void **state)
{
	int fd = dmp_member_fd(c);

	(void)state;
	claim(0, 1);
	publish(1, 1);
	assert_int_equal(dmp_arm(c, 1), 0);
	publish(2, 1);
	assert_false(polled(fd));
	assert_counts(0, 0, 0);
	fill(0, 0, 1);
	assert_true(polled(fd));
	assert_counts(1, 0, 1);
	assert_int_equal(dmp_arm(c, 3), 1);
}

static void an_observer_sleeps_behind_a_hole(void **state)
{
	struct dmp_member *o = join_to_block(DMP_ROLE_OBSERVER, "o");
	struct sleep s = asleep_until(o, "o", 1, wait_long());

	(void)state;
	claim(0, 1);
	publish(1, 1);
	fall_asleep(&s);
	publish(1, 1);
	assert_asleep(&s);
	fill(0, 0, 1);
	awake(&s, 0, 0, 0);
	assert_counts(1, 0, 1);
	leave(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BESIDE_A_CONSUMER(who_fills_the_hole_wakes_the_consumer_once),
		BESIDE_A_CONSUMER(the_last_of_n_rings_once_if_it_comes_last),
		BESIDE_A_CONSUMER(the_last_of_n_rings_in_vain_at_most_once),
		BESIDE_A_CONSUMER(each_of_two_consumers_is_woken_at_its_own_target),
		BESIDE_A_CONSUMER(a_hole_that_is_aborted_wakes_and_is_skipped),
		BESIDE_A_CONSUMER(the_death_of_a_holes_owner_wakes),
		BESIDE_A_CONSUMER(a_deadline_passes_behind_a_hole),
		BESIDE_A_CONSUMER(poll_waits_for_the_hole_as_well),
		WITHOUT_CONSUMERS(an_observer_sleeps_behind_a_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
