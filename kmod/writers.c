// SPDX-License-Identifier: GPL-2.0
/*
 * writers.c: whose records tell what of a ring with several producers is claimed
 *
 * A producer wants to know up to where all is published. It loads the claimed position first and then the records of the
 * writers named here: what no record covers below that position is done. Of some claims no record tells; while there are
 * any, "unrecorded" says so, and the stamps have to be looked at. It is stored before the writer is taken from the mask
 * and loaded after the records, so that who misses a record sees it:
 *
 *   of the dead      until all that they had claimed is decided, see repair.c
 *   without a bit    of producers beyond the 64th
 */
#include "dmp.h"

/* Producers are seated from the top. 0: no bit. */
static u64 bit_of(const struct dmp_member *m)
{
	u32 i = m->ring->members - 1 - m->index;

	return i < 64 ? BIT_ULL(i) : 0;
}

void dmp_writers_add(struct dmp_member *m)
{
	struct dmp_ring *ring = m->ring;

	lockdep_assert_held(&ring->lock);
	if (!dmp_is_multi(ring))
		return;
	WRITE_ONCE(ring->meta->writers, ring->meta->writers | bit_of(m));
	if (bit_of(m))
		return;
	ring->unlisted++;
	WRITE_ONCE(ring->meta->unrecorded, 1);
}

/* Before its claims are repaired. */
void dmp_writers_remove(struct dmp_member *m)
{
	struct dmp_ring *ring = m->ring;

	lockdep_assert_held(&ring->lock);
	if (!dmp_is_multi(ring))
		return;
	WRITE_ONCE(ring->meta->unrecorded, 1);
	smp_wmb(); /* N, pairs with the loads of the mask and then of "unrecorded" */
	WRITE_ONCE(ring->meta->writers, ring->meta->writers & ~bit_of(m));
	ring->unlisted -= !bit_of(m);
}

/* So much that the dead have claimed is undecided. The stamps of what is decided are stored. */
void dmp_writers_settle(struct dmp_ring *ring, u64 undecided)
{
	lockdep_assert_held(&ring->mutex);
	smp_store_release(&ring->meta->unrecorded,
			  undecided || ring->unlisted); /* N, pairs with its load in recorded() */
}
