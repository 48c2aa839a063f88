/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* several.h: two producers p and q, and perhaps a consumer, in one thread */
#ifndef DMP_TESTS_SEVERAL_H
#define DMP_TESTS_SEVERAL_H

#include "fake.h"

#define SLOTS 64
#define MULTI (DMP_RING_STAMPED | DMP_RING_MULTI)

static struct dmp_member *p, *q, *c;

static int setup(void **state)
{
	(void)state;
	fake_create(SLOTS, 56, MULTI);
	p = fake_producer();
	q = fake_producer();
	return 0;
}

static int setup_consumer(void **state)
{
	setup(state);
	c = fake_consumer("c", NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dmp_test_hook = NULL;
	dmp_leave(c);
	dmp_leave(q);
	dmp_leave(p);
	p = q = c = NULL;
	fake_destroy();
	return 0;
}

static void claim(struct dmp_member *m, uint64_t n, uint64_t *pos)
{
	assert_int_equal(dmp_try_claim(m, n, pos), 0);
}

static inline void abort_next(struct dmp_member *m, uint64_t n)
{
	uint64_t pos;

	claim(m, n, &pos);
	assert_int_equal(dmp_abort(m, pos, n), 0);
}

#define ALONE(name)		cmocka_unit_test_setup_teardown(name, setup, teardown)
#define BESIDE_A_CONSUMER(name) cmocka_unit_test_setup_teardown(name, setup_consumer, teardown)

#endif /* DMP_TESTS_SEVERAL_H */
