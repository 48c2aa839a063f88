/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * counting.h: what a member counts, for others to see: lib/counters.c
 *
 * Contracts as in dmp.h; dmp/ring.h includes this file. A member's counters lie in a page that it alone writes and every
 * member of the ring reads, without a system call on either side: dmp/counters.h says how, and what the built-in ones
 * are. Which of them are shown is chosen at join (dmp_join_options.counters).
 */
#ifndef DMP_COUNTING_H
#define DMP_COUNTING_H

#include <dmp.h>

#include <dmp/counters.h>
#include <dmp/order.h>

#ifndef DMP_INLINE
#define DMP_INLINE static inline
#endif

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

enum {
	DMP_COUNTERS_LITE, /* what is free, and what happens next to a system call: the default */
	DMP_COUNTERS_FULL, /* all of them */
	DMP_COUNTERS_NONE, /* none: all slots are the application's */
};

/* ---- counting: by the member's own thread ---- */

/*
 * A counter of the application's own, at 0. flags: 0 or DMP_COUNTER_GAUGE. It is the member's and goes with it. Wait-free.
 *   -EINVAL id below DMP_COUNTER_APPLICATION, other flags, or a label that is not 1 to 47 characters of printable ASCII
 *   without " and \   -EEXIST the member has one of that id, or of that label   -ENOSPC all slots are taken: 62, with
 *   DMP_COUNTERS_LITE and _FULL less those of the table
 */
int dmp_counter_register(struct dmp_member *member, uint32_t id, uint32_t flags, const char *label,
			 struct dmp_counter_slot **counter);

DMP_INLINE void dmp_counter_add(struct dmp_counter_slot *counter, uint64_t n)
{
	dmp_grow(counter->value, n);
}

DMP_INLINE void dmp_counter_inc(struct dmp_counter_slot *counter)
{
	dmp_grow(counter->value, 1);
}

/* The greatest so far: for gauges. */
DMP_INLINE void dmp_counter_record_max(struct dmp_counter_slot *counter, uint64_t value)
{
	if (value > dmp_load_once(counter->value))
		dmp_store_once(counter->value, value);
}

DMP_INLINE uint64_t dmp_counter_get(const struct dmp_counter_slot *counter)
{
	return dmp_load_once(counter->value);
}

/*
 * A histogram with a bucket for each power of two, of DMP_HISTOGRAM_SLOTS slots. The caller feeds it: the library reads no
 * clock for it. id: DMP_HISTOGRAM_PUBLISH or _CONSUME, for the ns that these take by whatever measure (label NULL:
 * publish_latency_ns, consume_latency_ns), or an application's. Errors as above; flags there are none.
 */
int dmp_histogram_register(struct dmp_member *member, uint32_t id, const char *label,
			   struct dmp_counter_slot **histogram);

DMP_INLINE void dmp_histogram_record(struct dmp_counter_slot *histogram, uint64_t value)
{
	uint32_t n = dmp_bucket_of(value);
	struct dmp_counter_buckets *b =
		(struct dmp_counter_buckets *)(void *)(histogram + 1) + n / DMP_BUCKETS_PER_SLOT;

	dmp_grow(b->bucket[n % DMP_BUCKETS_PER_SLOT], 1);
	dmp_grow(histogram->value, value);
}

/* ---- reading: any member of the ring, of any other and itself ---- */

struct dmp_counter {
	uint32_t id;
	uint32_t flags; /* DMP_COUNTER_* */
	uint64_t value;
	char label
		[DMP_COUNTER_LABEL]; /* fit to be printed, whatever its owner has put there; not escaped for any format */
};

struct dmp_histogram {
	uint32_t id;
	uint32_t flags;
	char label[DMP_COUNTER_LABEL];
	uint64_t sum;				/* of the values recorded */
	uint64_t bucket[DMP_HISTOGRAM_BUCKETS]; /* how many: see dmp_bucket_bound */
};

/*
 * The counters of the member at index (as in dmp_member_info), up to count of them. Returns how many there are. Each value
 * was there while this ran; all are of one member's life. Lock-free, no system call. The member is not asked, so what
 * it says may be anything.
 *   -ENOENT nobody is there   -EINVAL no such index
 */
int dmp_counters_read(const struct dmp_member *reader, uint32_t index, struct dmp_counter *counters, uint32_t count);

/* Likewise its histograms. Each word was there; that a value is in its bucket may be seen before it is in the sum. */
int dmp_histograms_read(const struct dmp_member *reader, uint32_t index, struct dmp_histogram *histograms,
			uint32_t count);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif /* DMP_COUNTING_H */
