// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * test_scribble.c: a hostile cursor: backwards, far ahead, random
 *
 * It may hold the ring up, as any slow consumer may. It frees no slot that another gate holds, shows nothing unpublished,
 * and leads nobody outside the mapping. The honest ones here use the library, for that is what has to bear it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dmp.h>

#include "raw.h"

#define ROUNDS rounds(1000, 20000)
#define JOINS  rounds(200, 4000)

static const uint64_t hostile_cursors[] = {
	0,
	1,
	SLOTS - 1,
	SLOTS,
	SLOTS + 1,
	1ULL << 32,
	INT64_MAX,
	(uint64_t)INT64_MAX + 1,
	UINT64_MAX - SLOTS,
	UINT64_MAX - 1,
	UINT64_MAX,
};

/* The hostile words and, between them, random ones that can be replayed. */
static uint64_t hostile_cursor(unsigned int i)
{
	static uint64_t x = 88172645463325252ULL;

	if (i % 2)
		return hostile_cursors[i / 2 % ARRAY_SIZE(hostile_cursors)];
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return i % 4 ? x : x % (64 * SLOTS); /* anywhere, or near where the ring is */
}

static void scribble(struct raw *m, uint64_t cursor)
{
	__atomic_store_n(&m->own->cursor, cursor, __ATOMIC_SEQ_CST);
}

struct cast {
	int ring;
	struct raw h; /* the hostile one */
	struct dmp_ring *lib;
	struct dmp_member *p, *c;
};

/* h joins first where it is a dependency of c. */
static struct cast make_cast(uint32_t flags, bool upstream)
{
	struct dmp_create args = create_args(NULL);
	const char *const after[] = { "h" };
	struct cast x;

	args.flags = flags;
	args.event_size = flags & DMP_RING_STAMPED ? EVENT - 8 : EVENT;
	x.ring = ring_create(&args);
	x.h = raw_join(x.ring, DMP_ROLE_CONSUMER, "h");
	assert_int_equal(dmp_ring_from_fd(&x.lib, dup(x.ring)), 0);
	x.p = join(x.lib, DMP_ROLE_PRODUCER, "p");
	x.c = upstream ? join_after(x.lib, "c", after, 1) : join(x.lib, DMP_ROLE_CONSUMER, "c");
	return x;
}

static void end_cast(struct cast *x)
{
	dmp_leave(x->c);
	dmp_leave(x->p);
	dmp_ring_close(x->lib);
	raw_leave(&x->h);
	close(x->ring);
}

/* Publish as much as fits; never more than the honest consumer allows. */
static void publish_all(struct cast *x, uint64_t honest)
{
	uint64_t pos;

	while (!dmp_try_claim(x->p, 1, &pos)) {
		assert_true(pos < honest + SLOTS);
		*(uint64_t *)dmp_slot(x->p, pos) = pos;
		dmp_publish(x->p, pos, 1);
	}
}

/* Read what there is; it must be what was published, and all of it. Returns the next position. */
static uint64_t consume_all(struct cast *x, uint64_t from, uint64_t published)
{
	struct dmp_batch batch;
	uint64_t n;

	while (!dmp_try_wait(x->c, 1, &batch)) {
		assert_int_equal(batch.pos, from);
		assert_true(batch.end <= published && batch.end - batch.pos <= SLOTS);
		for (n = batch.pos; n < batch.end; n++)
			assert_int_equal(*(const uint64_t *)dmp_event(x->c, n), n);
		assert_int_equal(dmp_release(x->c, batch.end), 0);
		from = batch.end;
	}
	return from;
}

static void play(uint32_t flags, bool upstream)
{
	struct cast x = make_cast(flags, upstream);
	uint64_t honest = 0;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		scribble(&x.h, hostile_cursor(i));
		publish_all(&x, honest);
		scribble(&x.h, hostile_cursor(i + 1));
		honest = consume_all(&x, honest, dmp_position(x.p));
	}
	assert_true(honest > SLOTS); /* it went on, whenever the hostile cursor let it */
	end_cast(&x);
}

static void a_hostile_gate_frees_no_slot_that_another_holds(void **state)
{
	(void)state;
	play(0, false);
	play(DMP_RING_STAMPED, false);
}

static void a_hostile_dependency_shows_nothing_unpublished(void **state)
{
	(void)state;
	play(0, true);
	play(DMP_RING_STAMPED, true);
}

static void a_hostile_cursor_holds_the_ring_up_like_a_slow_one(void **state)
{
	struct cast x = make_cast(0, false);
	uint64_t pos;

	(void)state;
	publish_all(&x, 0);
	assert_int_equal(consume_all(&x, 0, SLOTS), SLOTS);
	scribble(&x.h, 0);
	assert_int_equal(dmp_try_claim(x.p, 1, &pos), -EAGAIN);
	scribble(&x.h, SLOTS);
	assert_int_equal(dmp_try_claim(x.p, 1, &pos), 0);
	end_cast(&x);
}

/* ---- in the kernel ---- */

static void those_who_join_at_latest_start_inside_the_ring(void **state)
{
	struct cast x = make_cast(0, false);
	uint64_t honest = 0;
	unsigned int i;

	(void)state;
	scribble(&x.h, UINT64_MAX);
	for (i = 0; i < 5; i++) {
		publish_all(&x, honest);
		honest = consume_all(&x, honest, dmp_position(x.p));
	}
	assert_int_equal(honest, 5 * SLOTS);
	for (i = 0; i < JOINS; i++) {
		struct raw j;

		scribble(&x.h, hostile_cursor(i));
		j = raw_join(x.ring, DMP_ROLE_CONSUMER, "j");
		assert_int_equal(j.start, honest);
		raw_leave(&j);
		j = raw_join_after(x.ring, "j", "h");
		assert_true(j.start <= honest && j.start >= honest - SLOTS);
		raw_leave(&j);
	}
	end_cast(&x);
}

static void those_who_join_at_oldest_start_inside_the_ring(void **state)
{
	struct cast x = make_cast(0, false);
	uint64_t honest = 0, pos;
	unsigned int i;

	(void)state;
	scribble(&x.h, UINT64_MAX);
	for (i = 0; i < 3; i++) {
		publish_all(&x, honest);
		honest = consume_all(&x, honest, dmp_position(x.p));
	}
	assert_int_equal(dmp_try_claim(x.p, 8, &pos), 0);
	dmp_publish(x.p, pos, 8);
	for (i = 0; i < JOINS; i++) {
		struct dmp_join args = join_args(DMP_ROLE_CONSUMER, "j");
		struct raw j;

		args.from = DMP_FROM_OLDEST;
		scribble(&x.h, hostile_cursor(i));
		j = raw_join_with(x.ring, &args);
		assert_true(j.start <= honest && j.start + SLOTS >= honest + 8);
		raw_leave(&j);
	}
	end_cast(&x);
}

static void info_clamps_the_gate_to_the_cursor(void **state)
{
	struct cast x = make_cast(0, false);
	size_t i;

	(void)state;
	publish_all(&x, 0);
	for (i = 0; i < ARRAY_SIZE(hostile_cursors); i++) {
		scribble(&x.h, hostile_cursors[i]);
		assert_true(ring_info(x.ring).gate == 0); /* the honest one's */
		assert_true(member_info(x.ring, "h").cursor == hostile_cursors[i]);
	}
	assert_int_equal(consume_all(&x, 0, SLOTS), SLOTS);
	scribble(&x.h, UINT64_MAX);
	assert_int_equal(ring_info(x.ring).gate, SLOTS);
	end_cast(&x);
}

/* Its own WAITs and WAKEs do not bring the kernel down, nor others to wake. */
static void hostile_waits_and_wakes_disturb_nobody(void **state)
{
	struct cast x = make_cast(0, true);
	struct dmp_member_info m;
	struct sleeper s;
	unsigned int i;

	(void)state;
	start_sleeper(&s, dmp_member_fd(x.c), SLOTS, wait_long());
	await_asleep(x.ring, "c");
	for (i = 0; i < ROUNDS; i++) {
		uint64_t cursor = hostile_cursor(i), target = hostile_cursor(i + 1);
		int ret;

		scribble(&x.h, cursor);
		assert_true(xioctl(x.h.fd, DMP_IOC_WAKE, NULL) >= 0);
		ret = raw_wait(x.h.fd, target, 0);
		assert_true(ret == 0 || ret == -ETIMEDOUT || ret == -EINVAL);
		ret = raw_arm(x.h.fd, target);
		assert_true(ret == 0 || ret == 1 || ret == -EINVAL);
	}
	m = member_info(x.ring, "c");
	assert_true(m.waiting & DMP_WAITING_ASLEEP); /* the ring's cursor has not moved */
	assert_int_equal(m.woken, 0);
	scribble(&x.h, UINT64_MAX);
	assert_true(xioctl(x.h.fd, DMP_IOC_WAKE, NULL) >= 0);
	publish_all(&x, 0);
	assert_int_equal(finish_sleeper(&s), 0);
	end_cast(&x);
}

/* A producer may be hostile as well: its consumers read rubbish, but inside the mapping, and the kernel stands. */
static void a_hostile_producer_leads_nobody_outside_the_ring(void **state)
{
	int ring = new_ring();
	struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p");
	struct dmp_batch batch;
	struct dmp_ring *lib;
	struct dmp_member *c;
	unsigned int i;

	(void)state;
	assert_int_equal(dmp_ring_from_fd(&lib, dup(ring)), 0);
	c = join(lib, DMP_ROLE_CONSUMER, "c");
	for (i = 0; i < JOINS; i++) {
		uint64_t target = hostile_cursor(i + 1), position = dmp_position(c);
		struct raw j;
		int ret;

		__atomic_store_n(&p.cursor->cursor, hostile_cursor(i), __ATOMIC_SEQ_CST);
		__atomic_store_n(&p.cursor->claimed, target, __ATOMIC_SEQ_CST);
		assert_true(xioctl(p.fd, DMP_IOC_WAKE, NULL) >= 0);
		ret = raw_wait(p.fd, target, 0);
		assert_true(ret == 0 || ret == -ETIMEDOUT || ret == -EINVAL);
		ring_info(ring);
		j = raw_join(ring, DMP_ROLE_CONSUMER, "j");
		raw_leave(&j);
		if (dmp_try_wait(c, 1, &batch))
			continue;
		assert_true(batch.pos == position && batch.end - batch.pos <= SLOTS);
		assert_int_equal(dmp_release(c, batch.end), 0);
	}
	dmp_leave(c);
	raw_leave(&p);
	dmp_ring_close(lib);
	close(ring);
}

/* It leaves with every word it can write set to rubbish: the repair of its slots stays inside the ring. */
static void a_hostile_producer_leaves_a_ring_that_can_be_used(void **state)
{
	struct dmp_create args = create_args(NULL);
	unsigned int i;
	int ring;

	(void)state;
	args.flags = DMP_RING_STAMPED;
	args.event_size = EVENT - 8;
	ring = ring_create(&args);
	for (i = 0; i < JOINS; i++) {
		struct raw p = raw_join(ring, DMP_ROLE_PRODUCER, "p"), c = raw_join(ring, DMP_ROLE_CONSUMER, "c");

		memset(p.data, i, p.meta->data_size);
		memset(p.self, i, 2 * DMP_PAGE);
		memset(p.cursor, i, DMP_PAGE);
		p.cursor->cursor = hostile_cursor(i);
		raw_leave(&p);
		p = raw_join(ring, DMP_ROLE_PRODUCER, "p2");
		assert_int_equal(p.start, raw_cursor(&p));
		p.cursor->cursor = 0;
		raw_leave(&p);
		raw_leave(&c);
	}
	close(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hostile_gate_frees_no_slot_that_another_holds),
		cmocka_unit_test(a_hostile_dependency_shows_nothing_unpublished),
		cmocka_unit_test(a_hostile_cursor_holds_the_ring_up_like_a_slow_one),
		cmocka_unit_test(those_who_join_at_latest_start_inside_the_ring),
		cmocka_unit_test(those_who_join_at_oldest_start_inside_the_ring),
		cmocka_unit_test(info_clamps_the_gate_to_the_cursor),
		cmocka_unit_test(hostile_waits_and_wakes_disturb_nobody),
		cmocka_unit_test(a_hostile_producer_leads_nobody_outside_the_ring),
		cmocka_unit_test(a_hostile_producer_leaves_a_ring_that_can_be_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
