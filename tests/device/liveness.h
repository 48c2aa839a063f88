/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * liveness.h: a full ring, a producer that wants room, and a required consumer that does not get on
 *
 * What happens in time happens in the alert hook, within the claim: so nothing depends on how fast the machine is. The
 * times are short, or too long to pass. tests/unit/test_liveness.c has the same with a clock of its own.
 */
#ifndef DMP_TESTS_LIVENESS_H
#define DMP_TESTS_LIVENESS_H

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <dmp.h>

#include "helpers.h"

#define SLOTS 64
#define SHORT 1000000ULL /* 1 ms */
#define NAMES 2

/*
 * A full ring: "a", which is required, has released up to read, "x", which is not, nothing. The producer "p" wants room.
 */
struct scene {
	struct dmp_ring *ring;
	struct dmp_member *p, *a, *x;
	int fd;
	struct dmp_liveness liveness;
	uint32_t alerts;
	struct dmp_stall last;
	void (*then)(struct scene *s); /* what the alert does */
};

static const char *const names[NAMES] = { "a", "b" };

static inline void on_alert(void *arg, const struct dmp_stall *stall)
{
	struct scene *s = arg;

	s->alerts++;
	s->last = *stall;
	if (s->then)
		s->then(s);
}

static inline struct dmp_member *join_oldest(struct dmp_ring *ring, const char *name)
{
	struct dmp_join_options options = { .name = name, .from = DMP_FROM_OLDEST };
	struct dmp_member *m = NULL;

	assert_int_equal(dmp_join(ring, DMP_ROLE_CONSUMER, &options, &m), 0);
	return m;
}

static inline struct dmp_member *join_producer(struct scene *s, const struct dmp_wait_strategy *wait)
{
	struct dmp_join_options options = { .name = "p", .wait = wait, .liveness = &s->liveness };
	struct dmp_member *p = NULL;

	assert_int_equal(dmp_join(s->ring, DMP_ROLE_PRODUCER, &options, &p), 0);
	return p;
}

static inline void release(struct dmp_member *c, uint64_t end)
{
	struct dmp_batch batch;

	assert_int_equal(dmp_try_wait(c, 1, &batch), 0);
	assert_int_equal(dmp_release(c, end), 0);
}

/* Whatever is there. */
static inline void drain(struct dmp_member *c)
{
	struct dmp_batch batch;

	while (!dmp_try_wait(c, 1, &batch))
		assert_int_equal(dmp_release(c, batch.end), 0);
}

static inline void fill(struct scene *s)
{
	uint64_t pos;

	assert_int_equal(dmp_claim(s->p, SLOTS, &pos), 0);
	dmp_publish(s->p, pos, SLOTS);
}

static inline struct scene *make_scene(const struct dmp_wait_strategy *wait, uint32_t action, uint64_t grace,
				       void (*then)(struct scene *s))
{
	static struct scene scene;
	struct scene *s = &scene;

	scene = (struct scene){ .ring = make_ring(SLOTS, 64, 0), .then = then };
	s->fd = dmp_ring_fd(s->ring);
	s->liveness = (struct dmp_liveness){
		.startup_wait = LONG_NS,
		.progress_timeout = SHORT,
		.check_interval = SHORT,
		.grace = grace,
		.action = action,
		.alert = on_alert,
		.arg = s,
	};
	assert_int_equal(dmp_ring_require(s->ring, getuid(), names, 1), 0);
	s->a = join(s->ring, DMP_ROLE_CONSUMER, "a");
	s->x = join(s->ring, DMP_ROLE_CONSUMER, "x");
	s->p = join_producer(s, wait);
	fill(s);
	return s;
}

static inline void end_scene(struct scene *s)
{
	dmp_leave(s->a);
	dmp_leave(s->x);
	dmp_leave(s->p);
	dmp_ring_close(s->ring);
}

static inline int claim(struct scene *s, uint64_t n)
{
	uint64_t pos;

	return dmp_claim(s->p, n, &pos);
}

/* Blocked for so many short claims: at least one check each. */
static inline void be_blocked(struct scene *s, uint32_t claims)
{
	uint64_t pos;

	for (; claims; claims--)
		assert_int_equal(dmp_claim_until(s->p, 1, &pos, now_ns() + 2 * SHORT), -ETIMEDOUT);
}

static inline void be_blocked_until_alert(struct scene *s)
{
	while (!s->alerts)
		be_blocked(s, 1);
}

#endif /* DMP_TESTS_LIVENESS_H */
