// SPDX-License-Identifier: GPL-2.0
/*
 * repair.c: what a producer left half done on a stamped ring
 *
 * One producer stamps a batch's first slot last and then stores the cursor. If it left in between, events that are
 * stamped, and that a consumer may have read already, lie above the cursor: the cursor is moved over them. Stamps behind
 * a gap belong to a batch that nobody in order can have seen: they are set back to "writing" (clearing them would hide
 * from observers that the slot was overwritten). Only then may the next producer join, and it continues at the cursor.
 *
 * One of several leaves a hole: positions that it claimed and will not publish. Before it claims, a producer stores the
 * range in its record, and it takes it back only behind what it has published. So a position is an orphan if it is claimed,
 * no living producer's record covers it, and its slot is not done when looked at after the records: its owner is dead. It
 * is stamped aborted, and consumers skip it. The order of the three reads is what makes that true:
 *
 *   claimed   first: the record of whoever claimed below it was stored before
 *   records   then: of a claim that is open here and now, the record covers it
 *   stamp     last, and exchanged only from the value seen: whoever published since the records were read is seen
 *
 * A record covers what its owner has not claimed while it is about to claim. Then it is not known yet whose the position
 * is. It is looked at again, until the living producer has gone on: never is a slow one taken for a dead one. The model
 * "claim" holds all this against deaths at every step.
 *
 * A batch is all or none here, too. Its producer says when a claim is won; if its first slot is not done, none of it was
 * published, though the loops stamp the others as they are written: all of it is aborted, from the last to the first.
 */
#include <linux/pid.h>
#include <linux/sched.h>
#include "dmp.h"
#include "trace.h"

#define LOOK_FIRST   1 /* jiffies until the first look again; then twice as long each time, up to: */
#define LOOK_LONGEST (HZ / 10)
#define REST	     8 /* times as long as a look has taken */

#define FAR (1ULL << 60) /* nobody honest gets there: 36 years at 10^9 events a second */

/* ---- one producer ---- */

static bool is_published(const struct dmp_ring *ring, u64 n)
{
	return READ_ONCE(*dmp_stamp(ring, n)) == dmp_stamp_published(n);
}

static void take_back(struct dmp_ring *ring, u64 n, u64 end)
{
	for (; n < end; n++) {
		u64 stamp = READ_ONCE(*dmp_stamp(ring, n));

		if (dmp_stamp_done(stamp, n))
			WRITE_ONCE(*dmp_stamp(ring, n), dmp_stamp_writing(n));
		cond_resched();
	}
}

static void repair_single(struct dmp_ring *ring)
{
	u64 cursor = READ_ONCE(ring->cursor->cursor), end = cursor + ring->slots, n = cursor;

	while (n < end && is_published(ring, n)) {
		n++;
		cond_resched();
	}
	if (n != cursor)
		smp_store_release(&ring->cursor->cursor, n); /* A, in the owner's stead */
	take_back(ring, n, end);
}

/* ---- several producers ---- */

/*
 * Whether a living producer's record covers position n. *end: up to there the answer is the same, so that the records are
 * read once for each range and not for each slot.
 */
static bool is_covered(const struct dmp_ring *ring, u64 n, u64 *end)
{
	bool covered = false;
	u64 until = *end, lo, hi;
	u32 i;

	for (i = 0; i < ring->members; i++) {
		const struct dmp_member *m = ring->member[i];

		if (!m || m->role != DMP_ROLE_PRODUCER || m->left)
			continue;
		lo = READ_ONCE(dmp_ring_own(ring, i)->claim_lo);
		hi = READ_ONCE(dmp_ring_own(ring, i)->claim_hi);
		if (lo <= n && n < hi) {
			until = covered ? max(until, hi) : hi;
			covered = true;
		} else if (!covered && n < lo && lo < hi) {
			until = min(until, lo);
		}
	}
	*end = min(*end, until);
	return covered;
}

/* Whether it was stamped. Nobody honest claims a position before its slot is done a lap below. */
static bool abort_orphan(struct dmp_ring *ring, u64 n)
{
	u64 *at = dmp_stamp(ring, n), stamp = READ_ONCE(*at);

	if (dmp_stamp_done(stamp, n))
		return false;
	if (ring->producers && n >= ring->slots && !dmp_stamp_done(stamp, n - ring->slots))
		return false;
	return try_cmpxchg64(at, &stamp, dmp_stamp_aborted(n));
}

/* Who it was: of the last that have died. */
static pid_t dead_claimer(const struct dmp_ring *ring, u64 n)
{
	u32 i;

	for (i = 0; i < DMP_DEAD; i++)
		if (ring->dead[i].lo <= n && n < ring->dead[i].hi)
			return ring->dead[i].pid;
	return 0;
}

static void tell_aborted(struct dmp_ring *ring, u64 from, u64 to)
{
	if (from == to)
		return;
	WRITE_ONCE(ring->stats.repaired, ring->stats.repaired + (to - from));
	trace_dmp_abort(ring, dead_claimer(ring, from), from, to);
}

/* No living producer covers from .. to - 1. Returns how many are not done even so. */
static u64 abort_orphans(struct dmp_ring *ring, u64 from, u64 to)
{
	u64 n, run = from, undecided = 0;

	for (n = from; n < to; n++) {
		if (!abort_orphan(ring, n)) {
			tell_aborted(ring, run, n);
			run = n + 1;
			undecided += !dmp_stamp_is_done(ring, n);
		}
		cond_resched();
	}
	tell_aborted(ring, run, to);
	return undecided;
}

static u64 count_open(const struct dmp_ring *ring, u64 from, u64 to)
{
	u64 open = 0;

	for (; from < to; from++) {
		open += !dmp_stamp_is_done(ring, from);
		cond_resched();
	}
	return open;
}

/*
 * Where orphans can lie. No consumer has a say in it: one that lies could keep them for ever, and to one that has still to
 * read the slot a lap below the stamp says "done" as before.
 */
static u64 orphans_end(struct dmp_ring *ring, u64 published)
{
	return min(READ_ONCE(ring->cursor->claimed), published + ring->slots);
}

/* One pass over what is claimed and not done. Returns how many positions are undecided. */
static u64 repair_pass(struct dmp_ring *ring)
{
	u64 n = dmp_published(ring), end = min(ring->orphans_below, orphans_end(ring, n)), undecided = 0;
	u32 ranges = 2 * ring->members + 1; /* of honest records, that stand still, there are no more */

	smp_mb(); /* "claimed" before the records: pairs with the claim, which is one locked instruction */
	for (; n < end; ranges--) {
		u64 until = end;
		bool covered = !ranges || is_covered(ring, n, &until);

		smp_rmb(); /* the records before the stamps: pairs with publish, which stores them the other way round */
		undecided += covered ? count_open(ring, n, until) : abort_orphans(ring, n, until);
		n = until;
	}
	return undecided;
}

/* The delayed looks take no more than a small part of a CPU's time, however large the ring. */
static void repair_multi(struct dmp_ring *ring)
{
	unsigned long began = jiffies;
	u64 undecided = repair_pass(ring);

	WRITE_ONCE(ring->stats.undecided, undecided);
	dmp_writers_settle(ring, undecided);
	if (!undecided) {
		ring->orphans_below = 0;
		return;
	}
	ring->look_after = max(ring->look_after, REST * (jiffies - began));
	queue_delayed_work(system_unbound_wq, &ring->orphans, ring->look_after);
	ring->look_after = min_t(unsigned long, 2 * ring->look_after, LOOK_LONGEST);
}

static void orphans_work(struct work_struct *work)
{
	struct dmp_ring *ring = container_of(to_delayed_work(work), struct dmp_ring, orphans);

	mutex_lock(&ring->mutex);
	repair_multi(ring);
	mutex_unlock(&ring->mutex);
	dmp_look(ring, NULL);
}

/* What a lie about the claimed position passed over: who waits for it must not wait for ever. */
static void abort_open(struct dmp_ring *ring, u64 n, u64 end)
{
	for (; n < end; n++) {
		if (!dmp_stamp_is_done(ring, n))
			smp_store_release(dmp_stamp(ring, n), dmp_stamp_aborted(n));
		cond_resched();
	}
}

/*
 * Nobody is left: the next producer goes on behind what is done, whatever was said of the rest, and finds each slot done a
 * lap below and not done here. Only a lie leads to positions whose stamps will wrap; then at the slowest gate again.
 */
static void start_over(struct dmp_ring *ring)
{
	u64 n = dmp_published(ring);

	if (n > FAR) {
		n = ring->meta->gates ? dmp_ring_gate(ring, FAR) : 0;
		WRITE_ONCE(ring->published, n);
	}
	WRITE_ONCE(ring->cursor->cursor, n);
	WRITE_ONCE(ring->cursor->claimed, n);
	abort_open(ring, n > ring->slots ? n - ring->slots : 0, n);
	take_back(ring, n, n + ring->slots);
	ring->orphans_below = 0;
	WRITE_ONCE(ring->stats.undecided, 0);
	dmp_writers_settle(ring, 0);
}

/* The others go by it, and it may have been stored by one who lied: lower is always true. */
static void lower_cursor(struct dmp_ring *ring)
{
	u64 published = dmp_published(ring);

	if (READ_ONCE(ring->cursor->cursor) > published)
		WRITE_ONCE(ring->cursor->cursor, published);
}

static struct dmp_dead *remember(struct dmp_member *m)
{
	const struct dmp_own *own = dmp_ring_own(m->ring, m->index);
	struct dmp_dead *dead = &m->ring->dead[m->ring->deaths++ % DMP_DEAD];

	dead->pid = pid_nr(m->tgid);
	dead->lo = READ_ONCE(own->claim_lo);
	dead->hi = READ_ONCE(own->claim_hi);
	dead->won = dead->lo < dead->hi && READ_ONCE(own->claim_won) == dead->hi;
	return dead;
}

/* The tail of a batch whose first slot is not done: stamped or not, nobody in order has seen it. */
static void abort_batch(struct dmp_ring *ring, const struct dmp_dead *dead)
{
	u64 published = dmp_published(ring), end = orphans_end(ring, published), n;

	if (!dead->won || dead->lo < published || dead->hi > end || dmp_stamp_is_done(ring, dead->lo))
		return;
	for (n = dead->hi; n-- > dead->lo;) {
		smp_store_release(dmp_stamp(ring, n), dmp_stamp_aborted(n)); /* I, in its stead */
		cond_resched();
	}
	tell_aborted(ring, dead->lo, dead->hi);
}

/* Of a producer that has left, so that its record counts no more. */
void dmp_repair(struct dmp_member *m)
{
	struct dmp_ring *ring = m->ring;

	lockdep_assert_held(&ring->mutex);
	if (!(ring->flags & DMP_RING_STAMPED))
		return;
	if (!dmp_is_multi(ring)) {
		repair_single(ring);
		return;
	}
	dmp_published_again(ring);
	abort_batch(ring, remember(m));
	ring->orphans_below = READ_ONCE(ring->cursor->claimed);
	ring->look_after = LOOK_FIRST;
	repair_multi(ring);
	if (!ring->producers)
		start_over(ring);
	else
		lower_cursor(ring);
}

void dmp_repair_init(struct dmp_ring *ring)
{
	INIT_DELAYED_WORK(&ring->orphans, orphans_work);
}

void dmp_repair_exit(struct dmp_ring *ring)
{
	cancel_delayed_work_sync(&ring->orphans);
}
