/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* positions.h: rings with several producers, whose events are their positions */
#ifndef DMP_TESTS_POSITIONS_H
#define DMP_TESTS_POSITIONS_H

#include <errno.h>

#include <dmp.h>

#include "helpers.h"

#define N     64 /* slots */
#define MULTI (DMP_RING_STAMPED | DMP_RING_MULTI)

static inline struct dmp_ring *ring_of_n(void)
{
	return make_ring(N, 56, MULTI);
}

static inline struct dmp_member *producer(struct dmp_ring *ring)
{
	return join(ring, DMP_ROLE_PRODUCER, "p");
}

static inline uint64_t claim(struct dmp_member *p, uint64_t n)
{
	uint64_t pos;

	assert_int_equal(dmp_try_claim(p, n, &pos), 0);
	return pos;
}

/* Each event is its position. */
static inline void publish_claim(struct dmp_member *p, uint64_t pos, uint64_t n)
{
	uint64_t *e, i = 0;

	dmp_for_each_slot(e, p, pos, n)
		*e = pos + i++;
	dmp_publish(p, pos, n);
}

static inline uint64_t publish(struct dmp_member *p, uint64_t n)
{
	uint64_t pos = claim(p, n);

	publish_claim(p, pos, n);
	return pos;
}

/* The next batch is lo .. hi - 1. */
static inline void expect(struct dmp_member *c, uint64_t lo, uint64_t hi)
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

static inline void expect_nothing(struct dmp_member *c)
{
	struct dmp_batch batch;

	assert_int_equal(dmp_try_wait(c, 1, &batch), -EAGAIN);
}

#endif /* DMP_TESTS_POSITIONS_H */
