/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/*
 * seq.h: the arithmetic of positions and stamps
 *
 * Pure functions, compiled by the kernel, the library and the unit tests alike. Positions are free-running 64-bit
 * counts that start at 0 and never wrap in practice: at 10^9 events a second their stamps last for 146 years.
 *
 * A stamp says what a slot holds: for position n it is 4n + 1 while n is written, 4n + 2 once published, 4n + 3 if
 * aborted. Later stamps are greater than earlier ones, so "done" is an at-least, never an equal: an exact compare
 * would put a reader that was lapped to sleep for ever.
 */
#ifndef DMP_SEQ_H
#define DMP_SEQ_H

#include <linux/types.h>

#define DMP_NOBODY (~(__u64)0) /* in a notify word: no sleeper */

static inline __u64 dmp_stamp_writing(__u64 n)
{
	return 4 * n + 1;
}

static inline __u64 dmp_stamp_published(__u64 n)
{
	return 4 * n + 2;
}

static inline __u64 dmp_stamp_aborted(__u64 n)
{
	return 4 * n + 3;
}

/* Event n may be read, or has been overwritten by a later one. */
static inline int dmp_stamp_done(__u64 stamp, __u64 n)
{
	return stamp >= dmp_stamp_published(n);
}

/* The event that was there has been, or is being, overwritten. */
static inline int dmp_stamp_lapped(__u64 stamp, __u64 n)
{
	return stamp > dmp_stamp_aborted(n);
}

/* Byte offset of position n in the slots. */
static inline __u64 dmp_slot_offset(__u64 n, __u64 slots, __u32 stride)
{
	return (n & (slots - 1)) * stride;
}

/* Bytes from slot to slot. */
static inline __u32 dmp_stride(__u32 event_size, int stamped)
{
	return (event_size + (stamped ? 8 : 0) + 7) & ~(__u32)7;
}

/*
 * How far a reader at pos may read when its barrier stands at barrier. Any word of another process is hostile: one that
 * went backwards shows nothing, one that runs ahead shows at most a ring's worth.
 */
static inline __u64 dmp_available(__u64 barrier, __u64 pos, __u64 slots)
{
	if ((__s64)(barrier - pos) <= 0)
		return pos;
	return barrier - pos > slots ? pos + slots : barrier;
}

/* Whether a sequence at cursor has reached target. */
static inline int dmp_reached(__u64 cursor, __u64 target)
{
	return cursor >= target;
}

/* Line of a member's first page that holds its struct dmp_own: staggered, see the ABI header. */
static inline __u32 dmp_own_offset(__u32 index)
{
	return (index % 64) * 64;
}

#endif /* DMP_SEQ_H */
