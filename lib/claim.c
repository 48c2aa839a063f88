// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* claim.c: the slow path of claim: read the gates again, wait while the ring is full. Letters: dmp/ring.h */
#include "internal.h"
#include "liveness.h"

bool dmp_claimable_(const struct dmp_member *m, uint64_t n)
{
	return n - 1 < m->mask + 1 - (m->next - m->published);
}

uint64_t dmp_gate_target_(const struct dmp_member *m, uint64_t n)
{
	uint64_t slots = m->mask + 1, next = m->next;

	if (m->multi)
		next = dmp_load_once(m->ring->claimed);
	return next + n > slots ? next + n - slots : 0;
}

/*
 * The smallest cursor of the consumers in mask, never above what is published: a cursor that runs ahead of that is a lie,
 * or of a consumer that has seen the stamp of a publish in flight. Remembers whose it is.
 */
static uint64_t smallest(struct dmp_member *m, uint64_t mask, uint64_t highest)
{
	uint64_t gate = highest;

	m->slowest = NULL;
	for (; mask; mask &= mask - 1) {
		const struct dmp_own *own = dmp_own_(m, (uint32_t)__builtin_ctzll(mask));
		uint64_t cursor = dmp_load_acquire(own->cursor); /* G, pairs with F */

		if (cursor >= gate)
			continue;
		gate = cursor;
		m->slowest = &own->cursor;
		m->slowest_at = cursor;
	}
	return gate;
}

uint64_t dmp_gate_(struct dmp_member *m, uint64_t highest)
{
	uint64_t gate;

	do {
		dmp_full_barrier(); /* L, pairs with M */
		m->generation = dmp_load_acquire(m->meta->generation);
		gate = smallest(m, dmp_load_acquire(m->meta->gates), highest);
	} while (dmp_load_once(m->meta->generation) != m->generation); /* L */
	return gate;
}

/*
 * Full still, if the consumer that held the gate has not moved and membership is the same: the others do not matter, so
 * a poll costs two loads however many they are. Grants nothing, so it needs no barrier.
 */
bool dmp_still_full_(const struct dmp_member *m)
{
	return m->slowest && dmp_load_once(*m->slowest) == m->slowest_at &&
	       dmp_load_once(m->meta->generation) == m->generation;
}

static int look_for_room(struct dmp_member *m, struct dmp_want_ *w)
{
	uint64_t limit;

	if (dmp_has_room_(m, w->n))
		return 0;
	if (w->looks && dmp_still_full_(m))
		return -EAGAIN;
	limit = dmp_gate_(m, m->published) + m->mask + 1;
	m->limit = limit > m->next ? limit : m->next; /* a cursor that went backwards takes nothing back */
	return dmp_has_room_(m, w->n) ? 0 : -EAGAIN;
}

/* For dmp_holdup: how much there was no room for. */
static int found_no_room(struct dmp_member *m, uint64_t n, int err)
{
	if (err == -EAGAIN || err == -ETIMEDOUT)
		m->wanted = (m->multi ? dmp_load_once(m->ring->claimed) : m->next) + n;
	return err;
}

int dmp_try_claim_slow_(struct dmp_member *m, uint64_t n, uint64_t *pos)
{
	struct dmp_want_ w = { .n = n };
	int err;

	if (m->multi) {
		err = dmp_try_claim_several_(m, n, pos);
		return err ? found_no_room(m, n, dmp_count_try_(m, err)) : 0;
	}
	if (m->role != DMP_ROLE_PRODUCER)
		return -EACCES;
	if (!dmp_claimable_(m, n))
		return -EINVAL;
	err = dmp_may_claim_(m, 0);
	if (!err)
		err = look_for_room(m, &w);
	if (err)
		return found_no_room(m, n, dmp_count_try_(m, err));
	dmp_take_(m, n, pos);
	return 0;
}

/* Where who waits for room may have to make it. */
static int look_and_make_room(struct dmp_member *m, struct dmp_want_ *w)
{
	int err = look_for_room(m, w);

	if (err != -EAGAIN || !m->ops->make_room)
		return err;
	err = m->ops->make_room(m);
	return err ? err : look_for_room(m, w);
}

int dmp_claim_slow_(struct dmp_member *m, uint64_t n, uint64_t *pos, uint64_t deadline)
{
	struct dmp_want_ w = { .n = n, .target = dmp_gate_target_(m, n), .deadline = deadline };
	int err;

	if (m->multi)
		return found_no_room(m, n, dmp_claim_several_(m, n, pos, deadline));
	if (m->role != DMP_ROLE_PRODUCER)
		return -EACCES;
	if (!dmp_claimable_(m, n))
		return -EINVAL;
	err = dmp_may_claim_(m, deadline);
	if (err)
		return err;
	err = dmp_room_loop_(m, &w, look_and_make_room);
	if (!err)
		dmp_take_(m, n, pos);
	return found_no_room(m, n, err);
}

/* ---- abort ---- */

/*
 * The loops stamp slots while they write them, all but the first. The next claim has these positions again, perhaps not all
 * at once: whoever reads up to one of them must not find it published.
 */
static void take_stamps_back(const struct dmp_member *m, uint64_t pos, uint64_t n)
{
	uint64_t i;

	for (i = pos + n; i-- > pos;) {
		__u64 *stamp = dmp_stamp_(dmp_slot_(m, i));

		if (dmp_load_once(*stamp) == dmp_stamp_published(i))
			dmp_store_once(*stamp, dmp_stamp_writing(i));
	}
}

/* One producer: nobody has seen the claim, it is given back. */
static int give_back(struct dmp_member *m, uint64_t pos, uint64_t n)
{
	if (pos + n != m->next)
		return -EINVAL;
	if (m->stamped)
		take_stamps_back(m, pos, n);
	m->next = pos;
	return 0;
}

int dmp_abort(struct dmp_member *m, uint64_t pos, uint64_t n)
{
	int err;

	if (m->role != DMP_ROLE_PRODUCER)
		return -EACCES;
	if (!n || pos - m->published > m->next - m->published || n > m->next - pos)
		return -EINVAL;
	err = m->multi ? dmp_abort_several_(m, pos, n) : give_back(m, pos, n);
	if (!err)
		dmp_store_once(m->own->aborted, m->own->aborted + n);
	return err;
}
