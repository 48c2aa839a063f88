// SPDX-License-Identifier: GPL-2.0
/*
 * place.c: what becomes of a consumer's place: its gate, its edges, its name and how far it had got
 *
 *   drop   all of it goes. To leave and to be evicted are that, whatever the policy
 *   fail   a death: drop, and all that depend on it, directly or through others, are removed with an error of their own.
 *          The default is the same: where nobody depends on it, fail is drop
 *   hold   a death: gate and edges stay for a while. What is left of the member is the place: it keeps its slot in
 *          ring->member and neither process, file, ring nor module. One of the same name and uid that joins goes on
 *          there, at the last released position, so it may see events again but misses none
 *
 * Whoever is removed learns it by its incarnation, which is raised first, then the mask is stored, then the generation
 * raised: a consumer that still finds its incarnation after its last read had its gate until then.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include "dmp.h"
#include "trace.h"

#define LONGEST (3600 * NSEC_PER_SEC) /* from one look at the clock to the next */

static u64 released_up_to(const struct dmp_member *m)
{
	return READ_ONCE(dmp_ring_own(m->ring, m->index)->cursor);
}

/* The consumer at i, if it is there. */
static struct dmp_member *consumer_at(const struct dmp_ring *ring, u32 i)
{
	struct dmp_member *m = i < ring->members ? ring->member[i] : NULL;

	return m && m->role == DMP_ROLE_CONSUMER && dmp_member_is_there(m) ? m : NULL;
}

/* m and all that depend on it, directly or through others. */
static u64 with_dependants(const struct dmp_member *m)
{
	u64 set = BIT_ULL(m->index), before;
	u32 i;

	lockdep_assert_held(&m->ring->mutex);
	do {
		before = set;
		for (i = 0; i < DMP_MAX_GATES; i++) {
			const struct dmp_member *other = consumer_at(m->ring, i);

			if (other && (other->deps & set))
				set |= BIT_ULL(i);
		}
	} while (set != before);
	return set;
}

/* ---- drop ---- */

/* It is removed: no name any more, and no place held. */
static void retire(struct dmp_member *m, u32 gone)
{
	struct dmp_ring *ring = m->ring;

	dmp_member_retire(m, DMP_MEMBER_LEFT, gone);
	if (m->held)
		WRITE_ONCE(ring->held, ring->held - 1);
	m->held = false;
	ring->stats.evicted += gone == DMP_GONE_EVICTED;
	ring->stats.failed += gone == DMP_GONE_FAILED;
}

static void cut_edges(struct dmp_ring *ring, u64 set)
{
	u32 i;

	lockdep_assert_held(&ring->lock);
	for (i = 0; i < DMP_MAX_GATES; i++) {
		struct dmp_member *other = consumer_at(ring, i);

		if (!other || !(other->deps & set))
			continue;
		other->deps &= ~set;
		WRITE_ONCE(ring->table[i].deps, other->deps);
	}
}

/* They hear why before they could take each other's going for what they wait for. */
static void tell_failed(struct dmp_ring *ring, u64 set, u32 by)
{
	for (; set; set &= set - 1) {
		struct dmp_member *m = ring->member[__ffs64(set)];

		trace_dmp_fail(m, released_up_to(m), by);
		dmp_wait_withdraw(m);
	}
}

/* Nobody waits for them any more; of whom only the place was left, nothing is. */
static void bury(struct dmp_ring *ring, u64 set)
{
	for (; set; set &= set - 1) {
		struct dmp_member *m = ring->member[__ffs64(set)];

		trace_dmp_sample(m);
		dmp_wake_dropped(ring, 1 + m->index);
		if (!m->released)
			continue;
		dmp_member_free_slot(m);
		kfree_rcu(m, rcu);
	}
}

/* m for the reason gone, and in the same step the others of the set because of m. It may be freed by that. */
static void drop(struct dmp_member *m, u32 gone, u64 set)
{
	struct dmp_ring *ring = m->ring;
	u32 self = m->index;
	u64 bits;

	lockdep_assert_held(&ring->mutex);
	spin_lock(&ring->lock);
	for (bits = set; bits; bits &= bits - 1)
		retire(ring->member[__ffs64(bits)], __ffs64(bits) == self ? gone : DMP_GONE_FAILED);
	WRITE_ONCE(ring->meta->gates, ring->meta->gates & ~set);
	cut_edges(ring, set);
	dmp_member_raise(ring);
	spin_unlock(&ring->lock);
	tell_failed(ring, set & ~BIT_ULL(self), self);
	dmp_wait_withdraw(m);
	bury(ring, set);
}

void dmp_place_leave(struct dmp_member *m)
{
	drop(m, DMP_GONE_LEFT, BIT_ULL(m->index));
}

/* ---- hold ---- */

/* Look again when the next place's time is up. */
static void schedule_expiry(struct dmp_ring *ring)
{
	u64 now = ktime_get_ns(), next = U64_MAX;
	u32 i;

	lockdep_assert_held(&ring->mutex);
	for (i = 0; i < DMP_MAX_GATES; i++) {
		const struct dmp_member *m = consumer_at(ring, i);

		if (m && m->held)
			next = min(next, m->held_until);
	}
	if (next == U64_MAX)
		return;
	next = next > now ? min_t(u64, next - now, LONGEST) : 0;
	mod_delayed_work(system_unbound_wq, &ring->expire, nsecs_to_jiffies(next) + 1);
}

static void expire_work(struct work_struct *work)
{
	struct dmp_ring *ring = container_of(to_delayed_work(work), struct dmp_ring, expire);
	u64 now = ktime_get_ns();
	bool any = false;
	u32 i;

	mutex_lock(&ring->mutex);
	for (i = 0; i < DMP_MAX_GATES; i++) {
		struct dmp_member *m = consumer_at(ring, i);

		if (!m || !m->held || m->held_until > now)
			continue;
		trace_dmp_expire(m, released_up_to(m), i);
		drop(m, DMP_GONE_LEFT, BIT_ULL(i));
		any = true;
	}
	if (any)
		dmp_member_tell_all(ring);
	schedule_expiry(ring);
	mutex_unlock(&ring->mutex);
}

/* Its gate stays where it is, and so does who waits for that. */
static void hold(struct dmp_member *m)
{
	struct dmp_ring *ring = m->ring;
	u64 now = ktime_get_ns();

	m->held_until = m->hold < U64_MAX - now ? now + m->hold : U64_MAX;
	spin_lock(&ring->lock);
	dmp_member_retire(m, DMP_MEMBER_HELD, DMP_GONE_LEFT);
	m->held = true;
	WRITE_ONCE(ring->held, ring->held + 1);
	dmp_member_raise(ring);
	spin_unlock(&ring->lock);
	dmp_wait_withdraw(m);
	dmp_wake(ring, 1 + m->index, NULL); /* it may have died between A and B */
	schedule_expiry(ring);
	trace_dmp_sample(m);
	trace_dmp_hold(m, released_up_to(m), m->index);
}

/* May m, whose dependencies are known, go on in the place of who has its name? */
int dmp_place_check(const struct dmp_member *held, const struct dmp_member *m)
{
	lockdep_assert_held(&m->ring->mutex);
	if (!held->held)
		return -EEXIST;
	if (!uid_eq(held->uid, m->uid))
		return -EPERM;
	if (!held->released) /* its pages may be mapped still, for writing */
		return -EEXIST;
	return held->deps == m->deps ? 0 : -EINVAL;
}

/* m has the place now. Returns where it goes on; a cursor that nobody honest leaves is moved into the ring. */
u64 dmp_place_resume(struct dmp_member *m)
{
	struct dmp_ring *ring = m->ring;
	struct dmp_member *held = ring->member[m->index];
	u64 cursor = dmp_sequence_at(ring, 0), start = released_up_to(held);

	lockdep_assert_held(&ring->lock);
	start = max(start, cursor > ring->slots ? cursor - ring->slots : 0);
	start = min(start, cursor + ring->slots);
	smp_store_release(&dmp_ring_own(ring, m->index)->cursor, start); /* F in its stead, pairs with G */
	WRITE_ONCE(ring->held, ring->held - 1);
	ring->member[m->index] = m;
	trace_dmp_resume(m, start, m->index);
	kfree_rcu(held, rcu);
	return start;
}

/* ---- death, eviction ---- */

void dmp_place_die(struct dmp_member *m)
{
	if (m->policy == DMP_POLICY_HOLD)
		hold(m);
	else
		drop(m, DMP_GONE_LEFT, m->policy == DMP_POLICY_DROP ? BIT_ULL(m->index) : with_dependants(m));
}

/* It may be freed by that. */
void dmp_place_remove(struct dmp_member *m)
{
	struct dmp_ring *ring = m->ring;

	trace_dmp_evict(m, released_up_to(m), m->index);
	drop(m, DMP_GONE_EVICTED, BIT_ULL(m->index));
	dmp_member_tell_all(ring);
}

int dmp_place_evict(struct dmp_ring *ring, const char *name)
{
	struct dmp_member *m;

	if (mutex_lock_killable(&ring->mutex))
		return -EINTR;
	m = dmp_member_find(ring, name);
	if (m)
		dmp_place_remove(m);
	mutex_unlock(&ring->mutex);
	return m ? 0 : -ENOENT;
}

/* ---- the ring ---- */

void dmp_place_init(struct dmp_ring *ring)
{
	INIT_DELAYED_WORK(&ring->expire, expire_work);
}

/* The last reference has gone: in ring->member are places that are held, and nobody else. */
void dmp_place_exit(struct dmp_ring *ring)
{
	u32 i;

	cancel_delayed_work_sync(&ring->expire);
	for (i = 0; i < ring->members; i++)
		kfree_rcu(ring->member[i], rcu);
}
