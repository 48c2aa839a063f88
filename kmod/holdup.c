// SPDX-License-Identifier: GPL-2.0
/*
 * holdup.c: who is in the way of those who want room, or events
 *
 * An answer for people, out of words that others move meanwhile: each is read once and bounded, and none of the kernel's
 * state hangs on them. It tells nothing that INFO and MEMBERS do not, so it takes no right either.
 */
#include <linux/sched.h>
#include <linux/string.h>
#include "dmp.h"

/* Positions below it are taken. A single producer's claims are its own: it publishes in order and leaves no hole. */
static u64 claimed(const struct dmp_ring *ring, u64 published)
{
	if (!dmp_is_multi(ring))
		return published;
	return dmp_available(READ_ONCE(ring->cursor->claimed), published, ring->slots);
}

/* A place that is held for a dead consumer has a name in the table, and nobody who could have a pid. */
static void name_member(const struct dmp_ring *ring, u32 index, u64 position, struct dmp_holdup *h)
{
	const struct dmp_entry *e = &ring->table[index];

	lockdep_assert_held(&ring->lock);
	h->role = e->role;
	h->state = e->state;
	h->position = position;
	h->index = index;
	memcpy(h->name, e->name, sizeof(h->name));
	h->pid = h->tid = h->thread_state = 0;
	if (ring->member[index])
		dmp_member_who(ring->member[index], &h->pid, &h->tid, &h->thread_state);
}

/* ---- gates ---- */

/* Those consumers below a position that are the furthest behind, as a mask. */
static u64 furthest_behind(const struct dmp_ring *ring, u64 below, u64 *position)
{
	u64 bits, at, last = 0;

	*position = below;
	for (bits = dmp_ring_gates(ring); bits; bits &= bits - 1) {
		at = READ_ONCE(dmp_ring_own(ring, __ffs64(bits))->cursor);
		if (at < *position) {
			*position = at;
			last = 0;
		}
		if (at == *position && at < below)
			last |= bits & -bits;
	}
	return last;
}

/* Of several at one place: one that waits for none of the others. Dependencies have no cycle, so there is one. */
static u32 first_of(const struct dmp_ring *ring, u64 last)
{
	u64 bits;

	for (bits = last; bits; bits &= bits - 1)
		if (!(ring->table[__ffs64(bits)].deps & last))
			break;
	return __ffs64(bits ? bits : last);
}

/* A consumer that must release more before positions below end are free. */
static bool find_gate(struct dmp_ring *ring, u64 published, u64 end, struct dmp_holdup *h)
{
	u64 last, at;

	spin_lock(&ring->lock);
	last = furthest_behind(ring, published, &at);
	if (last && end - at > ring->slots)
		name_member(ring, first_of(ring, last), at, h);
	spin_unlock(&ring->lock);
	return h->role;
}

/* ---- claims ---- */

/* How far off a live producer's record is from covering the position alone: all ones if it does not cover it. */
static u64 distance(const struct dmp_ring *ring, u32 index, u64 position)
{
	const struct dmp_own *own = dmp_ring_own(ring, index);
	const struct dmp_member *m = ring->member[index];
	u64 lo, hi, length;

	if (!dmp_member_produces(m))
		return U64_MAX;
	lo = READ_ONCE(own->claim_lo);
	hi = READ_ONCE(own->claim_hi);
	length = dmp_available(hi, lo, ring->slots) - lo;
	if (position - lo >= length)
		return U64_MAX;
	return READ_ONCE(own->claim_won) == hi ? length : length + ring->slots;
}

/*
 * Who has claimed a position. Several records may cover it, of those who have tried and of the one who has won: that one
 * says so, but for a moment. Else, and if several say so, the shortest decides.
 */
static void find_claim(struct dmp_ring *ring, u64 position, struct dmp_holdup *h)
{
	u64 far, nearest = U64_MAX;
	u32 i;

	for (i = 0; i < ring->members; i++) {
		spin_lock(&ring->lock); /* keeps the member */
		far = distance(ring, i, position);
		if (far < nearest) {
			nearest = far;
			name_member(ring, i, position, h);
		}
		spin_unlock(&ring->lock);
		cond_resched();
	}
	if (dmp_published(ring) != position)
		memset_after(h, 0, what); /* it has gone on meanwhile */
}

static void find(struct dmp_ring *ring, struct dmp_holdup *h)
{
	u64 first = dmp_published(ring), next = claimed(ring, first), end = max(h->position, next + 1);

	memset_after(h, 0, what);
	if (h->what == DMP_HOLDUP_ROOM) {
		if (find_gate(ring, first, end, h) || end - first <= ring->slots)
			return;
	}
	if (next != first)
		find_claim(ring, first, h);
}

/* HOLDUP, on either kind of file. */
int dmp_holdup_get(struct dmp_ring *ring, void __user *arg)
{
	struct dmp_holdup h;
	int err = dmp_args_get(&h, name, arg);

	if (err)
		return err;
	if (h.what != DMP_HOLDUP_ROOM && h.what != DMP_HOLDUP_EVENTS)
		return -EINVAL;
	if (h.what == DMP_HOLDUP_EVENTS && h.position)
		return -EINVAL;
	find(ring, &h);
	return dmp_args_put(arg, &h);
}
