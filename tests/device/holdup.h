/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* holdup.h: claims that time out, and who was in their way */
#ifndef DMP_TESTS_HOLDUP_H
#define DMP_TESTS_HOLDUP_H

#include <errno.h>

#include <dmp.h>

#include "raw.h"

#define SOON 1000000 /* ns: a deadline that is to pass */

static inline struct dmp_holdup holdup_of(const struct dmp_member *m)
{
	struct dmp_holdup h;

	assert_int_equal(dmp_holdup(m, DMP_HOLDUP_ROOM, &h), 0);
	return h;
}

static inline void time_out(struct dmp_member *p, uint64_t n)
{
	uint64_t pos;

	assert_int_equal(dmp_claim_until(p, n, &pos, dmp_now() + SOON), -ETIMEDOUT);
}

#endif /* DMP_TESTS_HOLDUP_H */
