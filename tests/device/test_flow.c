// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_flow.c: events through the library: order, gates, batches, sleeping and the end, for both kinds of slot */
#include <errno.h>
#include <pthread.h>

#include <dmp.h>

#include "helpers.h"

#define N 64 /* slots: one page of 64 bytes each */

static uint32_t flags; /* of the rings that the tests make */

static struct dmp_ring *ring_of_n(void)
{
	return make_ring(N, flags & DMP_RING_STAMPED ? 56 : 64, flags);
}

static int publish(struct dmp_member *p, uint32_t n)
{
	uint64_t pos;
	uint32_t i;
	int err = dmp_try_claim(p, n, &pos);

	if (err)
		return err;
	for (i = 0; i < n; i++)
		*(uint64_t *)dmp_slot(p, pos + i) = pos + i;
	dmp_publish(p, pos, n);
	return 0;
}

/* Read and release all there is, in however many batches; returns how many events, or -errno. */
static int consume(struct dmp_member *c)
{
	struct dmp_batch batch;
	int err, count = 0;
	uint64_t n;

	while (!(err = dmp_try_wait(c, 1, &batch))) {
		for (n = batch.pos; n < batch.end; n++)
			assert_int_equal(*(const uint64_t *)dmp_event(c, n), n);
		assert_int_equal(dmp_release(c, batch.end), 0);
		count += batch.end - batch.pos;
	}
	return count ? count : err;
}

static void full_ring_holds_the_producer(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p"), *c = join(ring, DMP_ROLE_CONSUMER, "c");
	uint64_t pos;

	(void)state;
	assert_int_equal(publish(p, N), 0);
	assert_int_equal(publish(p, 1), -EAGAIN);
	assert_int_equal(dmp_claim_until(p, 1, &pos, 0), -ETIMEDOUT);
	assert_int_equal(consume(c), N);
	assert_int_equal(publish(p, N), 0);
	assert_int_equal(publish(p, 1), -EAGAIN);
	dmp_leave(c); /* nobody gates any more */
	assert_int_equal(publish(p, N), 0);
	assert_int_equal(publish(p, N), 0);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static void a_consumer_gates_from_the_moment_it_has_joined(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p"), *c;

	(void)state;
	assert_int_equal(publish(p, N), 0);
	assert_int_equal(publish(p, N / 2), 0);
	c = join(ring, DMP_ROLE_CONSUMER, "c");
	assert_int_equal(dmp_position(c), N + N / 2);
	assert_int_equal(publish(p, N), 0);
	assert_int_equal(publish(p, 1), -EAGAIN);
	assert_int_equal(consume(c), N);
	dmp_leave(c);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static void what_is_claimed_is_not_published(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p"), *c = join(ring, DMP_ROLE_CONSUMER, "c");
	uint64_t pos;

	(void)state;
	assert_int_equal(dmp_try_claim(p, 3, &pos), 0);
	assert_int_equal(pos, 0);
	assert_int_equal(consume(c), -EAGAIN);
	dmp_publish(p, pos, 3);
	dmp_leave(c);
	assert_int_equal(dmp_try_claim(p, 2, &pos), 0);
	dmp_leave(p); /* what it had claimed was never there */
	p = join(ring, DMP_ROLE_PRODUCER, "p2");
	assert_int_equal(dmp_position(p), 3);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static void a_diamond_is_read_in_order(void **state)
{
	const char *const both[] = { "journal", "replicate" };
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p");
	struct dmp_member *journal = join(ring, DMP_ROLE_CONSUMER, both[0]);
	struct dmp_member *replicate = join(ring, DMP_ROLE_CONSUMER, both[1]);
	struct dmp_member *apply = join_after(ring, "apply", both, 2);

	(void)state;
	assert_int_equal(publish(p, 8), 0);
	assert_int_equal(consume(apply), -EAGAIN);
	assert_int_equal(consume(journal), 8);
	assert_int_equal(consume(apply), -EAGAIN); /* one of the two is not enough */
	assert_int_equal(consume(replicate), 8);
	assert_int_equal(consume(apply), 8);
	assert_int_equal(consume(apply), -EAGAIN);
	assert_int_equal(publish(p, 4), 0);
	assert_int_equal(consume(journal), 4);
	dmp_leave(replicate); /* a dead dependency is waited for no more */
	assert_int_equal(consume(apply), 4);
	dmp_leave(apply);
	dmp_leave(journal);
	dmp_leave(p);
	dmp_ring_close(ring);
}

struct reader {
	pthread_t thread;
	struct dmp_member *c;
	uint64_t end; /* where it is to stop; 0: at the end of the stream */
	uint64_t read, wrong;
	int err;
};

static void *reader_main(void *arg)
{
	struct reader *r = arg;
	struct dmp_batch batch;
	const void *e;

	while (!r->end || r->read < r->end) {
		r->err = dmp_wait_until(r->c, 1, &batch, now_ns() + LONG_NS);
		if (r->err)
			break;
		dmp_for_each(e, r->c, &batch)
			r->wrong += *(const uint64_t *)e != r->read++;
		r->err = dmp_release(r->c, batch.end);
	}
	return NULL;
}

static void start_reader(struct reader *r, struct dmp_member *c, uint64_t end)
{
	*r = (struct reader){ .c = c, .end = end };
	assert_int_equal(pthread_create(&r->thread, NULL, reader_main, r), 0);
}

static void finish_reader(struct reader *r)
{
	assert_int_equal(pthread_join(r->thread, NULL), 0);
	assert_int_equal(r->wrong, 0);
}

static void publish_blocking(struct dmp_member *p, uint64_t count)
{
	uint64_t pos;

	while (count--) {
		assert_int_equal(dmp_claim_until(p, 1, &pos, now_ns() + LONG_NS), 0);
		*(uint64_t *)dmp_slot(p, pos) = pos;
		dmp_publish(p, pos, 1);
	}
}

static void events_go_through_a_chain_of_sleepers(void **state)
{
	const char *const after[] = { "a", "b" };
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p"), *c[3];
	uint64_t count = rounds(20000, 200000), i;
	struct reader r[3];

	(void)state;
	c[0] = join(ring, DMP_ROLE_CONSUMER, "a");
	c[1] = join_after(ring, "b", after, 1);
	c[2] = join_after(ring, "c", after, 2);
	for (i = 0; i < 3; i++)
		start_reader(&r[i], c[i], 0);
	publish_blocking(p, count);
	assert_int_equal(dmp_finish(p), 0);
	dmp_leave(p);
	for (i = 0; i < 3; i++) {
		finish_reader(&r[i]);
		assert_int_equal(r[i].err, -EPIPE);
		assert_int_equal(r[i].read, count);
		assert_int_equal(dmp_ended(c[i]), DMP_END_CLEAN);
	}
	assert_int_equal(ring_info(dmp_ring_fd(ring)).futile, 0);
	assert_int_equal(ring_info(dmp_ring_fd(ring)).late, 0);
	for (i = 0; i < 3; i++)
		dmp_leave(c[i]);
	dmp_ring_close(ring);
}

static void what_is_left_at_the_end_comes_as_a_short_batch(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p"), *c = join(ring, DMP_ROLE_CONSUMER, "c");
	struct dmp_batch batch;

	(void)state;
	assert_int_equal(publish(p, 3), 0);
	assert_int_equal(dmp_try_wait(c, 8, &batch), -EAGAIN);
	dmp_leave(p);
	assert_int_equal(dmp_wait(c, 8, &batch), 0);
	assert_int_equal(batch.end - batch.pos, 3);
	assert_int_equal(dmp_release(c, batch.end), 0);
	assert_int_equal(dmp_wait(c, 1, &batch), -EPIPE);
	assert_int_equal(dmp_ended(c), DMP_END_CRASHED);
	p = join(ring, DMP_ROLE_PRODUCER, "p2"); /* and it goes on */
	assert_int_equal(dmp_try_wait(c, 1, &batch), -EAGAIN);
	assert_int_equal(publish(p, 1), 0);
	assert_int_equal(dmp_wait(c, 1, &batch), 0);
	assert_int_equal(batch.pos, 3);
	dmp_leave(c);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static void a_lapped_observer_is_told_how_many_it_lost(void **state)
{
	struct dmp_ring *ring = ring_of_n();
	struct dmp_member *p = join(ring, DMP_ROLE_PRODUCER, "p"), *o = join(ring, DMP_ROLE_OBSERVER, "o");
	uint64_t event[8], pos, lost, seen = 0, total = 0;

	(void)state;
	assert_int_equal(dmp_try_observe(o, event, &pos, &lost), -EAGAIN);
	assert_int_equal(publish(p, N), 0);
	assert_int_equal(publish(p, N), 0);
	assert_int_equal(publish(p, 10), 0);
	while (!dmp_try_observe(o, event, &pos, &lost)) {
		assert_int_equal(event[0], pos);
		total += lost;
		assert_int_equal(pos, total + seen++);
	}
	assert_int_equal(total + seen, 2 * N + 10);
	assert_true(total >= N + 10);
	dmp_leave(o);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static int flags_packed(void **state)
{
	(void)state;
	flags = 0;
	return 0;
}

static int flags_stamped(void **state)
{
	(void)state;
	flags = DMP_RING_STAMPED;
	return 0;
}

static int flags_fenced(void **state)
{
	(void)state;
	flags = DMP_RING_FENCED;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_ring_holds_the_producer),
		cmocka_unit_test(a_consumer_gates_from_the_moment_it_has_joined),
		cmocka_unit_test(what_is_claimed_is_not_published),
		cmocka_unit_test(a_diamond_is_read_in_order),
		cmocka_unit_test(events_go_through_a_chain_of_sleepers),
		cmocka_unit_test(what_is_left_at_the_end_comes_as_a_short_batch),
		cmocka_unit_test(a_lapped_observer_is_told_how_many_it_lost),
	};
	int failed = cmocka_run_group_tests_name("packed", tests, flags_packed, NULL);

	failed += cmocka_run_group_tests_name("stamped", tests, flags_stamped, NULL);
	return failed + cmocka_run_group_tests_name("fenced", tests, flags_fenced, NULL);
}
