/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* counters.h: members on the fake, and what their counters say */
#ifndef DMP_TESTS_UNIT_COUNTERS_H
#define DMP_TESTS_UNIT_COUNTERS_H

#include "fake.h"

#define NOT_THERE 0xdeadULL

static inline struct dmp_counters_page *fake_page(uint32_t index)
{
	return (void *)(fake.members + index * FAKE_MEMBER_SIZE + DMP_PAGE);
}

static inline struct dmp_member *counting(uint32_t role, uint32_t counters, const struct dmp_wait_strategy *wait)
{
	const struct dmp_join_options options = { .name = role == DMP_ROLE_CONSUMER ? "c" : NULL,
						  .wait = wait,
						  .counters = counters };

	return fake_member(role, &options);
}

/* As another member reads it; NOT_THERE: it is not shown. */
static inline uint64_t counter_of(const struct dmp_member *m, uint32_t id)
{
	struct dmp_counter all[DMP_COUNTERS_CAPACITY];
	int i, n = dmp_counters_read(m, m->index, all, DMP_COUNTERS_CAPACITY);

	assert_in_range(n, 0, DMP_COUNTERS_CAPACITY);
	for (i = 0; i < n; i++)
		if (all[i].id == id)
			return all[i].value;
	return NOT_THERE;
}

#endif /* DMP_TESTS_UNIT_COUNTERS_H */
