// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_promises.c: what every backend promises of events: order, gates, starts, ends, for all kinds of slot */
#include "native.h"

#define N NATIVE_SLOTS

static uint32_t flags; /* of the rings that the tests make */

static struct dmp_ring *new_ring(void)
{
	struct address a = new_address("promise");

	return create_ring(&a, flags);
}

static struct dmp_member *producer(struct dmp_ring *ring)
{
	return join(ring, DMP_ROLE_PRODUCER, "p");
}

static struct dmp_member *consumer(struct dmp_ring *ring, const char *name)
{
	return join(ring, DMP_ROLE_CONSUMER, name);
}

/* ---- gates ---- */

static void a_full_ring_holds_the_producer(void **state)
{
	struct dmp_ring *ring = new_ring();
	struct dmp_member *p = producer(ring), *c = consumer(ring, "c");

	(void)state;
	assert_int_equal(try_publish(p, N), 0);
	assert_int_equal(try_publish(p, 1), -EAGAIN);
	assert_int_equal(consume_up_to(c, 5), 0);
	assert_int_equal(info_of(ring).gate, is_backend("file") ? 0 : 5); /* there it is what is saved */
	publish(p, 5);
	assert_int_equal(try_publish(p, 1), -EAGAIN);
	assert_int_equal(consume(c), N);
	publish(p, 1);
	dmp_leave(c);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static void who_has_left_gates_no_more(void **state)
{
	struct dmp_ring *ring = new_ring();
	struct dmp_member *p = producer(ring), *c = consumer(ring, "c");

	(void)state;
	publish(p, N);
	assert_int_equal(try_publish(p, 1), -EAGAIN);
	dmp_leave(c);
	publish(p, 3 * N);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static void a_consumer_gates_from_its_start_on(void **state)
{
	struct dmp_ring *ring = new_ring();
	struct dmp_member *p = producer(ring), *c;

	(void)state;
	publish(p, N + N / 2);
	c = consumer(ring, "c");
	assert_int_equal(dmp_position(c), N + N / 2);
	publish(p, N);
	assert_int_equal(try_publish(p, 1), -EAGAIN);
	assert_int_equal(consume(c), N);
	dmp_leave(c);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static void what_is_claimed_is_not_published(void **state)
{
	struct dmp_ring *ring = new_ring();
	struct dmp_member *p = producer(ring), *c = consumer(ring, "c");
	uint64_t pos = 99;

	(void)state;
	publish(p, 3);
	assert_int_equal(dmp_try_claim(p, 2, &pos), 0);
	assert_int_equal(pos, 3);
	memset(dmp_slot(p, pos), 0x77, event_size_of(flags));
	assert_int_equal(consume(c), 3);
	dmp_leave(p); /* what it had claimed was never there */
	assert_int_equal(consume(c), -EPIPE);
	p = producer(ring);
	assert_int_equal(dmp_position(p), 3);
	publish(p, 1);
	assert_int_equal(consume(c), 1);
	dmp_leave(c);
	dmp_leave(p);
	dmp_ring_close(ring);
}

/* ---- dependencies ---- */

static void a_diamond_is_read_in_order(void **state)
{
	const char *const both[] = { "left", "right" };
	struct dmp_ring *ring = new_ring();
	struct dmp_member *p = producer(ring), *left = consumer(ring, "left"), *right = consumer(ring, "right");
	struct dmp_member *last = join_after(ring, "last", both, 2);

	(void)state;
	publish(p, 8);
	assert_int_equal(consume(last), -EAGAIN);
	assert_int_equal(consume(left), 8);
	assert_int_equal(consume(last), -EAGAIN);
	assert_int_equal(consume(right), 8);
	assert_int_equal(consume(last), 8);
	publish(p, 4);
	assert_int_equal(consume(left), 4);
	dmp_leave(right); /* is waited for no more */
	assert_int_equal(consume(last), 4);
	dmp_leave(left);
	dmp_leave(last);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static void dependencies_are_consumers_that_are_there(void **state)
{
	const char *const names[] = { "a", "b", "p" };
	struct dmp_join_options options = { .name = "c", .after = names, .after_count = 2 };
	struct dmp_ring *ring = new_ring();
	struct dmp_member *p = producer(ring), *a = consumer(ring, "a"), *c = NULL;
	struct dmp_member_info ia, ic;

	(void)state;
	assert_int_equal(dmp_join(ring, DMP_ROLE_CONSUMER, &options, &c), -ENOENT);
	options.after = names + 2; /* a producer */
	options.after_count = 1;
	assert_int_equal(dmp_join(ring, DMP_ROLE_CONSUMER, &options, &c), -ENOENT);
	options.after = names;
	c = join_as(ring, &options);
	assert_true(has_member(ring, "a", &ia) && has_member(ring, "c", &ic));
	assert_int_equal(ic.deps, 1ULL << ia.index);
	dmp_leave(a);
	assert_true(has_member(ring, "c", &ic));
	assert_int_equal(ic.deps, 0);
	dmp_leave(c);
	dmp_leave(p);
	dmp_ring_close(ring);
}

/* ---- who may join ---- */

static void a_ring_has_one_producer(void **state)
{
	struct dmp_ring *ring = new_ring();
	struct dmp_member *p = producer(ring);

	(void)state;
	assert_int_equal(try_join(ring, DMP_ROLE_PRODUCER, "q"), -EBUSY);
	publish(p, 7);
	dmp_leave(p);
	p = producer(ring);
	assert_int_equal(dmp_position(p), 7);
	assert_int_equal(info_of(ring).epoch, 2);
	assert_int_equal(info_of(ring).producers, 1);
	dmp_leave(p);
	assert_int_equal(info_of(ring).producers, 0);
	dmp_ring_close(ring);
}

static void a_consumers_name_is_its_own(void **state)
{
	struct dmp_ring *ring = new_ring();
	struct dmp_member *c = consumer(ring, "c");

	(void)state;
	assert_int_equal(try_join(ring, DMP_ROLE_CONSUMER, "c"), -EEXIST);
	assert_int_equal(try_join(ring, DMP_ROLE_OBSERVER, "c"), 0); /* unique among consumers only */
	assert_int_equal(try_join(ring, DMP_ROLE_PRODUCER, "c"), 0);
	dmp_leave(c);
	assert_int_equal(try_join(ring, DMP_ROLE_CONSUMER, "c"), 0);
	dmp_ring_close(ring);
}

static void a_ring_has_as_many_members_as_it_was_made_for(void **state)
{
	struct dmp_ring_options options = native_options(flags);
	struct address a = new_address("full");
	struct dmp_ring *ring = NULL;
	struct dmp_member *c, *o;

	(void)state;
	options.members = 2;
	assert_int_equal(dmp_ring_create(&ring, a.s, &options), 0);
	c = consumer(ring, "c");
	o = join(ring, DMP_ROLE_OBSERVER, "o");
	assert_int_equal(try_join(ring, DMP_ROLE_CONSUMER, "d"), -ENOSPC);
	assert_int_equal(try_join(ring, DMP_ROLE_OBSERVER, "q"), -ENOSPC);
	assert_int_equal(try_join(ring, DMP_ROLE_PRODUCER, "p"), -ENOSPC);
	assert_int_equal(info_of(ring).epoch, 0);
	dmp_leave(c);
	assert_int_equal(try_join(ring, DMP_ROLE_PRODUCER, "p"), 0);
	dmp_leave(o);
	dmp_ring_close(ring);
}

static void the_sixty_fifth_consumer_does_not_fit(void **state)
{
	const int most = is_backend("file") ? DMP_MAX_GATES - 1 : DMP_MAX_GATES; /* there one gate is the disk's */
	struct dmp_member *c[DMP_MAX_GATES];
	struct dmp_ring_options options = native_options(flags);
	struct address a = new_address("gates");
	struct dmp_ring *ring = NULL;

	(void)state;
	options.members = 80;
	assert_int_equal(dmp_ring_create(&ring, a.s, &options), 0);
	for (int i = 0; i < most; i++)
		c[i] = consumer(ring, unique_name("c").s);
	assert_int_equal(try_join(ring, DMP_ROLE_CONSUMER, "more"), -ENOSPC);
	assert_int_equal(try_join(ring, DMP_ROLE_OBSERVER, "o"), 0);
	assert_int_equal(try_join(ring, DMP_ROLE_PRODUCER, "p"), 0);
	dmp_leave(c[13]);
	c[13] = consumer(ring, "more");
	for (int i = 0; i < most; i++)
		dmp_leave(c[i]);
	dmp_ring_close(ring);
}

/* ---- starts ---- */

/* Where it would start, or -errno. */
static int64_t start_of(struct dmp_ring *ring, uint32_t role, uint32_t from, uint64_t position)
{
	struct dmp_join_options options = { .name = "probe", .from = from, .position = position };
	struct dmp_member *m = NULL;
	int err = dmp_join(ring, role, &options, &m);
	int64_t start = err ? err : (int64_t)dmp_position(m);

	dmp_leave(m);
	return start;
}

static void consumers_start_where_nothing_is_lost(void **state)
{
	struct dmp_ring *ring = new_ring();
	struct dmp_member *p = producer(ring), *a, *b;

	(void)state;
	a = consumer(ring, "a");
	b = consumer(ring, "b");
	publish(p, 20);
	assert_int_equal(consume_up_to(a, 7), 0);
	assert_int_equal(consume_up_to(b, 12), 0);
	assert_int_equal(start_of(ring, DMP_ROLE_CONSUMER, DMP_FROM_LATEST, 0), 20);
	if (!is_backend("file")) { /* there what is not saved is there still */
		assert_int_equal(start_of(ring, DMP_ROLE_CONSUMER, DMP_FROM_OLDEST, 0), 7);
		assert_int_equal(start_of(ring, DMP_ROLE_CONSUMER, DMP_FROM_POSITION, 6), -ERANGE);
	}
	assert_int_equal(start_of(ring, DMP_ROLE_CONSUMER, DMP_FROM_POSITION, 7), 7);
	assert_int_equal(start_of(ring, DMP_ROLE_CONSUMER, DMP_FROM_POSITION, 20), 20);
	assert_int_equal(start_of(ring, DMP_ROLE_CONSUMER, DMP_FROM_POSITION, 21), -ERANGE);
	assert_int_equal(start_of(ring, DMP_ROLE_CONSUMER, DMP_FROM_POSITION, UINT64_MAX), -ERANGE);
	dmp_leave(a);
	dmp_leave(b);
	dmp_leave(p);
	dmp_ring_close(ring);
}

static void observers_start_where_something_may_be_left(void **state)
{
	struct dmp_ring *ring = new_ring();
	struct dmp_member *p = producer(ring);

	(void)state;
	publish(p, N + 10);
	assert_int_equal(start_of(ring, DMP_ROLE_OBSERVER, DMP_FROM_LATEST, 0), N + 10);
	assert_int_equal(start_of(ring, DMP_ROLE_OBSERVER, DMP_FROM_OLDEST, 0), 10);
	assert_int_equal(start_of(ring, DMP_ROLE_OBSERVER, DMP_FROM_POSITION, 30), 30);
	assert_int_equal(start_of(ring, DMP_ROLE_OBSERVER, DMP_FROM_POSITION, N + 11), -ERANGE);
	dmp_leave(p);
	dmp_ring_close(ring);
}

/* ---- observers ---- */

static void a_lapped_observer_is_told_how_many_it_lost(void **state)
{
	struct dmp_ring *ring = new_ring();
	struct dmp_member *p = producer(ring), *o = join(ring, DMP_ROLE_OBSERVER, "o");
	uint64_t event[8], pos = 0, lost = 0, seen = 0, total = 0;

	(void)state;
	assert_int_equal(dmp_try_observe(o, event, &pos, &lost), -EAGAIN);
	publish(p, 2 * N + 10); /* nobody gates */
	while (!dmp_try_observe(o, event, &pos, &lost)) {
		assert_true(stress_intact(event, event_size_of(flags), pos));
		total += lost;
		assert_int_equal(pos, total + seen++);
	}
	assert_int_equal(total + seen, 2 * N + 10);
	assert_in_range(total, N + 10, 2 * N + 10);
	dmp_leave(p);
	assert_int_equal(dmp_observe(o, event, &pos, &lost), -EPIPE);
	dmp_leave(o);
	dmp_ring_close(ring);
}

/* ---- the end ---- */

static void what_is_left_at_the_end_comes_as_a_short_batch(void **state)
{
	struct dmp_ring *ring = new_ring();
	struct dmp_member *c = consumer(ring, "c"), *p;
	struct dmp_batch batch;

	(void)state;
	assert_int_equal(dmp_ended(c), DMP_END_NONE);
	p = producer(ring);
	assert_int_equal(dmp_ended(c), DMP_END_OPEN);
	publish(p, 3);
	assert_int_equal(dmp_try_wait(c, 8, &batch), -EAGAIN);
	dmp_leave(p);
	assert_int_equal(dmp_ended(c), DMP_END_CRASHED);
	assert_int_equal(dmp_wait(c, 8, &batch), 0);
	assert_int_equal(batch.end - batch.pos, 3);
	assert_int_equal(dmp_release(c, batch.end), 0);
	assert_int_equal(dmp_wait(c, 1, &batch), -EPIPE);
	p = producer(ring); /* and it goes on */
	assert_int_equal(dmp_try_wait(c, 1, &batch), -EAGAIN);
	publish(p, 1);
	assert_int_equal(dmp_finish(p), 0);
	assert_int_equal(dmp_ended(c), DMP_END_OPEN); /* until it has left */
	dmp_leave(p);
	assert_int_equal(dmp_ended(c), DMP_END_CLEAN);
	assert_int_equal(consume(c), 1);
	assert_int_equal(dmp_wait(c, 1, &batch), -EPIPE);
	dmp_leave(c);
	dmp_ring_close(ring);
}

static int packed(void **state)
{
	(void)state;
	flags = 0;
	return 0;
}

static int stamped(void **state)
{
	(void)state;
	flags = DMP_RING_STAMPED;
	return 0;
}

static int fenced(void **state)
{
	(void)state;
	flags = DMP_RING_STAMPED | DMP_RING_FENCED;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_ring_holds_the_producer),
		cmocka_unit_test(who_has_left_gates_no_more),
		cmocka_unit_test(a_consumer_gates_from_its_start_on),
		cmocka_unit_test(what_is_claimed_is_not_published),
		cmocka_unit_test(a_diamond_is_read_in_order),
		cmocka_unit_test(dependencies_are_consumers_that_are_there),
		cmocka_unit_test(a_ring_has_one_producer),
		cmocka_unit_test(a_consumers_name_is_its_own),
		cmocka_unit_test(a_ring_has_as_many_members_as_it_was_made_for),
		cmocka_unit_test(the_sixty_fifth_consumer_does_not_fit),
		cmocka_unit_test(consumers_start_where_nothing_is_lost),
		cmocka_unit_test(observers_start_where_something_may_be_left),
		cmocka_unit_test(a_lapped_observer_is_told_how_many_it_lost),
		cmocka_unit_test(what_is_left_at_the_end_comes_as_a_short_batch),
	};
	int failed = cmocka_run_group_tests_name("packed", tests, packed, NULL);

	failed += cmocka_run_group_tests_name("stamped", tests, stamped, NULL);
	return failed + cmocka_run_group_tests_name("fenced", tests, fenced, NULL);
}
