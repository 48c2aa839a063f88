// SPDX-License-Identifier: GPL-2.0
/*
 * wake.c: who is woken, and why
 *
 * A waiter is queued on each unmet sequence of its barrier, ordered by target. Whatever happens to a sequence takes links
 * away: crossed (WAKE), its owner gone (dropped), no more to come (ended), other dependencies (changed). A waiter
 * is woken once, when its last link has gone.
 *
 * The notify word is the smallest target queued. Queueing lowers it (C); here it is only ever raised, so that one that
 * is stale is too small: that costs one empty WAKE, never a lost one. Of several producers it names a slot that the first
 * waiter needs, and may go down here as well, with a look behind a barrier: see watch_slot().
 */
#include <linux/poll.h>
#include <linux/sched.h>
#include "dmp.h"
#include "trace.h"

#define WAKES_PER_LOCK 32 /* then others get a turn */

static struct dmp_link *first_link(const struct dmp_sequence *s)
{
	return rb_entry_safe(rb_first_cached(&s->waiters), struct dmp_link, node);
}

/* Whoever moves the sequence moves it past all positions up to the first target. */
static bool has_one_owner(const struct dmp_ring *ring, const struct dmp_sequence *s)
{
	return s != &ring->seq[0] || !dmp_is_multi(ring);
}

/* Several producers: what they watch stays right whoever goes, see watch_slot(). */
static void update_notify(struct dmp_ring *ring, struct dmp_sequence *s)
{
	const struct dmp_link *first = first_link(s);

	if (!first)
		WRITE_ONCE(s->line->notify, DMP_NOBODY);
	else if (has_one_owner(ring, s))
		WRITE_ONCE(s->line->notify, first->member->waiter.target);
}

static bool earlier(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct dmp_link, node)->member->waiter.target <
	       rb_entry(b, struct dmp_link, node)->member->waiter.target;
}

/* C: the store that its owner's B reads. */
void dmp_link_queue(struct dmp_ring *ring, struct dmp_link *link, u32 seq)
{
	struct dmp_sequence *s = &ring->seq[seq];

	lockdep_assert_held(&ring->lock);
	link->seq = seq;
	link->queued = true;
	link->member->waiter.unmet++;
	rb_add_cached(&link->node, &s->waiters, earlier);
	update_notify(ring, s);
}

static void unqueue(struct dmp_sequence *s, struct dmp_link *link)
{
	rb_erase_cached(&link->node, &s->waiters);
	link->queued = false;
	link->member->waiter.unmet--;
	s->slept = jiffies;
}

void dmp_link_drop(struct dmp_ring *ring, struct dmp_link *link)
{
	struct dmp_sequence *s = &ring->seq[link->seq];

	lockdep_assert_held(&ring->lock);
	unqueue(s, link);
	update_notify(ring, s);
}

/* All that a waiter is queued on. */
void dmp_links_drop(struct dmp_ring *ring, struct dmp_waiter *w)
{
	u32 i;

	for (i = 0; i < w->count && w->unmet; i++)
		if (w->links[i].queued)
			dmp_link_drop(ring, &w->links[i]);
}

/* The wait is over, one way or another: tell the sleeper, or poll. */
void dmp_waiter_finish(struct dmp_ring *ring, struct dmp_member *m, enum dmp_wait_state state)
{
	struct dmp_waiter *w = &m->waiter;
	bool counts = w->asleep || w->poll;

	lockdep_assert_held(&ring->lock);
	dmp_links_drop(ring, w);
	if (counts && state == DMP_WAIT_MET) {
		m->woken++;
		ring->stats.woken++;
		trace_dmp_met(m, w->target, w->asleep);
	} else if (counts && state == DMP_WAIT_CHANGED) {
		m->changed++;
		ring->stats.changed++;
	}
	w->asleep = false;
	WRITE_ONCE(w->state, state);
	if (w->poll)
		wake_up_interruptible_poll(&m->poll, EPOLLIN | EPOLLRDNORM);
	if (w->task)
		wake_up_process(w->task); /* it takes ring->lock before it goes, so it is there */
}

/* Take a link away; true if somebody was woken by that. */
static bool take(struct dmp_ring *ring, struct dmp_sequence *s, struct dmp_link *link)
{
	struct dmp_member *m = link->member;

	unqueue(s, link);
	if (m->waiter.unmet)
		return false;
	dmp_waiter_finish(ring, m, DMP_WAIT_MET);
	return true;
}

/* Let others have the lock; notify is right whenever it is free. */
static void breathe(struct dmp_ring *ring, struct dmp_sequence *s)
{
	update_notify(ring, s);
	spin_unlock(&ring->lock);
	cond_resched();
	spin_lock(&ring->lock);
}

static void count_wake(struct dmp_ring *ring, struct dmp_member *by, u32 examined, u32 crossed)
{
	by->wakes++;
	by->empty += !crossed;
	ring->stats.wakes++;
	ring->stats.empty += !crossed;
	ring->stats.examined += examined;
	ring->stats.crossed += crossed;
}

struct tally {
	u32 examined, crossed, woken;
};

/* Those whose target is crossed, and one more. */
static void take_crossed(struct dmp_ring *ring, struct dmp_sequence *s, u64 cursor, struct tally *t)
{
	struct dmp_link *link;

	while (t->examined <= ring->members &&
	       (link = first_link(s))) { /* who queues again meanwhile looks for itself */
		t->examined++;
		if (!dmp_reached(cursor, link->member->waiter.target))
			break;
		t->crossed++;
		if (take(ring, s, link) && ++t->woken % WAKES_PER_LOCK == 0)
			breathe(ring, s);
	}
}

/*
 * WAKE: the owner has moved its sequence. Carries no authority: it only makes us look. by: whose call it is; NULL: the
 * owner leaves, and the kernel looks in its stead. Returns how many waiters' targets were crossed.
 */
u32 dmp_wake(struct dmp_ring *ring, u32 seq, struct dmp_member *by)
{
	struct dmp_sequence *s = &ring->seq[seq];
	struct tally t = {};
	u64 cursor;

	if (!has_one_owner(ring, s))
		return dmp_look(ring, by);
	spin_lock(&ring->lock);
	cursor = READ_ONCE(*s->cursor);
	take_crossed(ring, s, cursor, &t);
	update_notify(ring, s);
	if (by)
		count_wake(ring, by, t.examined, t.crossed);
	spin_unlock(&ring->lock);
	trace_dmp_wake(ring, seq, cursor, t.crossed, t.woken);
	return t.crossed;
}

/*
 * Several producers publish in no order, so the first waiter, with target T, watches one slot that it needs and that is
 * not done: T - 1, or if that is done the first hole. Whoever fills that slot rings; it cannot be met before, and who
 * waits for more than T cannot, either. Returns whether the slot was still not done after the barrier: then its filler
 * has seen notify, or will. Else there is news, and somebody has to look again.
 */
static bool watch_slot(struct dmp_ring *ring, struct dmp_sequence *s, bool hole)
{
	const struct dmp_link *first = first_link(s);
	u64 slot = READ_ONCE(ring->published), target;

	update_notify(ring, s);
	if (!first)
		return true;
	target = first->member->waiter.target;
	if (dmp_reached(slot, target))
		return false;
	/* Nobody gets there, and stamps wrap: its slot would look done, and whoever fills a hole would ring. */
	if (target > DMP_FAR) {
		WRITE_ONCE(s->line->notify, target);
		return true;
	}
	if (!hole && !dmp_stamp_is_done(ring, target - 1))
		slot = target - 1;
	WRITE_ONCE(s->line->notify, slot + 1);
	smp_mb(); /* E, pairs with B: the slot is looked at after notify is stored */
	return !dmp_stamp_is_done(ring, slot);
}

/*
 * WAKE of several producers, and their sleepers' E. Each round but the first follows the first hole, which moves up to the
 * first target: unless the stamps are a lie each finds it further up. What is not settled after two laps is left to the
 * next look, which is soon.
 */
u32 dmp_look(struct dmp_ring *ring, struct dmp_member *by)
{
	struct dmp_sequence *s = &ring->seq[0];
	u64 first = dmp_published(ring), cursor = first, last;
	struct tally t = {};
	u32 rounds = 0;
	bool settled;

	do {
		cond_resched();
		last = cursor;
		cursor = dmp_published(ring); /* may take its time, so without the lock */
		spin_lock(&ring->lock);
		take_crossed(ring, s, cursor, &t);
		settled = watch_slot(ring, s, rounds > 0);
		spin_unlock(&ring->lock);
	} while (!settled && (++rounds < 3 || cursor != last) && cursor - first <= 2 * ring->slots);
	if (!settled)
		dmp_repair_later(ring);
	spin_lock(&ring->lock);
	if (by)
		count_wake(ring, by, t.examined, t.crossed);
	spin_unlock(&ring->lock);
	trace_dmp_wake(ring, 0, cursor, t.crossed, t.woken);
	return t.crossed;
}

/* The owner has gone and gates nobody any more: nobody waits for it. */
void dmp_wake_dropped(struct dmp_ring *ring, u32 seq)
{
	struct dmp_sequence *s = &ring->seq[seq];
	struct dmp_link *link;
	u32 woken = 0;

	spin_lock(&ring->lock);
	while ((link = first_link(s)))
		if (take(ring, s, link) && ++woken % WAKES_PER_LOCK == 0)
			breathe(ring, s);
	update_notify(ring, s);
	spin_unlock(&ring->lock);
}

/* The last producer has gone: whoever still waits on the ring's cursor waits for what will not be published. */
void dmp_wake_ended(struct dmp_ring *ring)
{
	struct dmp_sequence *s = &ring->seq[0];
	struct dmp_link *link;
	u32 woken = 0;

	spin_lock(&ring->lock);
	while ((link = first_link(s))) {
		dmp_waiter_finish(ring, link->member, DMP_WAIT_ENDED);
		if (++woken % WAKES_PER_LOCK == 0)
			breathe(ring, s);
	}
	spin_unlock(&ring->lock);
}

/* A consumer has joined: producers that sleep have one gate more, and arm again. */
void dmp_wake_changed(struct dmp_ring *ring)
{
	u32 i, woken = 0;

	lockdep_assert_held(&ring->mutex); /* keeps who is in ring->member */
	spin_lock(&ring->lock);
	for (i = 0; i < ring->members; i++) {
		struct dmp_member *m = ring->member[i];

		if (!m || m->role != DMP_ROLE_PRODUCER || m->waiter.state != DMP_WAIT_ARMED)
			continue;
		dmp_waiter_finish(ring, m, DMP_WAIT_CHANGED);
		if (++woken % WAKES_PER_LOCK == 0)
			breathe(ring, &ring->seq[0]);
	}
	spin_unlock(&ring->lock);
}
