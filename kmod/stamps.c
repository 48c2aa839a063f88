// SPDX-License-Identifier: GPL-2.0
/*
 * stamps.c: what the stamps of the slots say
 *
 * One producer stores a cursor. Several publish in no order, and each slot's stamp is all the news there is: the ring is
 * published up to the first slot that is not done. The kernel knows that position as far as it last had to look, and goes
 * on from there.
 */
#include <linux/sched.h>
#include "dmp.h"

#define STAMPS_PER_TURN 1024 /* then others get the CPU */

bool dmp_is_multi(const struct dmp_ring *ring)
{
	return ring->flags & DMP_RING_MULTI;
}

/* The stamp of a position's slot; strides are multiples of 8, so it never straddles two pages. */
u64 *dmp_stamp(const struct dmp_ring *ring, u64 position)
{
	u64 offset = dmp_slot_offset(position, ring->slots, ring->stride);

	return page_address(ring->data[offset >> PAGE_SHIFT]) + offset_in_page(offset);
}

/* Published or aborted, and possibly overwritten since. */
bool dmp_stamp_is_done(const struct dmp_ring *ring, u64 position)
{
	return dmp_stamp_done(smp_load_acquire(dmp_stamp(ring, position)), position);
}

/* Unless what it was raised from has turned out to be a lie meanwhile, and so what is claimed. */
static void raise_published(struct dmp_ring *ring, u64 from, u64 to)
{
	if (from == to)
		return;
	spin_lock(&ring->lock);
	if (ring->published >= from && ring->published < to && to <= READ_ONCE(ring->cursor->claimed))
		WRITE_ONCE(ring->published, to);
	spin_unlock(&ring->lock);
}

/* A look that began before puts nothing back: nothing above it is claimed any more. */
void dmp_published_reset(struct dmp_ring *ring, u64 to)
{
	spin_lock(&ring->lock);
	WRITE_ONCE(ring->published, to);
	spin_unlock(&ring->lock);
}

/*
 * A producer has left, and its word about what is claimed may have been a lie that the kernel looked at: once more from
 * where all is done for sure. Of honest ones nothing is lowered.
 */
void dmp_published_again(struct dmp_ring *ring)
{
	u64 claimed = READ_ONCE(ring->cursor->claimed), n = claimed > ring->slots ? claimed - ring->slots : 0;

	lockdep_assert_held(&ring->mutex);
	for (; n < claimed && dmp_stamp_is_done(ring, n); n++)
		if (n % STAMPS_PER_TURN == 0)
			cond_resched();
	if (n < READ_ONCE(ring->published))
		dmp_published_reset(ring, n);
}

/*
 * Everything below is published or aborted. Looks at most a ring's worth of stamps ahead. Nobody claims a position before
 * the slot is done a lap below, so all that is more than a lap below the claimed position is.
 */
u64 dmp_published(struct dmp_ring *ring)
{
	u64 from, n, claimed, end;

	if (!dmp_is_multi(ring))
		return READ_ONCE(ring->cursor->cursor);
	n = from = READ_ONCE(ring->published);
	claimed = READ_ONCE(ring->cursor->claimed);
	if (claimed > n && claimed - n > ring->slots)
		n = claimed - ring->slots;
	for (end = n + ring->slots; n != end && n < claimed && dmp_stamp_is_done(ring, n); n++)
		if (n % STAMPS_PER_TURN == 0)
			cond_resched();
	raise_published(ring, from, n);
	return n;
}

/* Nothing at or above it is published: of several producers what is claimed. */
u64 dmp_produced(const struct dmp_ring *ring)
{
	return READ_ONCE(*(dmp_is_multi(ring) ? &ring->cursor->claimed : &ring->cursor->cursor));
}

/* Where a sequence stands: number 0 of several producers as far as was last looked. */
u64 dmp_sequence_at(const struct dmp_ring *ring, u32 seq)
{
	if (seq == 0 && dmp_is_multi(ring))
		return READ_ONCE(ring->published);
	return READ_ONCE(*ring->seq[seq].cursor);
}
