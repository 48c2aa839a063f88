// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_barrier.c: how far a consumer may read: dependencies, hostile cursors, the end of the stream */
#include "fake.h"

#define SLOTS 1024

static struct dmp_member *p, *c;

static int start(uint32_t event_size, uint32_t flags)
{
	fake_create(SLOTS, event_size, flags);
	p = fake_producer();
	c = fake_consumer("c", NULL);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return start(56, DMP_RING_STAMPED);
}

static int setup_packed(void **state)
{
	(void)state;
	return start(8, 0);
}

static int teardown(void **state)
{
	(void)state;
	dmp_leave(c);
	dmp_leave(p);
	p = c = NULL;
	fake_destroy();
	return 0;
}

/* ---- dependencies ---- */

static void an_event_is_there_once_all_dependencies_have_released_it(void **state)
{
	struct dmp_member *d = fake_consumer("d", "c");

	(void)state;
	fake_publish(p, 10);
	expect_nothing(d, 1, -EAGAIN);
	expect_batch(c, 2, 0, 10);
	assert_int_equal(dmp_release(c, 4), 0);
	expect_batch(d, 1, 0, 4);
	expect_nothing(d, 5, -EAGAIN);
	dmp_leave(d);
}

static void a_dependency_that_runs_ahead_shows_nothing_unpublished(void **state)
{
	struct dmp_member *d = fake_consumer("d", "c");

	(void)state;
	fake_publish(p, 3);
	fake_own(c->index)->cursor = UINT64_MAX;
	expect_batch(d, 1, 0, 3);
	expect_nothing(d, 4, -EAGAIN);
	dmp_leave(d);
}

static void a_dependency_that_goes_back_shows_nothing_new(void **state)
{
	struct dmp_member *d;

	(void)state;
	fake.cursor->cursor = 100;
	d = fake_consumer("d", "c");
	fake_own(c->index)->cursor = 3;
	expect_nothing(d, 1, -EAGAIN);
	fake_own(c->index)->cursor = 101;
	fake.cursor->cursor = 101;
	expect_batch(d, 1, 100, 101);
	dmp_leave(d);
}

static void a_cursor_far_ahead_shows_a_rings_worth(void **state)
{
	(void)state;
	fake.cursor->cursor = 1ULL << 62;
	expect_batch(c, SLOTS, 0, SLOTS);
}

static void a_dependency_that_has_left_holds_nobody_up(void **state)
{
	struct dmp_member *d = fake_consumer("d", "c");

	(void)state;
	fake_publish(p, 10);
	expect_nothing(d, 1, -EAGAIN);
	dmp_leave(c);
	c = NULL;
	expect_batch(d, 2, 0, 10);
	dmp_leave(d);
}

/* ---- no member any more ---- */

/* As the kernel does: why, the incarnation, the generation. */
static void remove_consumer(uint32_t why)
{
	fake_entry(c->index)->gone = why;
	fake_entry(c->index)->incarnation++;
	fake.meta->generation++;
}

static void who_was_evicted_hears_it_from_each_wait(void **state)
{
	(void)state;
	remove_consumer(DMP_GONE_EVICTED);
	expect_nothing(c, 1, -ESTALE);
	expect_nothing(c, 8, -ESTALE);
	assert_int_equal(fake.waits, 0); /* it need not sleep to hear it */
}

static void whose_dependency_died_hears_that(void **state)
{
	struct dmp_member *d = fake_consumer("d", "c");

	(void)state;
	fake_publish(p, 1);
	fake_entry(d->index)->gone = DMP_GONE_FAILED;
	fake_entry(d->index)->incarnation++;
	fake.meta->generation++;
	expect_nothing(d, 1, -EOWNERDEAD);
	expect_nothing(d, 1, -EOWNERDEAD);
	expect_batch(c, 1, 0, 1); /* others go on */
	dmp_leave(d);
}

static void who_was_evicted_hears_it_after_a_void_release_though_events_are_there(void **state)
{
	(void)state;
	fake_publish(p, 2);
	expect_batch(c, 2, 0, 2);
	remove_consumer(DMP_GONE_EVICTED);
	expect_batch(c, 2, 0, 2); /* which it has seen before */
	assert_int_equal(dmp_release(c, 2), -ESTALE);
	expect_nothing(c, 1, -ESTALE);
	assert_int_equal(dmp_position(c), 0);
}

/* ---- the end of the stream ---- */

static void what_is_left_comes_before_the_end(void **state)
{
	(void)state;
	fake_publish(p, 5);
	fake_end(DMP_END_CLEAN);
	assert_int_equal(dmp_ended(c), DMP_END_CLEAN);
	expect_batch(c, 8, 0, 5);
	assert_int_equal(dmp_release(c, 5), 0);
	expect_nothing(c, 1, -EPIPE);
	expect_nothing(c, 8, -EPIPE);
}

static void a_crash_is_an_end_as_well(void **state)
{
	(void)state;
	fake_end(DMP_END_CRASHED);
	expect_nothing(c, 1, -EPIPE);
	assert_int_equal(dmp_ended(c), DMP_END_CRASHED);
}

static void a_ring_that_had_no_producer_yet_has_not_ended(void **state)
{
	(void)state;
	fake_end(DMP_END_NONE);
	expect_nothing(c, 1, -EAGAIN);
}

static void an_end_is_none_for_who_still_waits_for_another(void **state)
{
	struct dmp_member *d = fake_consumer("d", "c");

	(void)state;
	fake_publish(p, 5);
	fake_end(DMP_END_CLEAN);
	expect_nothing(d, 8, -EAGAIN);
	fake_own(c->index)->cursor = 5;
	expect_batch(d, 8, 0, 5);
	assert_int_equal(dmp_release(d, 5), 0);
	expect_nothing(d, 1, -EPIPE);
	dmp_leave(d);
}

static void a_new_producer_clears_the_end(void **state)
{
	(void)state;
	fake_end(DMP_END_CLEAN);
	expect_nothing(c, 1, -EPIPE);
	fake_end(DMP_END_OPEN);
	expect_nothing(c, 1, -EAGAIN);
	fake_publish(p, 1);
	expect_batch(c, 1, 0, 1);
}

#define TEST(name)	  cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_PACKED(name) cmocka_unit_test_setup_teardown(name, setup_packed, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_event_is_there_once_all_dependencies_have_released_it),
		TEST(a_dependency_that_runs_ahead_shows_nothing_unpublished),
		TEST(a_dependency_that_goes_back_shows_nothing_new),
		TEST(a_cursor_far_ahead_shows_a_rings_worth),
		TEST(a_dependency_that_has_left_holds_nobody_up),
		TEST(who_was_evicted_hears_it_from_each_wait),
		TEST(whose_dependency_died_hears_that),
		TEST(who_was_evicted_hears_it_after_a_void_release_though_events_are_there),
		TEST(what_is_left_comes_before_the_end),
		TEST_PACKED(what_is_left_comes_before_the_end),
		TEST(a_crash_is_an_end_as_well),
		TEST(a_ring_that_had_no_producer_yet_has_not_ended),
		TEST(an_end_is_none_for_who_still_waits_for_another),
		TEST(a_new_producer_clears_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
