// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_several_lies.c: one lie each about a ring with several producers, told so that it would outlive who tells it, or
 * fall on somebody else
 */
#include <errno.h>

#include <dmp/seq.h>

#include "positions.h"
#include "raw.h"

static struct dmp_ring *ring;
static struct dmp_member *a, *c;
static struct raw h;

static int fd(void)
{
	return dmp_ring_fd(ring);
}

static int setup(void **state)
{
	(void)state;
	ring = ring_of_n();
	a = producer(ring);
	c = join(ring, DMP_ROLE_CONSUMER, "c");
	h = raw_join(fd(), DMP_ROLE_PRODUCER, "h");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dmp_leave(a);
	dmp_leave(c);
	dmp_ring_close(ring);
	return 0;
}

static void set(__u64 *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

static void set_record(const struct raw *m, uint64_t lo, uint64_t hi, uint64_t won)
{
	set(&m->own->claim_lo, lo);
	set(&m->own->claim_hi, hi);
	set(&m->own->claim_won, won);
}

/* Returns how many events were there. */
static uint64_t drain(struct dmp_member *m)
{
	struct dmp_batch batch;
	uint64_t read = 0;

	while (!dmp_try_wait(m, 1, &batch)) {
		read += batch.end - batch.pos;
		assert_int_equal(dmp_release(m, batch.end), 0);
		assert_true(read <= 2 * N);
	}
	return read;
}

static void what_no_consumer_has_room_for_was_not_published(void **state)
{
	(void)state;
	dmp_leave(a);
	a = NULL;
	set(&h.cursor->claimed, 1ULL << 59);
	raw_leave(&h); /* nobody is left */
	assert_true(ring_info(fd()).cursor <= N);
	a = producer(ring);
	assert_true(drain(c) <= N); /* a producer may publish anything, but no more than there is room for */
	publish(a, 1);
}

static void a_record_of_more_than_a_ring_covers_nothing(void **state)
{
	struct raw d = raw_join(fd(), DMP_ROLE_PRODUCER, "d");

	(void)state;
	set_record(&h, 0, UINT64_MAX, 0);
	set_record(&d, 0, 2, 0);
	set(&d.cursor->claimed, 2);
	raw_close(&d); /* it dies before it can say that it has won */
	assert_int_equal(ring_info(fd()).undecided, 0);
	assert_int_equal(ring_info(fd()).repaired, 2);
	raw_leave(&h);
}

static void a_claim_of_the_living_is_not_void_because_a_dead_one_has_said_it_was_its_own(void **state)
{
	uint64_t pos = claim(a, 4);

	(void)state;
	set_record(&h, pos, pos + 4, pos + 4);
	raw_leave(&h);
	assert_int_equal(ring_info(fd()).repaired, 0);
	publish_claim(a, pos, 4);
	expect(c, 0, 4);
}

static void who_waits_for_where_stamps_wrap_makes_nobody_ring(void **state)
{
	struct raw o = raw_join(fd(), DMP_ROLE_OBSERVER, "o");
	struct sleeper s;

	(void)state;
	start_sleeper(&s, o.fd, (1ULL << 62) + 1, NEVER);
	await_asleep(fd(), "o");
	for (uint64_t i = 0; i < N; i++)
		publish(a, 1);
	assert_int_equal(ring_info(fd()).wakes, 0);
	assert_int_equal(xioctl(o.fd, DMP_IOC_LEAVE, NULL), 0);
	assert_int_equal(finish_sleeper(&s), -ESTALE);
	raw_close(&o);
	raw_leave(&h);
}

/* All stamps say "done", nothing is claimed, somebody waits: no look settles that. Each ends all the same. */
static void a_look_at_stamps_that_lie_ends(void **state)
{
	struct sleeper s;

	(void)state;
	start_sleeper(&s, dmp_member_fd(c), 1, wait_long());
	await_asleep(fd(), "c");
	for (uint64_t i = 0; i < N; i++)
		set((__u64 *)raw_slot(&h, i) - 1, dmp_stamp_published(i));
	assert_int_equal(xioctl(h.fd, DMP_IOC_WAKE, NULL), 0);
	set(&h.cursor->claimed, 1);
	assert_int_equal(xioctl(h.fd, DMP_IOC_WAKE, NULL), 1);
	assert_int_equal(finish_sleeper(&s), 0);
	raw_leave(&h);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_no_consumer_has_room_for_was_not_published),
		TEST(a_record_of_more_than_a_ring_covers_nothing),
		TEST(a_claim_of_the_living_is_not_void_because_a_dead_one_has_said_it_was_its_own),
		TEST(who_waits_for_where_stamps_wrap_makes_nobody_ring),
		TEST(a_look_at_stamps_that_lie_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
