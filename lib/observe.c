// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * observe.c: copy events out without gating their producer
 *
 * The copy races with the producer by design; what makes it sound is the second look, K. Letters: dmp/ring.h
 */
#include <errno.h>

#include "internal.h"

/* What became of one attempt. */
enum { COPIED = 0, NOTHING = -EAGAIN, LAPPED = 1, ABORTED = 2 };

/* An observer's want is an event, and where to put it. */
struct observation {
	struct dmp_want_ want; /* first: look_for_event() gets to the rest from it */
	void *event;
};

/* Of several producers: what is claimed. The stamps tell what of that is published; beyond it nothing is. */
static uint64_t published(const struct dmp_member *m)
{
	return dmp_load_acquire(*m->told); /* H, pairs with A */
}

static bool at_cursor(const struct dmp_member *m)
{
	return dmp_available(published(m), m->pos, m->mask + 1) == m->pos;
}

/* Between two barriers: the copy is taken where it stands, not split, moved or repeated. */
static void copy_out(const struct dmp_member *m, void *event)
{
	dmp_compiler_barrier();
	__builtin_memcpy(event, dmp_event(m, m->pos), m->meta->event_size);
	dmp_load_fence(); /* K, pairs with J */
}

/* The stamp as a seqlock. */
static int copy_stamped(const struct dmp_member *m, void *event)
{
	const __u64 *at = dmp_stamp_(dmp_slot_(m, m->pos));
	uint64_t stamp = dmp_load_acquire(*at); /* H, pairs with I */

	if (!dmp_stamp_done(stamp, m->pos))
		return NOTHING;
	if (stamp == dmp_stamp_aborted(m->pos))
		return at_cursor(m) ? NOTHING : ABORTED;
	if (!dmp_stamp_lapped(stamp, m->pos)) {
		copy_out(m, event);
		if (dmp_load_once(*at) == stamp) /* K, pairs with J */
			return COPIED;
	}
	return at_cursor(m) ? NOTHING : LAPPED; /* whatever the stamp says: never past the cursor */
}

/* The claimed position: from slots below it on nothing has been overwritten. */
static int copy_packed(const struct dmp_member *m, void *event)
{
	uint64_t slots = m->mask + 1;
	uint64_t cursor = published(m), ahead = dmp_available(cursor, m->pos, slots) - m->pos;

	if (!ahead)
		return NOTHING;
	if (cursor - m->pos > slots)
		return LAPPED;
	copy_out(m, event);
	return dmp_load_once(m->ring->claimed) - m->pos <= slots ? COPIED : LAPPED; /* K, pairs with J */
}

/* The oldest event that may still be there: what is being written has overwritten one as far below. */
static uint64_t oldest(const struct dmp_member *m, uint64_t cursor)
{
	uint64_t slots = m->mask + 1;
	uint64_t claimed = m->stamped ? cursor : dmp_available(dmp_load_once(m->ring->claimed), cursor, slots);

	return claimed > slots ? claimed - slots : 0;
}

/*
 * The event is lost. Fallen behind: on to the oldest that may still be there; each time that falls behind as well,
 * half as far from the cursor, out of the producer's way. Else the producer is just writing this slot: on to the next.
 */
static void skip(struct dmp_member *m, uint32_t *falls)
{
	uint64_t cursor = published(m), to = oldest(m, cursor);

	if ((int64_t)(to - m->pos) > 0) {
		to = cursor - ((cursor - to) >> *falls);
		*falls += *falls < 63;
	} else {
		to = m->pos + 1;
	}
	m->lost += to - m->pos;
	dmp_count_(m, DMP_COUNTER_AT_LOST, to - m->pos);
	m->pos = to;
}

/* Look once: until there is an event, or none. Every skip leads nearer to the cursor, and none past it. */
static int copy_next(struct dmp_member *m, void *event)
{
	uint32_t falls = 0;
	int got;

	for (;;) {
		got = m->stamped ? copy_stamped(m, event) : copy_packed(m, event);
		if (got == ABORTED) {
			m->pos++;
			dmp_store_once(m->own->aborted, m->own->aborted + 1);
			continue;
		}
		if (got != LAPPED)
			return got;
		skip(m, &falls);
	}
}

static int look_for_event(struct dmp_member *m, struct dmp_want_ *w)
{
	struct observation *o = (struct observation *)w;
	bool ended = dmp_has_ended_(m);
	int err = copy_next(m, o->event);

	if (err != -EAGAIN)
		return err;
	w->target = m->pos + 1;
	return ended && at_cursor(m) ? -EPIPE : -EAGAIN;
}

static int deliver(struct dmp_member *m, int err, uint64_t *pos, uint64_t *lost)
{
	if (err)
		return err;
	*pos = m->pos++;
	if (m->count)
		dmp_grow(*m->count, 1);
	*lost = m->lost;
	m->lost = 0;
	return 0;
}

int dmp_try_observe(struct dmp_member *m, void *event, uint64_t *pos, uint64_t *lost)
{
	struct observation o = { .event = event };
	int err;

	if (m->role != DMP_ROLE_OBSERVER)
		return -EACCES;
	err = look_for_event(m, &o.want);
	return err ? dmp_count_try_(m, err) : deliver(m, 0, pos, lost);
}

int dmp_observe_until(struct dmp_member *m, void *event, uint64_t *pos, uint64_t *lost, uint64_t deadline)
{
	struct observation o = { .want = { .deadline = deadline }, .event = event };

	if (m->role != DMP_ROLE_OBSERVER)
		return -EACCES;
	return deliver(m, dmp_wait_loop_(m, &o.want, look_for_event), pos, lost);
}

int dmp_observe(struct dmp_member *m, void *event, uint64_t *pos, uint64_t *lost)
{
	return dmp_observe_until(m, event, pos, lost, DMP_FOREVER);
}
