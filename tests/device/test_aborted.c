// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_aborted.c: slots that are aborted: skipped, counted, given back */
#include <pthread.h>

#include "positions.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aborted_slots_are_skipped_and_counted),
		cmocka_unit_test(a_batch_ends_before_an_aborted_slot),
		cmocka_unit_test(a_ring_of_nothing_but_aborted_slots_does_not_block),
		cmocka_unit_test(one_producer_gives_back_what_it_aborts),
		cmocka_unit_test(what_one_producer_aborts_is_not_published_by_the_next_claim),
		cmocka_unit_test(a_deadline_gives_what_an_aborted_slot_has_cut_short),
		cmocka_unit_test(dependants_follow_and_skip_as_well),
		cmocka_unit_test(observers_skip_and_count_aborted_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
