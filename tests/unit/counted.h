/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* counted.h: a producer, or two, a consumer and an observer that count, and what they are to have counted */
#ifndef DMP_TESTS_UNIT_COUNTED_H
#define DMP_TESTS_UNIT_COUNTED_H

#include "counters.h"

#define SLOTS 512
#define SIZE  56
#define LOOKS 64 /* a spinning wait whose deadline has passed looks so often */

static struct dmp_member *p, *q, *c, *o;

static inline int start(uint32_t flags, uint32_t counters, const struct dmp_wait_strategy *wait)
{
	fake_create(SLOTS, SIZE, flags);
	p = counting(DMP_ROLE_PRODUCER, counters, wait);
	q = flags & DMP_RING_MULTI ? counting(DMP_ROLE_PRODUCER, counters, wait) : NULL;
	c = counting(DMP_ROLE_CONSUMER, counters, wait);
	o = counting(DMP_ROLE_OBSERVER, counters, wait);
	return 0;
}

static inline int setup_packed(void **state)
{
	(void)state;
	return start(0, DMP_COUNTERS_FULL, &dmp_wait_spin);
}

static inline int setup_stamped(void **state)
{
	(void)state;
	return start(DMP_RING_STAMPED, DMP_COUNTERS_FULL, &dmp_wait_spin);
}

static inline int setup_several(void **state)
{
	(void)state;
	return start(DMP_RING_STAMPED | DMP_RING_MULTI, DMP_COUNTERS_FULL, &dmp_wait_spin);
}

static inline int teardown(void **state)
{
	(void)state;
	dmp_leave(o);
	dmp_leave(c);
	dmp_leave(q);
	dmp_leave(p);
	fake_destroy();
	return 0;
}

static inline void expect_counted(const struct dmp_member *m, uint32_t id, uint64_t value)
{
	uint64_t counted = counter_of(m, id);

	if (counted != value)
		print_error("counter %#x: %llu, not %llu\n", id, (unsigned long long)counted,
			    (unsigned long long)value);
	assert_true(counted == value);
}

static inline void release_all(struct dmp_member *m)
{
	struct dmp_batch b;

	while (!dmp_try_wait(m, 1, &b))
		assert_int_equal(dmp_release(m, b.end), 0);
}

static inline void expect_full(uint64_t full, uint64_t spins)
{
	expect_counted(p, DMP_COUNTER_FULL, full);
	expect_counted(p, DMP_COUNTER_SPINS, spins);
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif /* DMP_TESTS_UNIT_COUNTED_H */
