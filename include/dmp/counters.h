/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * counters.h: what is counted, and the page it is counted in
 *
 * The one table of built-in counters; library, module, BPF programs, tools and documents expand it. Compiled by the kernel
 * as well: nothing in here but types and pure functions.
 *
 * A member's counters are its second page (DMP_PAGE bytes into its pages, see linux/dmp.h), which it alone writes and
 * everybody may read:
 *
 *   struct dmp_counters_head | 62 times struct dmp_counter_slot | a line to spare
 *
 * The page is of this member if the head's magic is DMP_COUNTERS_MAGIC and its incarnation that of the member's
 * entry: it is stored last, so that neither what the place's last member left nor half a page is taken for it. A slot is
 * in use once its flags say so; it stays so. Each value has one writer and is stored by one instruction: whoever loads it
 * by one sees a value that was there. All of it is the word of a process: bound what you read, clean labels before you
 * print them.
 *
 * S  the owner stores a slot, then by a release its flags; a reader loads the flags by an acquire, then the slot. Without:
 *    a counter is shown with the label or the value of none.
 * T  the owner takes the incarnation off the page, clears it, and stores its own by a release; a reader loads the
 *    entry's, the page's by an acquire, reads, and looks at the entry's again behind a load fence. Without: what the
 *    place's last member has counted is shown as the next one's. (tests/unit/test_counters.c)
 *
 * Positions are counters already, so some are not in their slots: DMP_COUNTER_DERIVED, dmp_counter_value() has them. They
 * cost whoever is counted nothing.
 */
#ifndef DMP_COUNTERS_H
#define DMP_COUNTERS_H

#include <linux/dmp.h>
#include <linux/types.h>

/* ---- the table ---- */

/* Flags of a slot. */
enum {
	DMP_COUNTER_IN_USE = 1 << 0, /* stored last, by a release */
	DMP_COUNTER_PRODUCER = 1 << 1,
	DMP_COUNTER_CONSUMER = 1 << 2,
	DMP_COUNTER_OBSERVER = 1 << 3,
	DMP_COUNTER_GAUGE = 1 << 4,	/* no sum of what happened: it may go down, or is a maximum */
	DMP_COUNTER_DERIVED = 1 << 5,	/* its value is not in the slot */
	DMP_COUNTER_LITE = 1 << 6,	/* of the table alone: it is free, or next to a system call */
	DMP_COUNTER_HISTOGRAM = 1 << 7, /* the first slot of a histogram: its value is the sum of what was recorded */
	DMP_COUNTER_BUCKETS = 1 << 8, /* a histogram's other slots, which are struct dmp_counter_buckets; not IN_USE */
};

#define DMP_COUNTER_EVERYONE_ (DMP_COUNTER_PRODUCER | DMP_COUNTER_CONSUMER | DMP_COUNTER_OBSERVER)

/*
 * X(NAME, id, name: an identifier, unit, flags: who has it and so on, help). In the order of their slots: a built-in
 * counter lies in the same slot of each page, in use or not. The first two have what the third is made of.
 */
#define DMP_COUNTERS(X)                                                                                              \
	X(PUBLISHED, 0x10, published, "events", DMP_COUNTER_PRODUCER | DMP_COUNTER_LITE | DMP_COUNTER_DERIVED,       \
	  "published since it joined")                                                                               \
	X(CONSUMED, 0x20, consumed, "events",                                                                        \
	  DMP_COUNTER_CONSUMER | DMP_COUNTER_OBSERVER | DMP_COUNTER_LITE | DMP_COUNTER_DERIVED,                      \
	  "released since it joined, skipped aborted ones among them; observer: copied out")                         \
	X(BYTES, 0x11, bytes, "bytes", DMP_COUNTER_EVERYONE_ | DMP_COUNTER_LITE | DMP_COUNTER_DERIVED,               \
	  "of payload, published or consumed")                                                                       \
	X(ABORTED, 0x44, aborted, "events", DMP_COUNTER_EVERYONE_ | DMP_COUNTER_LITE | DMP_COUNTER_DERIVED,          \
	  "claimed and aborted; consumer, observer: skipped because they were aborted")                              \
	X(LOST, 0x45, lost, "events", DMP_COUNTER_OBSERVER | DMP_COUNTER_LITE,                                       \
	  "overwritten before they could be copied out, or skipped to get out of the producer's way")                \
	X(SLEEPS, 0x13, sleeps, "calls", DMP_COUNTER_EVERYONE_ | DMP_COUNTER_LITE,                                   \
	  "times that it entered the kernel to sleep")                                                               \
	X(WAKES, 0x41, wakes, "calls", DMP_COUNTER_PRODUCER | DMP_COUNTER_CONSUMER | DMP_COUNTER_LITE,               \
	  "times that it called to wake who sleeps on its sequence")                                                 \
	X(FUTILE, 0x42, futile, "calls", DMP_COUNTER_EVERYONE_ | DMP_COUNTER_LITE,                                   \
	  "sleeps that it was woken from, and neither was there what it waited for, nor had the membership changed") \
	X(EMPTY, 0x43, empty, "calls", DMP_COUNTER_PRODUCER | DMP_COUNTER_CONSUMER | DMP_COUNTER_LITE,               \
	  "of the wakes, those that found nobody to be woken")                                                       \
	X(BATCHES, 0x40, batches, "batches", DMP_COUNTER_PRODUCER | DMP_COUNTER_CONSUMER,                            \
	  "publishes, of several producers claims; consumer: looks at the ring that found events")                   \
	X(FULL, 0x12, full, "claims", DMP_COUNTER_PRODUCER, "claims that found the ring full")                       \
	X(SPINS, 0x22, spins, "looks", DMP_COUNTER_EVERYONE_,                                                        \
	  "looks that did not find what was wanted, while it waited or tried")                                       \
	X(LAG_MAX, 0x25, lag_max, "events", DMP_COUNTER_CONSUMER | DMP_COUNTER_GAUGE,                                \
	  "the most events that it has found waiting for it at a look")

/* What the users of a program count begins here. */
#define DMP_COUNTER_APPLICATION 0x100

/* Histograms have ids of their own kind. */
#define DMP_HISTOGRAM_PUBLISH 0x50
#define DMP_HISTOGRAM_CONSUME 0x51

enum {
#define DMP_COUNTER_ID_(NAME, id, name, unit, flags, help) DMP_COUNTER_##NAME = (id),
	DMP_COUNTERS(DMP_COUNTER_ID_)
#undef DMP_COUNTER_ID_
};

/* Which slot. */
enum {
#define DMP_COUNTER_AT_(NAME, id, name, unit, flags, help) DMP_COUNTER_AT_##NAME,
	DMP_COUNTERS(DMP_COUNTER_AT_)
#undef DMP_COUNTER_AT_
		DMP_COUNTERS_BUILT_IN
};

/* ---- the page ---- */

#define DMP_COUNTERS_MAGIC    0x31434d44U /* "DMC1" */
#define DMP_COUNTERS_VERSION  1
#define DMP_COUNTERS_CAPACITY 62
#define DMP_COUNTER_LABEL     48 /* bytes of a label, with its NUL */

struct dmp_counters_head {
	__u32 magic;
	__u32 version;
	__u32 slot_count;    /* slots that may be in use: the first ones */
	__u32 slot_capacity; /* DMP_COUNTERS_CAPACITY */
	__u32 slot_stride;   /* bytes from slot to slot */
	__u32 slots_offset;  /* of the first */
	__u64 incarnation;   /* of the member's entry; stored last, by a release */
	__u32 reserved[8];
};

struct dmp_counter_slot {
	__u32 id;
	__u32 flags;
	__u64 value;
	char label[DMP_COUNTER_LABEL];
};

struct dmp_counters_page {
	struct dmp_counters_head head;
	struct dmp_counter_slot slot[DMP_COUNTERS_CAPACITY];
	char spare[64];
};

/*
 * A histogram is DMP_HISTOGRAM_SLOTS consecutive slots: the first, with its id and label, then its buckets. Bucket 0 has
 * what was 0 or 1, bucket n what was above 2^(n - 1) and up to 2^n, the last one also all beyond.
 */
#define DMP_BUCKETS_PER_SLOT  7
#define DMP_HISTOGRAM_BUCKETS 42
#define DMP_HISTOGRAM_SLOTS   (1 + DMP_HISTOGRAM_BUCKETS / DMP_BUCKETS_PER_SLOT)

struct dmp_counter_buckets {
	__u32 id;
	__u32 flags;
	__u64 bucket[DMP_BUCKETS_PER_SLOT];
};

#ifndef __cplusplus
_Static_assert(sizeof(struct dmp_counters_head) == 64, "a line");
_Static_assert(sizeof(struct dmp_counter_slot) == 64, "a line");
_Static_assert(sizeof(struct dmp_counter_buckets) == sizeof(struct dmp_counter_slot), "in the place of one");
_Static_assert(sizeof(struct dmp_counters_page) == DMP_PAGE, "a page");
_Static_assert(DMP_HISTOGRAM_BUCKETS % DMP_BUCKETS_PER_SLOT == 0, "whole slots");
_Static_assert(DMP_COUNTERS_BUILT_IN + 2 * DMP_HISTOGRAM_SLOTS <= DMP_COUNTERS_CAPACITY, "room for all there is");
#endif

/* ---- reading ---- */

/* What a derived counter is made of, each word loaded once. */
struct dmp_counted {
	__u32 role;	  /* of the member's entry */
	__u32 ring_flags; /* DMP_RING_* */
	__u32 event_size;
	__u32 pad;
	__u64 start;	/* of the member's entry */
	__u64 cursor;	/* producer: the ring's */
	__u64 released; /* consumer: its own cursor */
	__u64 aborted;	/* its own line's */
	__u64 counted;	/* the value in slot dmp_counted_at(): where no cursor tells */
};

static inline __u32 dmp_counted_at(__u32 role)
{
	return role == DMP_ROLE_PRODUCER ? DMP_COUNTER_AT_PUBLISHED : DMP_COUNTER_AT_CONSUMED;
}

/* Events: a producer's that has the cursor for itself, a consumer's, else counted one by one. */
static inline __u64 dmp_counted_events(const struct dmp_counted *c)
{
	__u64 to = c->role == DMP_ROLE_PRODUCER ? c->cursor : c->released;

	if (c->role == DMP_ROLE_OBSERVER || (c->role == DMP_ROLE_PRODUCER && (c->ring_flags & DMP_RING_MULTI)))
		return c->counted;
	return (__s64)(to - c->start) > 0 ? to - c->start : 0;
}

/* The value of a slot, of which id, flags and value have been loaded. */
static inline __u64 dmp_counter_value(__u32 id, __u32 flags, __u64 value, const struct dmp_counted *c)
{
	if (!(flags & DMP_COUNTER_DERIVED))
		return value;
	switch (id) {
	case DMP_COUNTER_PUBLISHED:
	case DMP_COUNTER_CONSUMED:
		return dmp_counted_events(c);
	case DMP_COUNTER_BYTES:
		return dmp_counted_events(c) * c->event_size;
	case DMP_COUNTER_ABORTED:
		return c->aborted;
	default:
		return value;
	}
}

/* The bucket that a value belongs to, and the greatest value that does; all ones: the last one has no bound. */
static inline __u32 dmp_bucket_of(__u64 value)
{
	__u32 bucket = value > 1 ? 64 - (__u32)__builtin_clzll(value - 1) : 0;

	return bucket < DMP_HISTOGRAM_BUCKETS ? bucket : DMP_HISTOGRAM_BUCKETS - 1;
}

static inline __u64 dmp_bucket_bound(__u32 bucket)
{
	return bucket < DMP_HISTOGRAM_BUCKETS - 1 ? 1ULL << bucket : ~0ULL;
}

/* A character of a label, as it may be shown anywhere: a label of another process may hold anything. */
static inline char dmp_label_char(char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\' ? c : '?';
}

#endif /* DMP_COUNTERS_H */
