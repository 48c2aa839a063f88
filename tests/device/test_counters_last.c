// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_counters_last.c: what the map of bpf/counters.bpf.c keeps: the last values of whoever goes in whatever way */
#include <errno.h>
#include <unistd.h>

#include "raw.h"
#include "sampled.h"

#define HOUR 3600000

/* ---- the end of a member ---- */

static uint64_t id_of(struct dmp_ring *ring)
{
	return ring_info(dmp_ring_fd(ring)).id;
}

static void who_is_evicted_is_sampled_then(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *p, *c;
	struct sought s;

	(void)state;
	attach(HOUR, 64, 8);
	p = producer(ring);
	c = join(ring, DMP_ROLE_CONSUMER, "c");
	publish(p, 5);
	expect(c, 0, 5);
	assert_int_equal(dmp_evict(ring, "c"), 0);
	s = last_of(id_of(ring), "c");
	assert_int_equal(s.c.consumed, 5);
	assert_int_equal(s.c.bytes, 5 * EVENT_SIZE);
	dmp_leave(c);
	dmp_leave(p);
	assert_int_equal(last_of(id_of(ring), "p").c.published, 5);
	dmp_ring_close(ring);
}

static int consume_nothing(void *ring)
{
	join(ring, DMP_ROLE_CONSUMER, "c");
	pause();
	return 0;
}

static void who_fails_with_another_is_sampled_then(void **state)
{
	static const char *const c[] = { "c" };
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *d;
	pid_t child;

	(void)state;
	attach(HOUR, 64, 8);
	child = start_child(consume_nothing, ring);
	await_joined(dmp_ring_fd(ring), 1);
	d = join_after(ring, "d", c, 1);
	kill_child(child);
	assert_int_equal(last_of(id_of(ring), "d").c.left, 1);
	dmp_leave(d);
	dmp_ring_close(ring);
}

/* ---- a place that another has had ---- */

static int sleep_and_hold(void *ring)
{
	const struct dmp_join_options o = { .name = "c",
					    .wait = &dmp_wait_block,
					    .policy = DMP_POLICY_HOLD,
					    .hold = UINT64_MAX,
					    .from = DMP_FROM_OLDEST };
	struct dmp_member *c = NULL;
	struct dmp_batch batch;

	assert_int_equal(dmp_join(ring, DMP_ROLE_CONSUMER, &o, &c), 0);
	assert_int_equal(dmp_wait_until(c, 1, &batch, now_ns() + 1000000), -ETIMEDOUT);
	return 0;
}

/* Who resumes has the dead one's page until it makes its own; raw members never do. */
static void who_resumes_a_place_has_not_counted_what_the_dead_did(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct sought s = sought(id_of(ring), "c");
	uint64_t incarnation;
	struct raw c;

	(void)state;
	attach(5, 64, 8);
	assert_int_equal(run_child(sleep_and_hold, ring), 0);
	s = last_of(s.ring, "c");
	assert_int_equal(s.c.sleeps, 1);
	incarnation = s.key.incarnation;
	c = raw_join(dmp_ring_fd(ring), DMP_ROLE_CONSUMER, "c");
	do
		await(is_there, &s, "a sample of who resumed");
	while (s.key.incarnation == incarnation);
	assert_int_equal(s.key.incarnation, c.incarnation);
	assert_int_equal(s.c.counted, 0);
	assert_int_equal(s.c.sleeps, 0);
	raw_leave(&c);
	dmp_ring_close(ring);
}

static void it_tells_what_is_not_counted(void **state)
{
	const uint32_t lite = 1U << DMP_COUNTER_AT_CONSUMED | 1U << DMP_COUNTER_AT_BYTES |
			      1U << DMP_COUNTER_AT_ABORTED | 1U << DMP_COUNTER_AT_SLEEPS | 1U << DMP_COUNTER_AT_WAKES |
			      1U << DMP_COUNTER_AT_FUTILE | 1U << DMP_COUNTER_AT_EMPTY;
	const uint32_t full = lite | 1U << DMP_COUNTER_AT_BATCHES | 1U << DMP_COUNTER_AT_SPINS |
			      1U << DMP_COUNTER_AT_LAG_MAX;
	const uint32_t selection[] = { DMP_COUNTERS_LITE, DMP_COUNTERS_FULL, DMP_COUNTERS_NONE };
	const uint32_t wanted[] = { lite, full, 0 };
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *c;
	size_t i;

	(void)state;
	attach(HOUR, 64, 8);
	for (i = 0; i < ARRAY_SIZE(selection); i++) {
		const struct dmp_join_options o = { .name = "c", .counters = selection[i] };
		struct sought s;

		assert_int_equal(dmp_join(ring, DMP_ROLE_CONSUMER, &o, &c), 0);
		dmp_leave(c);
		s = last_of(id_of(ring), "c");
		assert_int_equal(s.c.counted, wanted[i]);
	}
	dmp_ring_close(ring);
}

/* ---- room ---- */

static void the_last_that_have_left_are_kept(void **state)
{
	static const char *const names[] = { "1", "2", "3", "4", "5" };
	struct dmp_ring *ring = ring_of_n();
	size_t i;

	(void)state;
	attach(HOUR, 64, 2);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		dmp_leave(join(ring, DMP_ROLE_CONSUMER, names[i]));
		last_of(id_of(ring), names[i]);
	}
	for (i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(is_known(id_of(ring), names[i]), i >= 3);
	dmp_ring_close(ring);
}

static bool has_missed(void *arg)
{
	(void)arg;
	return missed() > 0;
}

static void who_has_left_makes_room_and_without_room_it_says_so(void **state)
{
	static const char *const names[] = { "1", "2", "3", "4" };
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *m[4], *late;
	struct sought s;
	size_t i;

	(void)state;
	attach(5, 4, 8);
	for (i = 0; i < 4; i++) {
		m[i] = join(ring, DMP_ROLE_CONSUMER, names[i]);
		s = sought(id_of(ring), names[i]);
		await(is_there, &s, "a sample");
	}
	assert_int_equal(missed(), 0);
	late = join(ring, DMP_ROLE_CONSUMER, "late");
	await(has_missed, NULL, "a sample that had no room");
	assert_false(is_known(id_of(ring), "late"));
	dmp_leave(m[0]);
	s = sought(id_of(ring), "late");
	await(is_there, &s, "a sample in place of one that has left");
	assert_false(is_known(id_of(ring), "1"));
	for (i = 1; i < 4; i++) {
		assert_true(is_known(id_of(ring), names[i]));
		dmp_leave(m[i]);
	}
	dmp_leave(late);
	dmp_ring_close(ring);
}

#define TEST(name) cmocka_unit_test_teardown(name, detach)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(who_is_evicted_is_sampled_then),
		TEST(who_fails_with_another_is_sampled_then),
		TEST(who_resumes_a_place_has_not_counted_what_the_dead_did),
		TEST(it_tells_what_is_not_counted),
		TEST(the_last_that_have_left_are_kept),
		TEST(who_has_left_makes_room_and_without_room_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
