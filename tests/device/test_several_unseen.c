// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_several_unseen.c: laps of several producers that the kernel has not looked at, for nobody slept nor asked
 *
 * No INFO here before what is tested: it looks.
 */
#include "positions.h"
#include "raw.h"

#define LAPS 3

static struct dmp_ring *ring;
static struct dmp_member *p;

static int setup(void **state)
{
	(void)state;
	ring = ring_of_n();
	p = producer(ring);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dmp_leave(p);
	dmp_ring_close(ring);
	return 0;
}

static void publish_laps(struct raw *reader)
{
	for (uint64_t i = 1; i <= LAPS; i++) {
		publish(p, N);
		if (reader)
			raw_release(reader, i * N);
	}
}

static struct dmp_join holder(void)
{
	struct dmp_join args = join_args(DMP_ROLE_CONSUMER, "h");

	args.policy = DMP_POLICY_HOLD;
	return args;
}

static void who_goes_on_in_a_held_place_starts_where_it_had_got(void **state)
{
	struct dmp_join args = holder();
	struct raw h = raw_join_with(dmp_ring_fd(ring), &args);

	(void)state;
	publish_laps(&h);
	raw_close(&h); /* it dies */
	args = holder();
	h = raw_join_with(dmp_ring_fd(ring), &args);
	assert_int_equal(h.start, LAPS * N);
	publish(p, N);
	raw_leave(&h);
}

static void an_observer_at_the_latest_has_lost_nothing(void **state)
{
	struct dmp_member *o;
	uint64_t event[7], at, lost;

	(void)state;
	publish_laps(NULL);
	o = join(ring, DMP_ROLE_OBSERVER, "o");
	assert_int_equal(dmp_position(o), LAPS * N);
	publish(p, 1);
	assert_int_equal(dmp_observe(o, event, &at, &lost), 0);
	assert_int_equal(at, LAPS * N);
	assert_int_equal(lost, 0);
	dmp_leave(o);
}

static void a_position_that_can_be_read_is_in_range(void **state)
{
	struct raw c = raw_join(dmp_ring_fd(ring), DMP_ROLE_CONSUMER, "c"), d;
	struct dmp_join args = join_args(DMP_ROLE_CONSUMER, "d");

	(void)state;
	publish_laps(&c);
	args.from = DMP_FROM_POSITION;
	args.position = LAPS * N;
	d = raw_join_with(dmp_ring_fd(ring), &args);
	assert_int_equal(d.start, LAPS * N);
	raw_leave(&d);
	raw_leave(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_goes_on_in_a_held_place_starts_where_it_had_got, setup, teardown),
		cmocka_unit_test_setup_teardown(an_observer_at_the_latest_has_lost_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_position_that_can_be_read_is_in_range, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
