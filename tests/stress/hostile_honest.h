/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* hostile_honest.h: the honest ones of hostile.c, and what each of them checks */
#ifndef DMP_HOSTILE_HONEST_H
#define DMP_HOSTILE_HONEST_H

#include <dmp/order.h>

#include "stress.h"

/* Shared by all. */
struct board {
	uint64_t joined; /* members that are there */
	uint64_t stop;
	uint64_t read; /* events, by honest members */
	uint64_t calls, succeeded;
};

struct part {
	struct dmp_ring *ring;
	uint64_t members; /* that are there before the hostile one begins */
	uint64_t operations, seed;
	uint32_t role; /* the hostile one's */
	const char *name;
	struct board *board;
};

static inline void count(uint64_t *word, uint64_t n)
{
	__atomic_add_fetch(word, n, __ATOMIC_ACQ_REL);
}

static inline bool goes_on(const struct part *p)
{
	return !dmp_load_acquire(p->board->stop);
}

/* ---- honest ones, beside a hostile consumer ---- */

static inline int produce(void *arg)
{
	struct part *p = arg;
	struct dmp_member *m = stress_join(p->ring, DMP_ROLE_PRODUCER, NULL, &dmp_wait_sleep);
	uint64_t pos;

	count(&p->board->joined, 1);
	while (goes_on(p)) {
		uint64_t n = 1 + stress_below(&p->seed, 8);
		int ret = dmp_claim_until(m, n, &pos,
					  now_ns() + LONG_NS / 1000); /* a held-up ring must not hold us too */

		if (ret == -ETIMEDOUT)
			continue;
		assert_int_equal(ret, 0);
		for (uint64_t i = 0; i < n; i++)
			stress_fill(dmp_slot(m, pos + i), dmp_event_size(m), pos + i);
		dmp_publish(m, pos, n);
	}
	dmp_leave(m);
	return 0;
}

static inline void check_batch(const struct dmp_member *m, const struct dmp_batch *batch)
{
	for (uint64_t pos = batch->pos; pos < batch->end; pos++)
		if (!stress_intact(dmp_event(m, pos), dmp_event_size(m), pos))
			fail_msg("position %" PRIu64 " is not what was published there", pos);
}

/* No gap, nothing unpublished, nothing overwritten before its release; until want events or the end of the stream. */
static inline uint64_t consume_some(struct part *p, struct dmp_member *m, uint64_t want)
{
	uint64_t start = dmp_position(m), next = start;
	struct dmp_batch batch;
	int ret = 0;

	while (next - start < want) {
		ret = dmp_wait_until(m, 1, &batch, now_ns() + LONG_NS / 1000);
		if (ret == -ETIMEDOUT)
			continue;
		if (ret)
			break;
		assert_int_equal(batch.pos, next);
		assert_in_range(batch.end, next + 1, next + SLOTS);
		check_batch(m, &batch);
		stress_delay(&p->seed, 8);
		check_batch(m, &batch);
		assert_int_equal(dmp_release(m, batch.end), 0);
		count(&p->board->read, batch.end - next);
		next = batch.end;
	}
	assert_true(ret == 0 || ret == -EPIPE);
	return next;
}

static inline int consume_all(void *arg)
{
	struct part *p = arg;
	bool depends = strcmp(p->name, "honest");
	struct dmp_member *m = depends ? stress_after(p->ring, p->name, "evil", NULL, &dmp_wait_sleep)
				       : stress_join(p->ring, DMP_ROLE_CONSUMER, p->name, &dmp_wait_sleep);
	uint64_t end;

	count(&p->board->joined, 1);
	end = consume_some(p, m, UINT64_MAX);
	assert_int_equal(end, stress_info(p->ring).cursor);
	dmp_leave(m);
	return 0;
}

/* Joins at the latest position, again and again. */
static inline int come_and_go(void *arg)
{
	struct part *p = arg;

	while (goes_on(p)) {
		struct dmp_member *m = stress_join(p->ring, DMP_ROLE_CONSUMER, p->name, &dmp_wait_sleep);

		consume_some(p, m, goes_on(p) ? stress_below(&p->seed, 100) : 0);
		dmp_leave(m);
	}
	return 0;
}

/* ---- beside a hostile producer: whatever is shown is within the ring, and is read to its last byte ---- */

static inline uint64_t touch(const struct dmp_member *m, const struct dmp_batch *batch)
{
	uint64_t sum = 0;

	for (uint64_t pos = batch->pos; pos != batch->end; pos++) {
		const uint64_t *event = dmp_event(m, pos);

		for (uint32_t i = 0; i < dmp_event_size(m) / 8; i++)
			sum += dmp_load_once(event[i]);
	}
	return sum;
}

static inline bool is_no_event(int ret)
{
	return ret == -ETIMEDOUT || ret == -EPIPE;
}

static inline int suffer(void *arg)
{
	struct part *p = arg;
	bool depends = strcmp(p->name, "honest");
	struct dmp_member *m = depends ? stress_after(p->ring, p->name, "honest", NULL, &dmp_wait_sleep)
				       : stress_join(p->ring, DMP_ROLE_CONSUMER, p->name, &dmp_wait_sleep);
	uint64_t start = dmp_position(m), read = 0, sum = 0;
	struct dmp_batch batch;

	count(&p->board->joined, 1);
	while (goes_on(p)) {
		int ret = dmp_wait_until(m, 1, &batch, now_ns() + LONG_NS / 10000);

		if (is_no_event(ret))
			continue;
		assert_int_equal(ret, 0);
		assert_int_equal(batch.pos, start + read + dmp_aborted(m));
		assert_in_range(batch.end - batch.pos, 1, SLOTS);
		sum += touch(m, &batch);
		assert_int_equal(dmp_release(m, batch.end), 0);
		count(&p->board->read, batch.end - batch.pos);
		read += batch.end - batch.pos;
	}
	dmp_leave(m);
	return sum == 1; /* the sum is wanted, so that the reads are made */
}

static inline int look_on(void *arg)
{
	struct part *p = arg;
	struct dmp_member *m = stress_join(p->ring, DMP_ROLE_OBSERVER, p->name, &dmp_wait_sleep);
	uint64_t event[EVENT / 8], next = dmp_position(m), pos, lost; /* next: but for the aborted ones */

	count(&p->board->joined, 1);
	while (goes_on(p)) {
		int ret = dmp_observe_until(m, event, &pos, &lost, now_ns() + LONG_NS / 10000);

		if (is_no_event(ret))
			continue;
		assert_int_equal(ret, 0);
		assert_int_equal(pos, next + lost + dmp_aborted(m));
		next += lost + 1;
	}
	dmp_leave(m);
	return 0;
}

/* One that claims and publishes beside the hostile one, wherever that leads it. */
static inline int produce_anywhere(void *arg)
{
	struct part *p = arg;
	struct dmp_member *m = stress_join(p->ring, DMP_ROLE_PRODUCER, NULL, &dmp_wait_sleep);
	uint64_t pos, *event;

	count(&p->board->joined, 1);
	while (goes_on(p)) {
		uint64_t n = 1 + stress_below(&p->seed, 8);
		int ret = dmp_claim_until(m, n, &pos, now_ns() + LONG_NS / 10000);

		if (ret == -ETIMEDOUT || ret == -EINVAL) /* what is claimed may have gone back meanwhile */
			continue;
		assert_int_equal(ret, 0);
		dmp_for_each_slot(event, m, pos, n)
			*event = pos;
		if (stress_below(&p->seed, 4))
			dmp_publish(m, pos, n);
		else
			assert_int_equal(dmp_abort(m, pos, n), 0);
	}
	dmp_leave(m);
	return 0;
}

#endif /* DMP_HOSTILE_HONEST_H */
