// SPDX-License-Identifier: GPL-2.0
/*
 * repair.c: what a producer left half done on a stamped ring
 *
 * It stamps a batch's first slot last and then stores the cursor. If it left in between, events that are
 * stamped, and that a consumer may have read already, lie above the cursor: the cursor is moved over them. Stamps behind
 * a gap belong to a batch that nobody in order can have seen: they are set back to "writing" (clearing them would hide
 * from observers that the slot was overwritten). Only then may the next producer join, and it continues at the cursor.
 */
#include <linux/sched.h>
#include "dmp.h"

static bool is_published(const struct dmp_ring *ring, u64 n)
{
	return READ_ONCE(*dmp_ring_stamp(ring, n)) == dmp_stamp_published(n);
}

void dmp_repair(struct dmp_ring *ring)
{
	u64 cursor = READ_ONCE(ring->cursor->cursor), end = cursor + ring->slots, n = cursor;

	lockdep_assert_held(&ring->mutex);
	while (n < end && is_published(ring, n)) {
		n++;
		cond_resched();
	}
	if (n != cursor)
		smp_store_release(&ring->cursor->cursor, n); /* A, in the owner's stead */
	for (; n < end; n++) {
		if (is_published(ring, n))
			WRITE_ONCE(*dmp_ring_stamp(ring, n), dmp_stamp_writing(n));
		cond_resched();
	}
}
