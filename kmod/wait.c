// SPDX-License-Identifier: GPL-2.0
/*
 * wait.c: announce, re-check, sleep, withdraw
 *
 * The lost wake this forbids, and what the barriers permit (letters: dmp.h, include/dmp/ring.h):
 *
 *     owner                     sleeper                     owner                     sleeper
 *     A cursor = n                                          A cursor = n
 *                               C notify = n                  (barrier)
 *     B load notify: nobody                                 B load notify: nobody
 *       (its A is in the store                                                        C notify = n
 *        buffer still)                                                                  (barrier)
 *                               E cursor is old: sleep                                E cursor is n: go on
 *     A seen by all: too late
 *
 * If the owner is quiet, D stands for its barrier.
 */
#include <linux/hrtimer.h>
#include <linux/nsproxy.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/time_namespace.h>
#include "dmp.h"
#include "trace.h"

/* ---- the barrier: the sequences a member waits on, a set of numbers ---- */

struct sequence_barrier {
	u64 consumers; /* by member index */
	bool cursor;   /* the ring's */
};

static struct sequence_barrier barrier_of(const struct dmp_member *m)
{
	lockdep_assert_held(&m->ring->lock);
	if (m->role == DMP_ROLE_PRODUCER)
		return (struct sequence_barrier){ m->ring->meta->gates, dmp_is_multi(m->ring) };
	return (struct sequence_barrier){ m->deps, true };
}

/* The next sequence of the set, taken out of it; -1: none. */
static int next_sequence(struct sequence_barrier *b)
{
	int i;

	if (b->cursor) {
		b->cursor = false;
		return 0;
	}
	if (!b->consumers)
		return -1;
	i = __ffs64(b->consumers);
	b->consumers &= b->consumers - 1;
	return 1 + i;
}

static bool reached(const struct dmp_ring *ring, u32 seq, u64 target)
{
	return dmp_reached(dmp_sequence_at(ring, seq), target);
}

static bool crossed(const struct dmp_member *m, u64 target)
{
	struct sequence_barrier b = barrier_of(m);
	int seq;

	while ((seq = next_sequence(&b)) >= 0)
		if (!reached(m->ring, seq, target))
			return false;
	return true;
}

/* All producers have left, and the target is not published: it will not be. */
static bool ended(const struct dmp_member *m, u64 target)
{
	return m->role != DMP_ROLE_PRODUCER && dmp_ring_ended(m->ring) && !reached(m->ring, 0, target);
}

/* ---- C, D, E ---- */

static void disarm(struct dmp_member *m)
{
	struct dmp_waiter *w = &m->waiter;

	dmp_links_drop(m->ring, w);
	w->state = DMP_WAIT_IDLE;
	w->poll = false;
}

/* C: lower notify on every unmet sequence. Returns whether D is needed. */
static bool announce(struct dmp_member *m, u64 target, bool poll)
{
	struct dmp_waiter *w = &m->waiter;
	struct sequence_barrier b = barrier_of(m);
	bool fence = false;
	u32 n = 0;
	int seq;

	disarm(m);
	w->target = target;
	w->gates = m->ring->meta->gates;
	w->poll = poll;
	while ((seq = next_sequence(&b)) >= 0) {
		if (reached(m->ring, seq, target))
			continue;
		dmp_link_queue(m->ring, &w->links[n++], seq);
		fence |= dmp_mode_fence(m->ring, &m->ring->seq[seq]);
	}
	m->arms += n;
	w->state = n ? DMP_WAIT_ARMED : DMP_WAIT_MET;
	return fence;
}

/* E: after a full barrier, what has been crossed since. */
static void recheck(struct dmp_member *m)
{
	struct dmp_waiter *w = &m->waiter;
	u32 i;

	smp_mb(); /* E, pairs with B: between C's store and these loads; the lock that both share is no such barrier */
	for (i = 0; i < w->count && w->unmet; i++)
		if (w->links[i].queued && reached(m->ring, w->links[i].seq, w->target))
			dmp_link_drop(m->ring, &w->links[i]);
	if (w->state == DMP_WAIT_ARMED && !w->unmet)
		w->state = DMP_WAIT_MET;
	if (w->state == DMP_WAIT_ARMED && ended(m, w->target)) {
		disarm(m);
		w->state = DMP_WAIT_ENDED;
	}
}

/*
 * C, D, E; the lock is held on return. An interrupted WAIT that comes back is armed still, and only re-checks. Of several
 * producers C's store comes after D, with a barrier and a look of its own (wake.c): each of them either has its stamp
 * stored for all to see by then, or sees "fenced".
 */
static void arm(struct dmp_member *m, u64 target, bool poll) __acquires(&m->ring->lock)
{
	struct dmp_waiter *w = &m->waiter;
	bool armed, fence = false;

	dmp_published(m->ring);
	spin_lock(&m->ring->lock);
	armed = w->state == DMP_WAIT_ARMED && w->target == target && !w->poll && !poll;
	if (!armed && !m->left)
		fence = announce(m, target, poll);
	spin_unlock(&m->ring->lock);
	if (fence)
		dmp_mode_settle(m->ring); /* D, stands for the owner's missing barrier between A and B */
	if (dmp_is_multi(m->ring))
		dmp_look(m->ring, NULL);
	spin_lock(&m->ring->lock);
	recheck(m);
}

/* ---- sleep ---- */

/* The deadline in the kernel's clock: the caller's may be shifted by its time namespace. */
ktime_t dmp_wait_expires(u64 deadline)
{
	ktime_t t = ns_to_ktime(min_t(u64, deadline, KTIME_MAX)), offset = 0;

#ifdef CONFIG_TIME_NS
	/* timens_ktime_to_host() is not exported */
	offset = timespec64_to_ktime(current->nsproxy->time_ns->offsets.monotonic);
#endif
	if (t <= offset)
		return 0;
	return check_sub_overflow(t, offset, &t) ? KTIME_MAX : t;
}

static int sleep(const struct dmp_waiter *w, ktime_t *expires)
{
	int err = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (READ_ONCE(w->state) != DMP_WAIT_ARMED)
			break;
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		if (!schedule_hrtimeout_range(expires, current->timer_slack_ns, HRTIMER_MODE_ABS)) {
			err = -ETIMEDOUT;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);
	return err;
}

/* Woken for what is not there: in vain, unless a gate has come meanwhile that the producer did not wait for. */
static void count_uncrossed(struct dmp_member *m)
{
	struct dmp_ring *ring = m->ring;

	if (m->role == DMP_ROLE_PRODUCER && ring->meta->gates & ~m->waiter.gates) {
		m->changed++;
		ring->stats.changed++;
	} else {
		m->futile++;
		ring->stats.futile++;
	}
}

/* What the sleep came to. A result that was obtained counts, even if a signal or the deadline came as well. */
static int result(struct dmp_member *m, int err)
{
	struct dmp_waiter *w = &m->waiter;

	switch (w->state) {
	case DMP_WAIT_MET:
		if (crossed(m, w->target))
			return 0;
		count_uncrossed(m);
		return -EAGAIN;
	case DMP_WAIT_CHANGED:
		return -EAGAIN;
	case DMP_WAIT_ENDED:
		return -EPIPE;
	case DMP_WAIT_IDLE:
		return dmp_member_gone(m);
	case DMP_WAIT_ARMED:
		break;
	}
	if (err == -ETIMEDOUT) {
		disarm(m);
		if (crossed(m, w->target)) {
			m->late++;
			m->ring->stats.late++;
			return 0;
		}
	}
	return err; /* after a signal it stays armed */
}

/* Announce, re-check, sleep. -EAGAIN: once more. */
static int wait_once(struct dmp_member *m, u64 target, ktime_t *expires)
{
	struct dmp_waiter *w = &m->waiter;
	bool slept = false;
	int err = 0;

	arm(m, target, false);
	if (w->state == DMP_WAIT_ARMED) {
		slept = w->asleep = true;
		m->sleeps++;
		m->ring->stats.sleeps++;
		trace_dmp_wait(m, target); /* with the lock, so that it comes before dmp_met */
		spin_unlock(&m->ring->lock);
		err = sleep(w, expires);
		dmp_published(m->ring); /* to tell a lost wake from a deadline */
		spin_lock(&m->ring->lock);
		w->asleep = false;
	}
	err = m->left ? dmp_member_gone(m) : slept || w->state != DMP_WAIT_MET ? result(m, err) : 0;
	spin_unlock(&m->ring->lock);
	if (slept)
		trace_dmp_woken(m, target, err);
	return err;
}

/* ---- the calls ---- */

/* How far ahead a target may lie and still be reached by somebody honest. */
static bool target_in_range(const struct dmp_member *m, u64 target)
{
	u64 own;

	if (m->role == DMP_ROLE_OBSERVER)
		return true;
	if (m->role == DMP_ROLE_PRODUCER)
		return target <= dmp_produced(m->ring);
	own = READ_ONCE(dmp_ring_own(m->ring, m->index)->cursor);
	return target <= own || target - own <= m->ring->slots;
}

/* One thread at a time. */
static int begin_wait(struct dmp_member *m, u64 target)
{
	int err = 0;

	if (!target_in_range(m, target))
		return -EINVAL;
	spin_lock(&m->ring->lock);
	if (m->left)
		err = dmp_member_gone(m);
	else if (m->waiter.task)
		err = -EBUSY;
	else
		m->waiter.task = current;
	spin_unlock(&m->ring->lock);
	return err;
}

static void end_wait(struct dmp_member *m)
{
	spin_lock(&m->ring->lock);
	m->waiter.task = NULL;
	spin_unlock(&m->ring->lock);
}

int dmp_wait(struct dmp_member *m, const struct dmp_wait *args)
{
	ktime_t expires = dmp_wait_expires(args->deadline);
	int err = begin_wait(m, args->target);

	if (err)
		return err;
	do {
		err = wait_once(m, args->target, args->deadline == U64_MAX ? NULL : &expires);
	} while (err == -EAGAIN && !signal_pending(current));
	end_wait(m);
	return err == -EAGAIN ? -ERESTARTSYS : err;
}

int dmp_arm(struct dmp_member *m, const struct dmp_wait *args)
{
	int err = begin_wait(m, args->target);

	if (err)
		return err;
	arm(m, args->target, true);
	switch (m->waiter.state) {
	case DMP_WAIT_ARMED:
		err = 0;
		break;
	case DMP_WAIT_ENDED:
		err = -EPIPE;
		break;
	case DMP_WAIT_IDLE:
		err = dmp_member_gone(m);
		break;
	default:
		err = 1;
	}
	spin_unlock(&m->ring->lock);
	end_wait(m);
	return err;
}

/* Readable: what ARM waited for is there, or it must look again. */
__poll_t dmp_wait_poll(struct dmp_member *m)
{
	const struct dmp_waiter *w = &m->waiter;
	__poll_t mask = 0;

	spin_lock(&m->ring->lock);
	if (w->poll && w->state != DMP_WAIT_ARMED && w->state != DMP_WAIT_IDLE)
		mask |= EPOLLIN | EPOLLRDNORM;
	if (m->role != DMP_ROLE_PRODUCER && dmp_ring_ended(m->ring))
		mask |= EPOLLHUP;
	if (m->seen_generation != m->ring->meta->generation)
		mask |= EPOLLPRI;
	if (m->left)
		mask |= EPOLLERR;
	spin_unlock(&m->ring->lock);
	return mask;
}

/* The member leaves: whoever sleeps for it wakes to hear so. */
void dmp_wait_withdraw(struct dmp_member *m)
{
	spin_lock(&m->ring->lock);
	dmp_waiter_finish(m->ring, m, DMP_WAIT_IDLE);
	spin_unlock(&m->ring->lock);
}

int dmp_wait_init(struct dmp_member *m, u32 links)
{
	struct dmp_waiter *w = &m->waiter;
	u32 i;

	w->links = kcalloc(links, sizeof(*w->links), GFP_KERNEL_ACCOUNT);
	if (!w->links)
		return -ENOMEM;
	w->count = links;
	for (i = 0; i < links; i++)
		w->links[i].member = m;
	return 0;
}
