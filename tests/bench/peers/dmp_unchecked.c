/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* dmp without B, the look for sleepers: what the look costs is the difference to dmp.c. No use: nobody could sleep. */
#include "../peer.h"

#include <dmp.h>

#define UNCHECKED
#define PUBLISH publish_unchecked
#define RELEASE release_unchecked

static const struct peer peers[] = {
	{ .name = "dmp_stamped_unchecked",
	  .tests = SIZE == 56 ? STREAM : 0,
	  .slots = { 1024, 65536 },
	  .publish = { 1, 8, 32 },
	  .variant = DMP_RING_STAMPED },
	{ .name = "dmp_packed_unchecked",
	  .tests = SIZE == 64 ? STREAM : 0,
	  .slots = { 1024, 65536 },
	  .publish = { 1, 8, 32 } },
};

/* dmp_publish but for its last line. */
BENCH_INLINE void publish_unchecked(struct dmp_member *m, uint64_t pos, uint64_t n)
{
	if (m->stamped)
		dmp_stamp_published_(m, pos, n);
	m->published = pos + n;
	dmp_store_release(m->ring->cursor, pos + n);
}

/* dmp_release but for the same. */
BENCH_INLINE int release_unchecked(struct dmp_member *m, uint64_t end)
{
	if (end - m->pos > m->seen - m->pos)
		return -EINVAL;
	dmp_load_fence();
	if (!dmp_likely_(dmp_load_once(m->entry->incarnation) == m->incarnation))
		return -ESTALE;
	m->pos = end;
	dmp_store_release(m->own->cursor, end);
	return 0;
}

#include "dmp.c"
