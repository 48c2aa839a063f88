// SPDX-License-Identifier: GPL-2.0
/*
 * leave.c: the end of a member: it leaves, dies, is evicted, and what is freed then
 *
 * Its incarnation goes first, then what it left half done is repaired, then its gate goes and the generation tells so.
 */
#include <linux/pid.h>
#include <linux/slab.h>
#include "dmp.h"
#include "trace.h"

/* The first thing of a leave that anybody sees; dmp_member_raise() announces it. Again for a place that was held. */
void dmp_member_retire(struct dmp_member *m, u32 state, u32 gone)
{
	struct dmp_ring *ring = m->ring;
	struct dmp_entry *e = dmp_member_entry(m);

	lockdep_assert_held(&ring->mutex);
	lockdep_assert_held(&ring->lock);
	if (!m->left)
		WRITE_ONCE(ring->joined, ring->joined - 1);
	m->gone = gone;
	WRITE_ONCE(m->left, true);
	WRITE_ONCE(e->gone, gone);
	smp_wmb(); /* why before that: pairs with gone() in lib/wait.c */
	WRITE_ONCE(e->incarnation, e->incarnation + 1);
	WRITE_ONCE(e->state, state);
	smp_wmb(); /* M, pairs with F's load fence: the incarnation before the gate goes */
}

/* It may have left between A and B, or with half a batch stamped: repair, look as WAKE does, and end the stream. */
static void leave_producer(struct dmp_member *m)
{
	struct dmp_ring *ring = m->ring;

	spin_lock(&ring->lock);
	dmp_writers_remove(m);
	dmp_member_retire(m, DMP_MEMBER_LEFT, DMP_GONE_LEFT);
	ring->producers--;
	WRITE_ONCE(ring->meta->producers, ring->producers);
	spin_unlock(&ring->lock);
	dmp_repair(m);
	dmp_wake(ring, 0, NULL);
	spin_lock(&ring->lock);
	if (!ring->producers)
		/* After the cursor: who reads "ended" reads the last of it. */
		smp_store_release(&ring->meta->ended, m->finished ? DMP_END_CLEAN : DMP_END_CRASHED);
	dmp_member_raise(ring);
	spin_unlock(&ring->lock);
	if (!ring->producers)
		dmp_wake_ended(ring);
}

static void leave_observer(struct dmp_member *m)
{
	spin_lock(&m->ring->lock);
	dmp_member_retire(m, DMP_MEMBER_LEFT, DMP_GONE_LEFT);
	dmp_member_raise(m->ring);
	spin_unlock(&m->ring->lock);
}

static void leave_consumer(struct dmp_member *m, bool died)
{
	if (died)
		dmp_place_die(m);
	else
		dmp_place_leave(m);
}

/* Once, by whichever way comes first. */
static void leave(struct dmp_member *m, bool died)
{
	struct dmp_ring *ring = m->ring;
	bool held;

	mutex_lock(&ring->mutex);
	if (!m->joined || m->left) {
		mutex_unlock(&ring->mutex);
		return;
	}
	if (m->role == DMP_ROLE_CONSUMER)
		leave_consumer(m, died);
	else if (m->role == DMP_ROLE_PRODUCER)
		leave_producer(m);
	else
		leave_observer(m);
	if (m->role != DMP_ROLE_CONSUMER) { /* they have seen to that */
		dmp_wait_withdraw(m);
		trace_dmp_sample(m);
	}
	dmp_member_tell_all(ring);
	held = m->held;
	mutex_unlock(&ring->mutex);
	if (!held)
		trace_dmp_leave(m);
}

void dmp_member_leave(struct dmp_member *m)
{
	leave(m, false);
}

/* The end of its process, or the last reference to its file goes without LEAVE. */
void dmp_member_die(struct dmp_member *m)
{
	leave(m, true);
}

void dmp_member_die_work(struct work_struct *work)
{
	dmp_member_die(container_of(work, struct dmp_member, die));
}

int dmp_member_finish(struct dmp_member *m)
{
	int err = 0;

	if (m->role != DMP_ROLE_PRODUCER)
		return -EACCES;
	mutex_lock(&m->ring->mutex);
	if (m->left)
		err = -ESTALE;
	else
		m->finished = true;
	mutex_unlock(&m->ring->mutex);
	return err;
}

void dmp_member_free_slot(struct dmp_member *m)
{
	struct dmp_ring *ring = m->ring;

	lockdep_assert_held(&ring->mutex);
	spin_lock(&ring->lock);
	ring->member[m->index] = NULL;
	WRITE_ONCE(dmp_member_entry(m)->state, DMP_MEMBER_FREE);
	spin_unlock(&ring->lock);
}

/* What its file held is gone: the slot is free, but for a place that is held. Returns whether m is the ring's now. */
static bool hand_over(struct dmp_member *m)
{
	struct dmp_ring *ring = m->ring;
	bool held;

	mutex_lock(&ring->mutex);
	m->released = true;
	held = m->held;
	if (m->joined && !held)
		dmp_member_free_slot(m);
	mutex_unlock(&ring->mutex);
	return held;
}

/*
 * The file is released. Who may still hold m? Not the file: this is its end. Not a mapping: it holds the file. Not the
 * notifier: m is removed from its list here, under its lock, and the work it queued is waited for. Not a waker: its links
 * are gone since it left. ring->member: no longer after hand_over(), unless its place is held; then it is place.c that
 * frees it, at once, for all we know here.
 */
void dmp_member_free(struct dmp_member *m)
{
	struct dmp_ring *ring = m->ring;
	struct net *net = m->net;

	dmp_mm_remove(m);
	cancel_work_sync(&m->die);
	dmp_member_die(m);
	dmp_mm_put(m->mm);
	put_pid(m->tid);
	put_pid(m->tgid);
	m->tid = m->tgid = NULL;
	kfree(m->waiter.links);
	m->waiter.links = NULL;
	if (!hand_over(m))
		kfree_rcu(m, rcu);
	dmp_ring_put(ring);
	put_net(net);
}
