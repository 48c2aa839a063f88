/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* counting.h: members that count everything, on rings of all kinds, and what they have counted */
#ifndef DMP_TESTS_COUNTING_H
#define DMP_TESTS_COUNTING_H

#include "native.h"

static uint32_t flags; /* of the rings that the tests make */

static inline struct dmp_member *counting(struct dmp_ring *ring, uint32_t role, const char *name)
{
	const struct dmp_join_options options = { .name = name, .counters = DMP_COUNTERS_FULL };
	struct dmp_member *m = NULL;

	assert_int_equal(dmp_join(ring, role, &options, &m), 0);
	return m;
}

static inline uint64_t counter_at(const struct dmp_member *reader, uint32_t index, uint32_t id)
{
	struct dmp_counter all[DMP_COUNTERS_CAPACITY];
	int i, n = dmp_counters_read(reader, index, all, DMP_COUNTERS_CAPACITY);

	for (i = 0; i < n; i++)
		if (all[i].id == id)
			return all[i].value;
	return UINT64_MAX;
}

static inline uint64_t counter_of(const struct dmp_member *m, uint32_t id)
{
	return counter_at(m, m->index, id);
}

/* ---- kinds of ring, as setups of groups ---- */

static int packed(void **state)
{
	(void)state;
	flags = 0;
	return 0;
}

static int stamped(void **state)
{
	(void)state;
	flags = DMP_RING_STAMPED;
	return 0;
}

static inline int several(void **state)
{
	(void)state;
	flags = DMP_RING_STAMPED | DMP_RING_MULTI;
	return 0;
}

#endif /* DMP_TESTS_COUNTING_H */
