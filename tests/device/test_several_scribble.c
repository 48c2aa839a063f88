// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_several_scribble.c: hostile words on a ring with several producers
 *
 * A hostile producer may spoil what is published and hold the ring up, as long as it is there. The kernel stands, nobody
 * is led outside the mapping, and once no producer is left the next ones find a ring that can be used. A hostile consumer
 * is a slow one: it makes no producer overwrite another's open claim and hides no dead one's.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <dmp.h>
#include <dmp/seq.h>

#include "raw.h"

#define MULTI  (DMP_RING_STAMPED | DMP_RING_MULTI)
#define ROUNDS rounds(300, 10000)

static struct dmp_ring *ring;
static struct dmp_member *a, *b, *c;

static int fd(void)
{
	return dmp_ring_fd(ring);
}

static int setup(void **state)
{
	(void)state;
	ring = make_ring(SLOTS, EVENT - 8, MULTI);
	return 0;
}

static void leave(struct dmp_member **m)
{
	dmp_leave(*m);
	*m = NULL;
}

static int teardown(void **state)
{
	(void)state;
	leave(&a);
	leave(&b);
	leave(&c);
	dmp_ring_close(ring);
	return 0;
}

static void join_producers(void)
{
	a = join(ring, DMP_ROLE_PRODUCER, "a");
	b = join(ring, DMP_ROLE_PRODUCER, "b");
}

/* ---- hostile words ---- */

static uint64_t some(void)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Extreme, near to what is right, near the wrap of positions and of stamps, anything. */
static uint64_t bad(uint64_t near)
{
	const uint64_t words[] = { 0,
				   UINT64_MAX,
				   1ULL << 63,
				   UINT64_MAX - SLOTS,
				   (1ULL << 62) - SLOTS / 2,
				   1ULL << 60,
				   near,
				   near + some() % (4 * SLOTS),
				   near - some() % (4 * SLOTS),
				   some() };

	return words[some() % ARRAY_SIZE(words)];
}

static void set(__u64 *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

static void scribble(const struct raw *h)
{
	uint64_t near = __atomic_load_n(&h->cursor->claimed, __ATOMIC_SEQ_CST), way = some();

	if (way & 1)
		set(&h->cursor->claimed, bad(near));
	if (way & 2)
		set(&h->cursor->cursor, bad(near));
	set(&h->own->claim_lo, bad(near));
	set(&h->own->claim_hi, bad(near));
	set(&h->own->claim_won, way & 4 ? h->own->claim_hi : bad(near));
	if (way & 8)
		memset(h->data, (int)(way >> 8), h->meta->data_size);
	if (way & 16)
		for (unsigned int i = 0; i < SLOTS; i++)
			set((__u64 *)raw_slot(h, i) - 1, 4 * bad(near + i) + i % 4);
}

/* ---- honest work ---- */

static void publish(struct dmp_member *m, uint64_t n)
{
	uint64_t pos, *e, i = 0;

	assert_int_equal(dmp_try_claim(m, n, &pos), 0);
	dmp_for_each_slot(e, m, pos, n)
		*e = pos + i++;
	dmp_publish(m, pos, n);
}

/* Everything up to the position end, in order, but for skipped slots: nothing but what was published there. */
static void consume_up_to(struct dmp_member *m, uint64_t end)
{
	struct dmp_batch batch;
	const uint64_t *e;

	while (dmp_position(m) != end) {
		uint64_t n;

		assert_int_equal(dmp_wait_until(m, 1, &batch, wait_long()), 0);
		n = batch.pos;
		dmp_for_each(e, m, &batch)
			assert_int_equal(*e, n++);
		assert_int_equal(dmp_release(m, batch.end), 0);
	}
}

/* The ring, from where it is: some laps by two producers, in batches, to a consumer and an observer. */
static void work_for_some_laps(void)
{
	struct dmp_member *o = join(ring, DMP_ROLE_OBSERVER, "o");
	uint64_t event[EVENT / 8], at, lost, next;

	c = join(ring, DMP_ROLE_CONSUMER, "c");
	join_producers();
	next = dmp_position(c);
	assert_int_equal(dmp_position(o), next);
	for (unsigned int i = 0; i < 4 * SLOTS / 16; i++) {
		publish(a, 7);
		publish(b, 9);
		consume_up_to(c, next + 16);
		for (unsigned int k = 0; k < 16; k++, next++) {
			assert_int_equal(dmp_try_observe(o, event, &at, &lost), 0);
			assert_int_equal(at, next);
			assert_int_equal(event[0], next);
			assert_int_equal(lost, 0);
		}
	}
	assert_int_equal(dmp_aborted(c), 0);
	leave(&a);
	leave(&b);
	assert_int_equal(dmp_wait_until(c, 1, &(struct dmp_batch){ 0 }, wait_long()), -EPIPE);
	leave(&c);
	leave(&o);
}

/* ---- a hostile producer ---- */

/* Each call returns soon, with something that its documentation names. */
static void call_all(const struct raw *h, struct dmp_member *consumer, struct dmp_member *observer)
{
	uint64_t event[EVENT / 8], pos = dmp_position(consumer), target = bad(pos), lost;
	struct dmp_batch batch;
	int ret;

	assert_int_equal(xioctl(h->fd, DMP_IOC_WAKE, NULL), 0);
	ret = raw_wait(h->fd, target, 0);
	assert_true(ret == 0 || ret == -ETIMEDOUT || ret == -EINVAL);
	ret = raw_arm(h->fd, target);
	assert_true(ret == 0 || ret == 1 || ret == -EINVAL);
	ret = dmp_wait_until(consumer, 1 + some() % SLOTS, &batch, 0);
	assert_true(ret == 0 || ret == -ETIMEDOUT);
	if (!ret) {
		assert_true(batch.end - batch.pos <= SLOTS);
		assert_int_equal(dmp_release(consumer, batch.end), 0);
	}
	ret = dmp_try_observe(observer, event, &pos, &lost);
	assert_true(ret == 0 || ret == -EAGAIN);
	ret = dmp_try_claim(a, 1 + some() % SLOTS, &pos);
	assert_true(ret == 0 || ret == -EAGAIN);
	if (!ret && some() % 2)
		assert_int_equal(dmp_abort(a, pos, a->next - pos), 0);
	else if (!ret)
		dmp_publish(a, pos, a->next - pos);
}

static void come_and_go(uint32_t role)
{
	struct dmp_join args = join_args(role, "j");
	struct raw j;
	int ret;

	args.from = args.role == DMP_ROLE_PRODUCER ? DMP_FROM_LATEST : some() % 3;
	args.position = args.from == DMP_FROM_POSITION ? bad(0) : 0;
	ret = ring_join(fd(), &args);
	if (ret == -ERANGE)
		return;
	assert_true(ret >= 0);
	j = raw_map(ret, &args);
	if (j.role == DMP_ROLE_PRODUCER)
		scribble(&j);
	raw_leave(&j);
	ring_info(fd());
}

static void a_hostile_producer_among_others_leads_nobody_outside_the_ring(void **state)
{
	struct dmp_member *o = join(ring, DMP_ROLE_OBSERVER, "o");
	struct raw h = raw_join(fd(), DMP_ROLE_PRODUCER, "h");

	(void)state;
	a = join(ring, DMP_ROLE_PRODUCER, "a");
	c = join(ring, DMP_ROLE_CONSUMER, "c");
	for (unsigned int i = 0; i < ROUNDS; i++) {
		scribble(&h);
		call_all(&h, c, o);
		come_and_go(1 + some() % 3);
	}
	raw_leave(&h);
	leave(&a);
	leave(&c);
	leave(&o);
	work_for_some_laps();
}

static void once_all_producers_have_left_the_ring_can_be_used(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct raw h = raw_join(fd(), DMP_ROLE_PRODUCER, "h"), g = raw_join(fd(), DMP_ROLE_PRODUCER, "g");

		scribble(&h);
		scribble(&g);
		if (some() % 2)
			assert_int_equal(xioctl(h.fd, DMP_IOC_WAKE, NULL), 0);
		raw_leave(&h);
		scribble(&g);
		raw_leave(&g);
		assert_true(ring_info(fd()).repaired < 2 * SLOTS * (uint64_t)ROUNDS * 4);
		assert_int_equal(ring_info(fd()).undecided, 0);
		work_for_some_laps();
	}
}

static void a_consumer_that_was_there_hears_of_the_end(void **state)
{
	struct raw h = raw_join(fd(), DMP_ROLE_PRODUCER, "h");
	struct dmp_batch batch;

	(void)state;
	c = join(ring, DMP_ROLE_CONSUMER, "c");
	set(&h.cursor->claimed, 3 * SLOTS / 2); /* a lap ahead of the stamps */
	assert_int_equal(ring_info(fd()).cursor, SLOTS / 2);
	raw_leave(&h);
	while (!dmp_wait_until(c, 1, &batch, wait_long()))
		assert_int_equal(dmp_release(c, batch.end), 0);
	assert_int_equal(dmp_wait_until(c, 1, &batch, wait_long()), -EPIPE);
	assert_int_equal(dmp_position(c), ring_info(fd()).cursor);
}

/* Its next try was to be at 3, its last claim ended at 1: it died between the two words. */
static void a_record_that_is_half_stored_counts_as_nothing(void **state)
{
	struct raw h = raw_join(fd(), DMP_ROLE_PRODUCER, "h");

	(void)state;
	a = join(ring, DMP_ROLE_PRODUCER, "a");
	publish(a, 3);
	set(&h.own->claim_lo, 3);
	set(&h.own->claim_hi, 1);
	set(&h.own->claim_won, 1);
	raw_leave(&h);
	assert_int_equal(ring_info(fd()).repaired, 0);
}

/* The kernel looks while the lie is told. */
static void a_lie_about_what_is_claimed_goes_with_its_producer(void **state)
{
	struct raw h = raw_join(fd(), DMP_ROLE_PRODUCER, "h");

	(void)state;
	join_producers();
	c = join(ring, DMP_ROLE_CONSUMER, "c");
	set(&h.own->claim_hi, 1);
	set(&h.cursor->claimed, 1ULL << 40);
	ring_info(fd());
	set(&h.cursor->claimed, 1);
	raw_leave(&h);
	assert_int_equal(ring_info(fd()).repaired, 1);
	assert_int_equal(ring_info(fd()).cursor, 1);
	for (uint64_t end = 1 + SLOTS / 2; end < 4 * SLOTS; end += SLOTS / 2) {
		publish(a, SLOTS / 4);
		publish(b, SLOTS / 4);
		consume_up_to(c, end);
	}
	assert_int_equal(dmp_wait_until(c, 1, &(struct dmp_batch){ 0 }, 0), -ETIMEDOUT);
}

static void who_has_lied_about_the_prefix_lets_nobody_lap_an_open_claim_afterwards(void **state)
{
	struct raw h = raw_join(fd(), DMP_ROLE_PRODUCER, "h");
	uint64_t pos;

	(void)state;
	join_producers();
	assert_int_equal(dmp_try_claim(a, 1, &pos), 0);
	set(&h.cursor->cursor, 1ULL << 40);
	raw_leave(&h);
	publish(b, SLOTS - 1);
	assert_int_equal(dmp_try_claim(b, 1, &pos), -EAGAIN);
}

/* ---- a hostile consumer ---- */

static void a_hostile_gate_lets_nobody_lap_an_open_claim(void **state)
{
	struct raw h = raw_join(fd(), DMP_ROLE_CONSUMER, "h");
	struct dmp_member *o = join(ring, DMP_ROLE_OBSERVER, "o");
	uint64_t event[EVENT / 8], open, pos, at, lost, next = 0;

	(void)state;
	join_producers();
	for (unsigned int i = 0; i < ROUNDS; i++) {
		set(&h.own->cursor, UINT64_MAX);
		assert_int_equal(dmp_try_claim(a, 1, &open), 0);
		for (unsigned int k = 0; k < 8; k++) {
			set(&h.own->cursor, bad(open));
			if (dmp_try_claim(b, 1 + some() % SLOTS, &pos))
				continue;
			assert_true(b->next - open <= SLOTS);
			assert_int_equal(dmp_abort(b, pos, b->next - pos), 0);
			come_and_go(DMP_ROLE_CONSUMER + some() % 2);
		}
		*(uint64_t *)dmp_slot(a, open) = open;
		dmp_publish(a, open, 1);
		while (!dmp_try_observe(o, event, &at, &lost)) {
			assert_int_equal(event[0], at);
			assert_true(at >= next && lost <= at - next);
			next = at + 1;
		}
	}
	leave(&o);
	raw_leave(&h);
}

static void a_hostile_gate_hides_no_hole_of_the_dead(void **state)
{
	struct raw h = raw_join(fd(), DMP_ROLE_CONSUMER, "h");
	uint64_t pos;

	(void)state;
	c = join(ring, DMP_ROLE_CONSUMER, "c");
	join_producers();
	set(&h.own->cursor, UINT64_MAX);
	for (int i = 0; i < 3; i++) {
		publish(b, SLOTS);
		consume_up_to(c, dmp_position(c) + SLOTS);
	}
	assert_int_equal(dmp_try_claim(a, 2, &pos), 0);
	publish(b, 1);
	set(&h.own->cursor, 0);
	leave(&a);
	raw_leave(&h);
	assert_int_equal(ring_info(fd()).repaired, 2);
	consume_up_to(c, 3 * SLOTS + 3);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_record_that_is_half_stored_counts_as_nothing),
		T(a_lie_about_what_is_claimed_goes_with_its_producer),
		T(who_has_lied_about_the_prefix_lets_nobody_lap_an_open_claim_afterwards),
		T(a_hostile_gate_hides_no_hole_of_the_dead),
		T(a_hostile_gate_lets_nobody_lap_an_open_claim),
		T(a_consumer_that_was_there_hears_of_the_end),
		T(once_all_producers_have_left_the_ring_can_be_used),
		T(a_hostile_producer_among_others_leads_nobody_outside_the_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
