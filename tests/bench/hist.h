/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * hist.h: a log-linear histogram
 *
 * Each power of two is cut into 128 buckets of equal width, so that a value is known to better than 1 % whatever its
 * size; below 128 exactly. Fixed memory, nothing is allocated; recording is a shift and an increment. Values from
 * HIST_LIMIT on share one bucket: they are counted, and max is exact for them, too.
 */
#ifndef HIST_H
#define HIST_H

#include <stdint.h>

#define HIST_BITS    7
#define HIST_LIMIT   (1ULL << 40) /* 18 minutes, in nanoseconds */
#define HIST_BUCKETS ((40 - HIST_BITS + 1) * (1 << HIST_BITS) + 1)

/* All zero: empty. */
struct hist {
	uint64_t count;
	uint64_t max;
	uint64_t buckets[HIST_BUCKETS];
};

void hist_record(struct hist *h, uint64_t value);

/* All of other's values are added to h's. */
void hist_merge(struct hist *h, const struct hist *other);

/*
 * The value that the given share (0 to 1) of the values do not exceed: never below the exact one, and above it by less
 * than one part in 128. 0 of an empty histogram. Beyond HIST_LIMIT: max.
 */
uint64_t hist_percentile(const struct hist *h, double share);

#endif /* HIST_H */
