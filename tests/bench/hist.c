/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* hist.c: see hist.h. */
#include "hist.h"

#define SUB	 (1u << HIST_BITS) /* buckets per power of two */
#define OVERFLOW (HIST_BUCKETS - 1)

/* The first SUB buckets hold one value each; each SUB that follow are twice as wide as the SUB before. */
static uint32_t bucket_of(uint64_t value)
{
	uint32_t shift;

	if (value < SUB)
		return (uint32_t)value;
	if (value >= HIST_LIMIT)
		return OVERFLOW;
	shift = 63 - HIST_BITS - (uint32_t)__builtin_clzll(value);
	return (shift << HIST_BITS) + (uint32_t)(value >> shift);
}

/* The greatest value that falls into it. */
static uint64_t bucket_top(uint32_t bucket)
{
	uint32_t shift;

	if (bucket < SUB)
		return bucket;
	shift = (bucket >> HIST_BITS) - 1;
	return ((uint64_t)(bucket - (shift << HIST_BITS) + 1) << shift) - 1;
}

void hist_record(struct hist *h, uint64_t value)
{
	h->count++;
	h->buckets[bucket_of(value)]++;
	if (value > h->max)
		h->max = value;
}

void hist_merge(struct hist *h, const struct hist *other)
{
	h->count += other->count;
	if (other->max > h->max)
		h->max = other->max;
	for (uint32_t i = 0; i < HIST_BUCKETS; i++)
		h->buckets[i] += other->buckets[i];
}

/* How many values are not to exceed the percentile: the share of all, rounded up. */
static uint64_t rank_of(const struct hist *h, double share)
{
	double exact = share * (double)h->count;
	uint64_t rank = (uint64_t)exact;

	if ((double)rank < exact)
		rank++;
	if (rank > h->count)
		rank = h->count;
	return rank ? rank : 1;
}

uint64_t hist_percentile(const struct hist *h, double share)
{
	uint64_t rank = rank_of(h, share), below = 0, top;
	uint32_t i;

	for (i = 0; i < OVERFLOW; i++) {
		below += h->buckets[i];
		if (below >= rank)
			break;
	}
	top = bucket_top(i);
	return i == OVERFLOW || top > h->max ? h->max : top;
}
