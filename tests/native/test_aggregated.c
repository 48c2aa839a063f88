// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* test_aggregated.c: counters of members, handed on: watched, and followed beyond the reader's life */
#define _GNU_SOURCE
#include "native.h"

#include "unit/recorder.h"

static struct remembered r;
static struct dmp_ring *ring;
static struct dmp_member *p, *c;

static int setup(void **state)
{
	struct address a = new_shm("aggregated");
	struct dmp_ring_options options = native_options(0);

	(void)state;
	options.members = 4;
	assert_int_equal(dmp_ring_create(&ring, a.s, &options), 0);
	p = join(ring, DMP_ROLE_PRODUCER, "p");
	c = join(ring, DMP_ROLE_CONSUMER, "c");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dmp_leave(c);
	dmp_leave(p);
	dmp_ring_close(ring);
	return 0;
}

static struct dmp_aggregator *watch(const struct dmp_member *reader, uint32_t index, uint64_t interval)
{
	const struct dmp_aggregator_options o = remembering(&r, interval);
	struct dmp_aggregator *a = NULL;

	assert_int_equal(dmp_aggregator_watch(&a, reader, index, &o), 0);
	return a;
}

static struct dmp_aggregator *follow(uint32_t index, uint64_t interval)
{
	const struct dmp_aggregator_options o = remembering(&r, interval);
	struct dmp_aggregator *a = NULL;

	assert_int_equal(dmp_aggregator_follow(&a, ring, index, &o), 0);
	return a;
}

static void stop(struct dmp_aggregator *a)
{
	assert_int_equal(dmp_aggregator_stop(a), 0);
}

static struct dmp_counter_slot *count_of(struct dmp_member *m, uint64_t value)
{
	struct dmp_counter_slot *slot;

	assert_int_equal(dmp_counter_register(m, MINE, 0, "mine", &slot), 0);
	dmp_counter_add(slot, value);
	return slot;
}

/* ---- watching ---- */

static void a_member_watches_itself(void **state)
{
	struct dmp_aggregator *a = watch(p, p->index, AN_HOUR);

	(void)state;
	await_ticks(&r, 1);
	publish(p, 5);
	count_of(p, 3);
	stop(a);
	expect_seen(&r, "dmp_published", 5);
	expect_seen(&r, "dmp_bytes", 5 * dmp_event_size(p));
	expect_seen(&r, "dmp_mine", 3);
	assert_string_equal(seen_as(&r, "dmp_published")->unit, "events");
	assert_string_equal(seen_as(&r, "dmp_published")->help, "published since it joined");
	assert_null(seen_as(&r, "dmp_consumed"));
}

static void a_member_watches_another(void **state)
{
	struct dmp_aggregator *a = watch(p, c->index, AN_HOUR);

	(void)state;
	publish(p, 5);
	assert_int_equal(consume(c), 5);
	stop(a);
	expect_seen(&r, "dmp_consumed", 5);
	assert_null(seen_as(&r, "dmp_published"));
}

static void its_last_tick_has_all_if_it_is_stopped_before_the_reader_leaves(void **state)
{
	struct dmp_member *o = join(ring, DMP_ROLE_OBSERVER, NULL);
	struct dmp_aggregator *a = watch(o, o->index, 1000);

	(void)state;
	await_ticks(&r, 3);
	count_of(o, 8);
	stop(a);
	dmp_leave(o);
	expect_seen(&r, "dmp_mine", 8);
}

static void nobody_cannot_be_watched(void **state)
{
	const struct dmp_aggregator_options o = remembering(&r, AN_HOUR), none = { 0 };
	struct dmp_aggregator *a = (void *)77;
	struct dmp_member *gone = join(ring, DMP_ROLE_OBSERVER, NULL);
	uint32_t nobody = gone->index;

	(void)state;
	dmp_leave(gone);
	assert_int_equal(dmp_aggregator_watch(&a, p, nobody, &o), -ENOENT);
	assert_int_equal(dmp_aggregator_watch(&a, p, UINT32_MAX, &o), -EINVAL);
	assert_int_equal(dmp_aggregator_watch(&a, p, p->index, &none), -EINVAL);
	assert_int_equal(dmp_aggregator_follow(&a, ring, nobody, &o), -ENOENT); /* its own place */
	assert_int_equal(dmp_aggregator_follow(&a, ring, UINT32_MAX, &o), -EINVAL);
	assert_int_equal(dmp_aggregator_follow(&a, ring, p->index, NULL), -EINVAL);
	assert_ptr_equal(a, (void *)77);
	assert_int_equal(r.flushes, 0);
}

/* ---- the watched one goes ---- */

static void who_has_left_is_shown_as_it_was(void **state)
{
	struct dmp_member *o = join(ring, DMP_ROLE_OBSERVER, NULL);
	struct dmp_aggregator *a;

	(void)state;
	count_of(o, 8);
	a = watch(p, o->index, 1000);
	dmp_leave(o);
	await_ticks(&r, 20);
	stop(a);
	expect_seen(&r, "dmp_mine", 8);
}

static void who_takes_its_place_is_somebody_else(void **state)
{
	struct dmp_member *o = join(ring, DMP_ROLE_OBSERVER, NULL), *next;
	struct dmp_aggregator *a;
	uint32_t index = o->index;

	(void)state;
	count_of(o, 8);
	a = watch(p, index, 1000);
	dmp_leave(o);
	next = join(ring, DMP_ROLE_OBSERVER, NULL);
	assert_int_equal(next->index, index);
	count_of(next, 9);
	await_ticks(&r, 20);
	stop(a);
	expect_seen(&r, "dmp_mine", 8);
	dmp_leave(next);
}

/* ---- following: under AddressSanitizer as well ---- */

static void following_keeps_the_pages_whoever_leaves(void **state)
{
	struct dmp_aggregator *a = follow(p->index, 1000);

	count_of(p, 4);
	await_ticks(&r, 20);
	teardown(state);
	await_ticks(&r, 20);
	stop(a);
	expect_seen(&r, "dmp_mine", 4);
	setup(state);
}

static void following_takes_a_place_and_gives_it_back(void **state)
{
	struct dmp_aggregator *a = follow(c->index, AN_HOUR), *b = follow(p->index, AN_HOUR), *none = (void *)77;
	const struct dmp_aggregator_options o = remembering(&r, AN_HOUR);
	struct dmp_member_info members[4];

	(void)state;
	assert_int_equal(dmp_ring_members(ring, members, 4), 4);
	assert_int_equal(dmp_aggregator_follow(&none, ring, p->index, &o), -ENOSPC);
	assert_ptr_equal(none, (void *)77);
	stop(a);
	stop(b);
	assert_int_equal(dmp_ring_members(ring, members, 4), 2);
}

static void followers_hold_nobody_up(void **state)
{
	struct dmp_aggregator *a = follow(p->index, AN_HOUR);
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		publish(p, NATIVE_SLOTS);
		assert_int_equal(consume(c), NATIVE_SLOTS);
	}
	stop(a);
	expect_seen(&r, "dmp_published", 3 * NATIVE_SLOTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_member_watches_itself),
		TEST(a_member_watches_another),
		TEST(its_last_tick_has_all_if_it_is_stopped_before_the_reader_leaves),
		TEST(nobody_cannot_be_watched),
		TEST(who_has_left_is_shown_as_it_was),
		TEST(who_takes_its_place_is_somebody_else),
		TEST(following_keeps_the_pages_whoever_leaves),
		TEST(following_takes_a_place_and_gives_it_back),
		TEST(followers_hold_nobody_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
