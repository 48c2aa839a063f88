// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_several.c: rings with several producers: claims, batches, aborted slots, and what a death leaves behind */
#include <errno.h>
#include <pthread.h>

#include <dmp.h>

#include "helpers.h"

#define N     64 /* slots */
#define MULTI (DMP_RING_STAMPED | DMP_RING_MULTI)

static struct dmp_ring *ring_of_n(void)
{
	return make_ring(N, 56, MULTI);
}

static struct dmp_member *producer(struct dmp_ring *ring)
{
	return join(ring, DMP_ROLE_PRODUCER, "p");
}

static uint64_t claim(struct dmp_member *p, uint64_t n)
{
	uint64_t pos;

	assert_int_equal(dmp_try_claim(p, n, &pos), 0);
	return pos;
}

/* Each event is its position. */
static void publish_claim(struct dmp_member *p, uint64_t pos, uint64_t n)
{
	uint64_t *e, i = 0;

	dmp_for_each_slot(e, p, pos, n)
		*e = pos + i++;
	dmp_publish(p, pos, n);
}

static uint64_t publish(struct dmp_member *p, uint64_t n)
{
	uint64_t pos = claim(p, n);

	publish_claim(p, pos, n);
	return pos;
}

/* The next batch is lo .. hi - 1. */
static void expect(struct dmp_member *c, uint64_t lo, uint64_t hi)
{
	struct dmp_batch batch;
	const uint64_t *e;
	uint64_t n = lo;

	assert_int_equal(dmp_try_wait(c, 1, &batch), 0);
	assert_int_equal(batch.pos, lo);
	assert_int_equal(batch.end, hi);
	dmp_for_each(e, c, &batch)
		assert_int_equal(*e, n++);
	assert_int_equal(dmp_release(c, hi), 0);
}

static void expect_nothing(struct dmp_member *c)
{
	struct dmp_batch batch;

	assert_int_equal(dmp_try_wait(c, 1, &batch), -EAGAIN);
}

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

static void aborted_slots_are_skipped_and_counted(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *a = producer(ring), *b = producer(ring), *c = join(ring, DMP_ROLE_CONSUMER, "c");
	uint64_t pos = claim(a, 4);

	(void)state;
	publish(b, 2);
	publish_claim(a, pos, 1);
	assert_int_equal(dmp_abort(a, pos + 2, 1), -EINVAL); /* in the order claimed */
	assert_int_equal(dmp_abort(a, pos + 1, 1), 0);
	dmp_leave(a); /* the rest is the kernel's */
	expect(c, 0, 1);
	expect(c, 4, 6);
	assert_int_equal(dmp_aborted(c), 3);
	assert_int_equal(ring_info(dmp_ring_fd(ring)).repaired, 2);
	dmp_leave(b);
	dmp_leave(c);
	dmp_ring_close(ring);
}

static void a_batch_ends_before_an_aborted_slot(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *a = producer(ring), *c = join(ring, DMP_ROLE_CONSUMER, "c");
	struct dmp_batch batch;
	uint64_t pos;

	(void)state;
	publish(a, 2);
	pos = claim(a, 1);
	assert_int_equal(dmp_abort(a, pos, 1), 0);
	publish(a, 1);
	assert_int_equal(dmp_try_wait(c, 4, &batch), 0); /* no four will ever be in a row */
	assert_int_equal(batch.end - batch.pos, 2);
	expect(c, 0, 2);
	assert_int_equal(dmp_try_wait(c, 2, &batch), -EAGAIN);
	expect(c, 3, 4);
	dmp_leave(a);
	dmp_leave(c);
	dmp_ring_close(ring);
}

static void a_ring_of_nothing_but_aborted_slots_does_not_block(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *a = producer(ring), *c = join(ring, DMP_ROLE_CONSUMER, "c");
	uint64_t pos;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		pos = claim(a, N);
		assert_int_equal(dmp_abort(a, pos, N), 0);
		assert_int_equal(dmp_try_claim(a, 1, &pos), -EAGAIN);
		expect_nothing(c); /* it has looked: they are released */
	}
	assert_int_equal(dmp_aborted(c), 3 * N);
	dmp_leave(a);
	dmp_leave(c);
	dmp_ring_close(ring);
}

static void one_producer_gives_back_what_it_aborts(void **state)
{
	struct dmp_ring *ring = make_ring(N, 56, DMP_RING_STAMPED);
	struct dmp_member *a = producer(ring), *c = join(ring, DMP_ROLE_CONSUMER, "c");
	uint64_t pos = claim(a, 4);

	(void)state;
	assert_int_equal(dmp_abort(a, pos, 2), -EINVAL); /* not the last */
	assert_int_equal(dmp_abort(a, pos + 3, 2), -EINVAL);
	assert_int_equal(dmp_abort(a, pos + 2, 2), 0);
	publish_claim(a, pos, 2);
	assert_int_equal(publish(a, 1), 2);
	expect(c, 0, 1);
	expect(c, 1, 3);
	assert_int_equal(dmp_abort(a, 2, 1), -EINVAL); /* published */
	assert_int_equal(dmp_abort(c, 3, 1), -EACCES);
	dmp_leave(a);
	dmp_leave(c);
	dmp_ring_close(ring);
}

static void what_one_producer_aborts_is_not_published_by_the_next_claim(void **state)
{
	struct dmp_ring *ring = make_ring(N, 56, DMP_RING_STAMPED);
	struct dmp_member *a = producer(ring), *c = join(ring, DMP_ROLE_CONSUMER, "c");
	uint64_t pos = claim(a, 4), *e;

	(void)state;
	dmp_for_each_slot(e, a, pos, 4)
		*e = 99;
	assert_int_equal(dmp_abort(a, pos, 4), 0);
	assert_int_equal(publish(a, 1), 0);
	expect(c, 0, 1);
	expect_nothing(c);
	dmp_leave(a);
	dmp_leave(c);
	dmp_ring_close(ring);
}

static void *abort_once_it_sleeps(void *arg)
{
	struct dmp_member *a = arg;

	await_asleep(dmp_member_fd(a), "c");
	assert_int_equal(dmp_abort(a, 2, 1), 0);
	return NULL;
}

static void a_deadline_gives_what_an_aborted_slot_has_cut_short(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *a = producer(ring), *c = join(ring, DMP_ROLE_CONSUMER, "c");
	struct dmp_batch batch;
	pthread_t thread;

	(void)state;
	publish(a, 2);
	claim(a, 1);
	assert_int_equal(pthread_create(&thread, NULL, abort_once_it_sleeps, a), 0);
	assert_int_equal(dmp_wait_until(c, 4, &batch, wait_long() - LONG_NS / 2), 0);
	assert_int_equal(batch.end - batch.pos, 2);
	pthread_join(thread, NULL);
	dmp_leave(a);
	dmp_leave(c);
	dmp_ring_close(ring);
}

static void dependants_follow_and_skip_as_well(void **state)
{
	const char *const after[] = { "c" };
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *a = producer(ring), *c = join(ring, DMP_ROLE_CONSUMER, "c"),
			  *d = join_after(ring, "d", after, 1);
	uint64_t pos;

	(void)state;
	publish(a, 2);
	pos = claim(a, 2);
	assert_int_equal(dmp_abort(a, pos, 2), 0);
	publish(a, 2);
	expect_nothing(d);
	expect(c, 0, 2);
	expect(d, 0, 2);
	expect_nothing(d);
	expect(c, 4, 6);
	expect(d, 4, 6);
	assert_int_equal(dmp_aborted(d), 2);
	dmp_leave(a);
	dmp_leave(c);
	dmp_leave(d);
	dmp_ring_close(ring);
}

static void observers_skip_and_count_aborted_slots(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *a = producer(ring), *b = producer(ring), *o = join(ring, DMP_ROLE_OBSERVER, "o");
	uint64_t pos = claim(a, 2), event[7], at, lost;

	(void)state;
	publish(b, 1);
	assert_int_equal(dmp_try_observe(o, event, &at, &lost), -EAGAIN);
	assert_int_equal(dmp_abort(a, pos, 2), 0);
	assert_int_equal(dmp_try_observe(o, event, &at, &lost), 0);
	assert_int_equal(at, 2);
	assert_int_equal(event[0], 2);
	assert_int_equal(lost, 0);
	assert_int_equal(dmp_aborted(o), 2);
	assert_int_equal(dmp_try_observe(o, event, &at, &lost), -EAGAIN);
	dmp_leave(a);
	dmp_leave(b);
	dmp_leave(o);
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
		cmocka_unit_test(a_claim_that_is_not_published_holds_back_what_is_behind_it),
		cmocka_unit_test(aborted_slots_are_skipped_and_counted),
		cmocka_unit_test(a_batch_ends_before_an_aborted_slot),
		cmocka_unit_test(a_ring_of_nothing_but_aborted_slots_does_not_block),
		cmocka_unit_test(one_producer_gives_back_what_it_aborts),
		cmocka_unit_test(what_one_producer_aborts_is_not_published_by_the_next_claim),
		cmocka_unit_test(a_deadline_gives_what_an_aborted_slot_has_cut_short),
		cmocka_unit_test(dependants_follow_and_skip_as_well),
		cmocka_unit_test(observers_skip_and_count_aborted_slots),
		cmocka_unit_test(a_consumer_starts_at_the_first_slot_that_is_not_published),
		cmocka_unit_test(the_next_producer_goes_on_behind_what_the_last_left),
		cmocka_unit_test(a_record_that_is_no_range_claims_nothing),
		cmocka_unit_test(a_consumer_that_lies_does_not_keep_the_holes_of_the_dead),
		cmocka_unit_test(a_cursor_that_lies_goes_with_its_producer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
