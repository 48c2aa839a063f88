// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_claim.c: claim, and the gates that hold a producer up */
#include "fake.h"

#define SLOTS 64

static struct dmp_member *p, *c;

static int setup(void **state)
{
	(void)state;
	fake_create(SLOTS, 56, DMP_RING_STAMPED);
	p = fake_producer();
	return 0;
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

static int try_claim(uint64_t n)
{
	uint64_t pos;

	return dmp_try_claim(p, n, &pos);
}

/* Let consumer i stand at a position. */
static void stand(uint32_t i, uint64_t cursor)
{
	fake_own(i)->cursor = cursor;
}

/* ---- room ---- */

static void claims_give_positions_in_a_row(void **state)
{
	uint64_t pos;

	(void)state;
	assert_int_equal(dmp_claim(p, 3, &pos), 0);
	assert_int_equal(pos, 0);
	assert_int_equal(dmp_try_claim(p, 1, &pos), 0);
	assert_int_equal(pos, 3);
	assert_int_equal(dmp_claim_until(p, 2, &pos, 0), 0);
	assert_int_equal(pos, 4);
	assert_int_equal(dmp_position(p), 6);
}

static void a_claim_of_nothing_or_too_much_is_invalid(void **state)
{
	uint64_t pos = 77;

	(void)state;
	assert_int_equal(dmp_try_claim(p, 0, &pos), -EINVAL);
	assert_int_equal(dmp_claim(p, 0, &pos), -EINVAL);
	assert_int_equal(dmp_claim(p, SLOTS + 1, &pos), -EINVAL);
	assert_int_equal(dmp_claim(p, UINT64_MAX, &pos), -EINVAL);
	assert_int_equal(pos, 77);
	assert_int_equal(try_claim(10), 0);
	assert_int_equal(try_claim(SLOTS - 9), -EINVAL); /* would never fit behind what is claimed */
	assert_int_equal(try_claim(SLOTS - 10), 0);
	assert_int_equal(dmp_position(p), SLOTS);
}

static void without_gates_there_is_a_ring_of_room(void **state)
{
	uint32_t lap;

	(void)state;
	for (lap = 0; lap < 5; lap++)
		fake_publish(p, SLOTS);
	assert_int_equal(dmp_position(p), 5 * SLOTS);
}

static void only_a_producer_claims(void **state)
{
	uint64_t pos;

	(void)state;
	c = fake_consumer("c", NULL);
	assert_int_equal(dmp_claim(c, 1, &pos), -EACCES);
	assert_int_equal(dmp_try_claim(c, 1, &pos), -EACCES);
}

/* ---- gates ---- */

static void a_full_ring_holds_the_producer(void **state)
{
	(void)state;
	c = fake_consumer("c", NULL);
	fake_publish(p, SLOTS);
	assert_int_equal(try_claim(1), -EAGAIN);
	stand(c->index, 1);
	assert_int_equal(try_claim(2), -EAGAIN);
	assert_int_equal(try_claim(1), 0);
	assert_int_equal(try_claim(1), -EAGAIN);
	assert_int_equal(fake.waits, 0);
}

static void the_slowest_consumer_is_the_gate(void **state)
{
	struct dmp_member *d = fake_consumer("d", NULL);

	(void)state;
	c = fake_consumer("c", NULL);
	fake_publish(p, SLOTS);
	stand(c->index, 10);
	assert_int_equal(try_claim(1), -EAGAIN);
	stand(d->index, 3);
	assert_int_equal(try_claim(4), -EAGAIN);
	assert_int_equal(try_claim(3), 0);
	dmp_leave(d);
}

static void every_gating_consumer_counts_not_only_the_last_of_a_chain(void **state)
{
	struct dmp_member *d;

	(void)state;
	c = fake_consumer("c", NULL);
	d = fake_consumer("d", "c");
	fake_publish(p, SLOTS);
	stand(d->index, SLOTS);
	assert_int_equal(try_claim(1), -EAGAIN);
	dmp_leave(d);
}

static void who_leaves_gates_no_more(void **state)
{
	(void)state;
	c = fake_consumer("c", NULL);
	fake_publish(p, SLOTS);
	assert_int_equal(try_claim(1), -EAGAIN);
	dmp_leave(c);
	c = NULL;
	assert_int_equal(try_claim(SLOTS), 0);
}

static void who_joins_gates_from_the_next_look_on(void **state)
{
	(void)state;
	fake_publish(p, SLOTS);
	c = fake_consumer("c", NULL);
	fake_publish(p, SLOTS); /* from its start on */
	assert_int_equal(try_claim(1), -EAGAIN);
}

static void room_that_was_seen_is_not_looked_for_again(void **state)
{
	(void)state;
	c = fake_consumer("c", NULL);
	assert_int_equal(try_claim(1), 0);
	stand(c->index, 0);
	fake.meta->gates = UINT64_MAX; /* nobody looks */
	assert_int_equal(try_claim(SLOTS - 1), 0);
	fake.meta->gates = 1ULL << c->index;
}

/* ---- hostile cursors ---- */

static void a_cursor_that_runs_ahead_frees_no_slot(void **state)
{
	struct dmp_member *d = fake_consumer("d", NULL);

	(void)state;
	c = fake_consumer("c", NULL);
	fake_publish(p, SLOTS);
	stand(c->index, UINT64_MAX);
	assert_int_equal(try_claim(1), -EAGAIN); /* d has read nothing */
	stand(d->index, UINT64_MAX / 2);
	assert_int_equal(try_claim(SLOTS), 0);
	assert_int_equal(try_claim(1), -EINVAL); /* never more than a ring beyond what is published */
	dmp_leave(d);
}

static void a_cursor_that_goes_back_only_holds_up(void **state)
{
	(void)state;
	c = fake_consumer("c", NULL);
	fake_publish(p, SLOTS);
	stand(c->index, SLOTS);
	fake_publish(p, SLOTS);
	stand(c->index, 0);
	assert_int_equal(try_claim(1), -EAGAIN);
	assert_int_equal(dmp_position(p), 2 * SLOTS);
	stand(c->index, SLOTS + 1);
	assert_int_equal(try_claim(1), 0);
}

/* ---- waiting for room ---- */

static int release_one(void)
{
	fake_own(c->index)->cursor++;
	return 0;
}

static int interrupted(void)
{
	return -EINTR;
}

static int timed_out(void)
{
	return -ETIMEDOUT;
}

static void a_sleeping_producer_waits_for_as_many_gates_as_it_needs(void **state)
{
	uint64_t pos;

	(void)state;
	c = fake_consumer("c", NULL);
	fake_publish(p, SLOTS);
	fake.on_wait = release_one; /* twice too early */
	p->wait = dmp_wait_block;
	assert_int_equal(dmp_claim(p, 3, &pos), 0);
	assert_int_equal(pos, SLOTS);
	assert_int_equal(fake.waits, 3);
	assert_int_equal(fake.wait.target, 3);
	assert_int_equal(fake.wait.deadline, DMP_FOREVER);
}

static void a_claim_that_fails_claims_nothing(void **state)
{
	uint64_t pos = 77;

	(void)state;
	c = fake_consumer("c", NULL);
	fake_publish(p, SLOTS);
	p->wait = dmp_wait_block;
	fake.on_wait = interrupted;
	assert_int_equal(dmp_claim(p, 1, &pos), -EINTR);
	fake.on_wait = timed_out;
	assert_int_equal(dmp_claim_until(p, 1, &pos, 5), -ETIMEDOUT);
	assert_int_equal(fake.wait.deadline, 5);
	assert_int_equal(pos, 77);
	assert_int_equal(dmp_position(p), SLOTS);
}

static int another_leaves(void)
{
	dmp_leave(c);
	c = NULL;
	return 0;
}

static void a_producer_notices_that_its_gate_has_gone(void **state)
{
	uint64_t pos;

	(void)state;
	c = fake_consumer("c", NULL);
	fake_publish(p, SLOTS);
	fake.on_wait = another_leaves;
	p->wait = dmp_wait_block;
	assert_int_equal(dmp_claim(p, SLOTS, &pos), 0);
	assert_int_equal(fake.waits, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(claims_give_positions_in_a_row),
		TEST(a_claim_of_nothing_or_too_much_is_invalid),
		TEST(without_gates_there_is_a_ring_of_room),
		TEST(only_a_producer_claims),
		TEST(a_full_ring_holds_the_producer),
		TEST(the_slowest_consumer_is_the_gate),
		TEST(every_gating_consumer_counts_not_only_the_last_of_a_chain),
		TEST(who_leaves_gates_no_more),
		TEST(who_joins_gates_from_the_next_look_on),
		TEST(room_that_was_seen_is_not_looked_for_again),
		TEST(a_cursor_that_runs_ahead_frees_no_slot),
		TEST(a_cursor_that_goes_back_only_holds_up),
		TEST(a_sleeping_producer_waits_for_as_many_gates_as_it_needs),
		TEST(a_claim_that_fails_claims_nothing),
		TEST(a_producer_notices_that_its_gate_has_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
