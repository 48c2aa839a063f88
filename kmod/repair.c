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
#include <linux/sort.h>
#include "dmp.h"
#include "trace.h"

#define LOOK_FIRST   1 /* jiffies until the first look again; then twice as long each time, up to: */
#define LOOK_LONGEST (HZ / 10)
#define REST	     8 /* times as long as a look has taken */

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

static int by_start(const void *a, const void *b)
{
	const struct dmp_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

/*
 * The records of the living, sorted: each is read once in a pass, for they are words that others move as often as they
 * like. Nobody honest claims more than a ring's worth, so a record that says more says nothing.
 */
static u32 read_records(struct dmp_ring *ring)
{
	u32 i, n = 0;

	for (i = 0; i < ring->members; i++) {
		const struct dmp_member *m = ring->member[i];
		u64 lo, hi;

		if (!dmp_member_produces(m))
			continue;
		lo = READ_ONCE(dmp_ring_own(ring, i)->claim_lo);
		hi = dmp_available(READ_ONCE(dmp_ring_own(ring, i)->claim_hi), lo, ring->slots);
		if (lo < hi)
			ring->records[n++] = (struct dmp_range){ lo, hi };
	}
	sort(ring->records, n, sizeof(*ring->records), by_start, NULL);
	return n;
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
	u32 i, records;

	smp_mb(); /* R, pairs with P: "claimed" before the records; the claim is one locked instruction */
	records = read_records(ring);
	smp_rmb(); /* R, pairs with P: the records before the stamps; publish stores them the other way round */
	for (i = 0; i < records && n < end; i++) {
		u64 lo = clamp(ring->records[i].lo, n, end), hi = clamp(ring->records[i].hi, lo, end);

		undecided += abort_orphans(ring, n, lo) + count_open(ring, lo, hi);
		n = hi;
	}
	return n < end ? undecided + abort_orphans(ring, n, end) : undecided;
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

/* Look again, in a while. */
void dmp_repair_later(struct dmp_ring *ring)
{
	queue_delayed_work(system_unbound_wq, &ring->orphans, LOOK_LONGEST);
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
			smp_store_release(dmp_stamp(ring, n), dmp_stamp_aborted(n)); /* I, pairs with H */
		cond_resched();
	}
}

/* Nobody honest publishes more than a ring's worth above any consumer, so not above the most advanced one either. */
static u64 highest_honest(const struct dmp_ring *ring)
{
	u64 gates = dmp_ring_gates(ring), highest = 0;

	if (!gates)
		return DMP_FAR;
	for (; gates; gates &= gates - 1)
		highest = max(highest, READ_ONCE(dmp_ring_own(ring, __ffs64(gates))->cursor));
	return min(highest, DMP_FAR) + ring->slots;
}

/*
 * Nobody is left: the next producer goes on behind what is done, whatever was said of the rest, and finds each slot done a
 * lap below and not done here. Only a lie leads further; if all have lied, on at the slowest gate.
 */
static void start_over(struct dmp_ring *ring)
{
	u64 n = min(dmp_published(ring), highest_honest(ring));

	if (n >= DMP_FAR)
		n = ring->meta->gates ? dmp_ring_gate(ring, DMP_FAR) : 0;
	WRITE_ONCE(ring->cursor->cursor, n);
	WRITE_ONCE(ring->cursor->claimed, n);
	dmp_published_reset(ring, n);
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

/* One that lives says that it has won some of it, too: one of the two lies, and the living may be honest. */
static bool is_disputed(const struct dmp_ring *ring, const struct dmp_dead *dead)
{
	u32 i;

	for (i = 0; i < ring->members; i++) {
		const struct dmp_member *m = ring->member[i];
		const struct dmp_own *own = dmp_ring_own(ring, i);
		u64 lo, hi;

		if (!dmp_member_produces(m))
			continue;
		lo = READ_ONCE(own->claim_lo);
		hi = READ_ONCE(own->claim_hi);
		if (lo < dead->hi && dead->lo < hi && READ_ONCE(own->claim_won) == hi)
			return true;
	}
	return false;
}

/* The tail of a batch whose first slot is not done: stamped or not, nobody in order has seen it. */
static void abort_batch(struct dmp_ring *ring, const struct dmp_dead *dead)
{
	u64 published = dmp_published(ring), end = orphans_end(ring, published), n;

	if (!dead->won || dead->lo < published || dead->hi > end || dmp_stamp_is_done(ring, dead->lo))
		return;
	if (is_disputed(ring, dead))
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
