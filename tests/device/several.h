/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* several.h: a ring with four producers and perhaps a consumer, and threads that sleep on it */
#ifndef DMP_TESTS_SEVERAL_H
#define DMP_TESTS_SEVERAL_H

#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include <dmp.h>

#include "helpers.h"

#define N     64 /* slots */
#define MULTI (DMP_RING_STAMPED | DMP_RING_MULTI)
#define MOST  4 /* producers */

/* ---- a ring, its producers, and who sleeps ---- */

static struct dmp_ring *ring;
static struct dmp_member *p[MOST], *c;

static inline struct dmp_member *join_to_block(uint32_t role, const char *name)
{
	struct dmp_join_options options = { .name = name, .wait = &dmp_wait_block };
	struct dmp_member *m;

	assert_int_equal(dmp_join(ring, role, &options, &m), 0);
	return m;
}

static inline int setup(void **state)
{
	char name[] = "p0";

	(void)state;
	ring = make_ring(N, 56, MULTI);
	for (int i = 0; i < MOST; i++, name[1]++)
		p[i] = join_to_block(DMP_ROLE_PRODUCER, name);
	return 0;
}

static inline int setup_consumer(void **state)
{
	setup(state);
	c = join_to_block(DMP_ROLE_CONSUMER, "c");
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < MOST; i++)
		dmp_leave(p[i]);
	dmp_leave(c);
	c = NULL;
	dmp_ring_close(ring);
	return 0;
}

static inline struct dmp_info info(void)
{
	return ring_info(dmp_ring_fd(ring));
}

static inline uint64_t claim(int i, uint64_t n)
{
	uint64_t pos;

	assert_int_equal(dmp_try_claim(p[i], n, &pos), 0);
	return pos;
}

static inline void fill(int i, uint64_t pos, uint64_t n)
{
	uint64_t *e, at = pos;

	dmp_for_each_slot(e, p[i], pos, n)
		*e = at++;
	dmp_publish(p[i], pos, n);
}

static inline void publish(int i, uint64_t n)
{
	fill(i, claim(i, n), n);
}

static inline void leave(struct dmp_member **m)
{
	dmp_leave(*m);
	*m = NULL;
}

/* A thread that waits for n events or slots, or for one to observe. */
struct sleep {
	struct dmp_member *m;
	const char *name;
	uint64_t n, deadline;
	int result;
	struct dmp_batch got; /* producer: pos; observer: pos and what was lost */
	pthread_t thread;
};

static inline void *wait_for_it(void *arg)
{
	struct sleep *s = arg;
	uint64_t event[7];

	if (s->m->role == DMP_ROLE_PRODUCER)
		s->result = dmp_claim_until(s->m, s->n, &s->got.pos, s->deadline);
	else if (s->m->role == DMP_ROLE_CONSUMER)
		s->result = dmp_wait_until(s->m, s->n, &s->got, s->deadline);
	else
		s->result = dmp_observe_until(s->m, event, &s->got.pos, &s->got.end, s->deadline);
	return NULL;
}

static inline struct sleep asleep_until(struct dmp_member *m, const char *name, uint64_t n, uint64_t deadline)
{
	return (struct sleep){ .m = m, .name = name, .n = n, .deadline = deadline };
}

static inline void fall_asleep(struct sleep *s)
{
	assert_int_equal(pthread_create(&s->thread, NULL, wait_for_it, s), 0);
	await_asleep(dmp_ring_fd(ring), s->name);
}

static inline void assert_asleep(const struct sleep *s)
{
	assert_true(member_info(dmp_ring_fd(ring), s->name).waiting & DMP_WAITING_ASLEEP);
}

static inline void awake(struct sleep *s, int result, uint64_t pos, uint64_t end)
{
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	assert_int_equal(s->result, result);
	if (result)
		return;
	assert_int_equal(s->got.pos, pos);
	assert_int_equal(s->got.end, end);
}

static inline void assert_counts(uint64_t wakes, uint64_t empty, uint64_t woken)
{
	struct dmp_info i = info();

	assert_int_equal(i.wakes, wakes);
	assert_int_equal(i.empty, empty);
	assert_int_equal(i.woken, woken);
	assert_int_equal(i.futile, 0);
	assert_int_equal(i.late, 0);
}

static inline short polled(int fd)
{
	struct pollfd f = { .fd = fd, .events = POLLIN };

	assert_true(poll(&f, 1, 0) >= 0);
	return f.revents & POLLIN;
}

#define BESIDE_A_CONSUMER(name) cmocka_unit_test_setup_teardown(name, setup_consumer, teardown)
#define WITHOUT_CONSUMERS(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif /* DMP_TESTS_SEVERAL_H */
