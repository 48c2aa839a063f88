// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_several.c: rings with several producers: claims, joins, and those who lie */
#include "positions.h"

#define MANY 70

/* ---- producing ---- */

static void only_a_stamped_ring_has_several_producers(void **state)
{
	struct dmp_ring_options options = { .slots = N, .event_size = 64, .flags = DMP_RING_MULTI };
	struct dmp_ring *ring;

	(void)state;
	assert_int_equal(dmp_ring_create(&ring, NULL, &options), -EINVAL);
}

static void claims_of_several_are_apart(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *a = producer(ring), *b = producer(ring);

	(void)state;
	assert_int_equal(claim(a, 3), 0);
	assert_int_equal(claim(b, 2), 3);
	dmp_publish(a, 0, 3);
	assert_int_equal(claim(a, 1), 5);
	dmp_leave(a);
	dmp_leave(b);
	dmp_ring_close(ring);
}

static void a_producer_has_one_claim_open_at_a_time(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *a = producer(ring);
	uint64_t pos = claim(a, 3), more;

	(void)state;
	assert_int_equal(dmp_try_claim(a, 1, &more), -EBUSY);
	dmp_publish(a, pos, 2);
	assert_int_equal(dmp_claim(a, 1, &more), -EBUSY);
	dmp_publish(a, pos + 2, 1);
	assert_int_equal(claim(a, 1), 3);
	dmp_leave(a);
	dmp_ring_close(ring);
}

static void a_full_ring_holds_all_producers(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *a = producer(ring), *b = producer(ring), *c = join(ring, DMP_ROLE_CONSUMER, "c");
	uint64_t pos;

	(void)state;
	publish(a, N / 2);
	publish(b, N / 2);
	assert_int_equal(dmp_try_claim(a, 1, &pos), -EAGAIN);
	assert_int_equal(dmp_claim_until(b, 1, &pos, 0), -ETIMEDOUT);
	expect(c, 0, N);
	assert_int_equal(publish(b, N), N);
	assert_int_equal(dmp_try_claim(a, 1, &pos), -EAGAIN);
	expect(c, N, 2 * N);
	assert_int_equal(publish(a, 1), 2 * N);
	dmp_leave(a);
	dmp_leave(b);
	dmp_leave(c);
	dmp_ring_close(ring);
}

static void without_consumers_nobody_laps_an_open_claim(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *a = producer(ring), *b = producer(ring);
	uint64_t pos;

	(void)state;
	assert_int_equal(claim(a, 1), 0);
	assert_int_equal(publish(b, N - 1), 1);
	assert_int_equal(dmp_try_claim(b, 1, &pos), -EAGAIN);
	publish_claim(a, 0, 1);
	assert_int_equal(publish(b, N), N);
	assert_int_equal(publish(a, N / 2), 2 * N);
	dmp_leave(a);
	dmp_leave(b);
	dmp_ring_close(ring);
}

/* There is a mask of 64 producers whose records tell what is claimed. */
static void the_claims_of_many_producers_are_not_lapped_either(void **state)
{
	struct dmp_ring_options options = {
		.slots = N, .event_size = 56, .members = MANY, .flags = DMP_RING_STAMPED | DMP_RING_MULTI
	};
	struct dmp_member *members[MANY];
	struct dmp_ring *ring;
	uint64_t pos = 0, more;

	(void)state;
	assert_int_equal(dmp_ring_create(&ring, NULL, &options), 0);
	for (int i = 0; i < MANY; i++)
		members[i] = producer(ring);
	for (int i = MANY - 1; i >= 0; i -= MANY / 3) {
		pos = claim(members[i], 1);
		assert_int_equal(publish(members[1], N - 1), pos + 1);
		assert_int_equal(dmp_try_claim(members[1], 1, &more), -EAGAIN);
		publish_claim(members[i], pos, 1);
	}
	for (int i = MANY - 1; i >= MANY / 2; i--)
		dmp_leave(members[i]);
	assert_int_equal(claim(members[0], 1), pos + N);
	assert_int_equal(publish(members[1], N - 1), pos + N + 1);
	assert_int_equal(dmp_try_claim(members[1], 1, &pos), -EAGAIN);
	for (int i = MANY / 2 - 1; i >= 0; i--)
		dmp_leave(members[i]);
	dmp_ring_close(ring);
}

/* ---- consuming ---- */

static void a_claim_that_is_not_published_holds_back_what_is_behind_it(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *a = producer(ring), *b = producer(ring), *c = join(ring, DMP_ROLE_CONSUMER, "c");

	(void)state;
	claim(a, 2);
	publish(b, 3);
	expect_nothing(c);
	publish_claim(a, 0, 2);
	expect(c, 0, 5);
	dmp_leave(a);
	dmp_leave(b);
	dmp_leave(c);
	dmp_ring_close(ring);
}

/* ---- joining ---- */

static void a_consumer_starts_at_the_first_slot_that_is_not_published(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *a = producer(ring), *b = producer(ring), *c;
	uint64_t pos;

	(void)state;
	publish(a, N);
	pos = claim(a, 1);
	publish(b, 2);
	c = join(ring, DMP_ROLE_CONSUMER, "c");
	assert_int_equal(dmp_position(c), N);
	publish_claim(a, pos, 1);
	publish(b, N - 3);
	assert_int_equal(dmp_try_claim(b, 1, &pos), -EAGAIN); /* it gates since it has joined */
	expect(c, N, 2 * N);
	dmp_leave(a);
	dmp_leave(b);
	dmp_leave(c);
	dmp_ring_close(ring);
}

static void the_next_producer_goes_on_behind_what_the_last_left(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *a = producer(ring), *b = producer(ring), *c = join(ring, DMP_ROLE_CONSUMER, "c");
	struct dmp_batch batch;

	(void)state;
	claim(a, 2);
	publish(b, 1);
	claim(b, 3);
	dmp_leave(a);
	assert_int_equal(dmp_finish(b), 0);
	dmp_leave(b);
	expect(c, 2, 3);
	assert_int_equal(dmp_try_wait(c, 1, &batch), -EPIPE);
	assert_int_equal(dmp_aborted(c), 5);
	a = producer(ring);
	assert_int_equal(publish(a, 1), 6);
	expect(c, 6, 7);
	dmp_leave(a);
	dmp_leave(c);
	dmp_ring_close(ring);
}

/* ---- those who lie ---- */

static void a_record_that_is_no_range_claims_nothing(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *a = producer(ring), *b = producer(ring);

	(void)state;
	publish(a, 2);
	store_shared((uint64_t *)&a->own->claim_lo,
		     a->own->claim_hi + 2); /* dies between the two stores of its next try */
	dmp_leave(a);
	assert_int_equal(ring_info(dmp_ring_fd(ring)).repaired, 0);
	dmp_leave(b);
	dmp_ring_close(ring);
}

static void a_consumer_that_lies_does_not_keep_the_holes_of_the_dead(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *a = producer(ring), *b = producer(ring), *c = join(ring, DMP_ROLE_CONSUMER, "c");
	struct dmp_member *liar = join(ring, DMP_ROLE_CONSUMER, "liar");

	(void)state;
	publish(b, N);
	expect(c, 0, N);
	expect(liar, 0, N);
	claim(a, 2);
	publish(b, 1);
	store_shared((uint64_t *)&liar->own->cursor, 0);
	dmp_leave(a);
	assert_int_equal(ring_info(dmp_ring_fd(ring)).repaired, 2);
	expect(c, N + 2, N + 3);
	dmp_leave(liar);
	dmp_leave(b);
	dmp_leave(c);
	dmp_ring_close(ring);
}

static void a_cursor_that_lies_goes_with_its_producer(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *a = producer(ring), *b = producer(ring), *liar = producer(ring);
	uint64_t pos;

	(void)state;
	assert_int_equal(claim(a, 1), 0);
	publish(b, N - 1);
	store_shared((uint64_t *)&liar->ring->cursor, 1ULL << 60);
	dmp_leave(liar);
	assert_int_equal(dmp_try_claim(b, 1, &pos), -EAGAIN); /* a's slot is a lap below */
	dmp_leave(a);
	dmp_leave(b);
	dmp_ring_close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_stamped_ring_has_several_producers),
		cmocka_unit_test(claims_of_several_are_apart),
		cmocka_unit_test(a_producer_has_one_claim_open_at_a_time),
		cmocka_unit_test(a_full_ring_holds_all_producers),
		cmocka_unit_test(without_consumers_nobody_laps_an_open_claim),
		cmocka_unit_test(the_claims_of_many_producers_are_not_lapped_either),
		cmocka_unit_test(a_claim_that_is_not_published_holds_back_what_is_behind_it),
		cmocka_unit_test(a_consumer_starts_at_the_first_slot_that_is_not_published),
		cmocka_unit_test(the_next_producer_goes_on_behind_what_the_last_left),
		cmocka_unit_test(a_record_that_is_no_range_claims_nothing),
		cmocka_unit_test(a_consumer_that_lies_does_not_keep_the_holes_of_the_dead),
		cmocka_unit_test(a_cursor_that_lies_goes_with_its_producer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
