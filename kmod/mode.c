// SPDX-License-Identifier: GPL-2.0
/*
 * mode.c: quiet and fenced
 *
 * While nobody sleeps on a sequence its mode is quiet: the owner pays no fence. The first sleeper sets fenced and needs D,
 * a grace period, before it may trust what it reads (see dmp.h). Once a whole grace period has passed since the switch
 * the sequence is settled, and sleeping is cheap until it has been idle for a second: at most one switch a second of each
 * sequence. Who makes rings and members in a loop can ask for more, as anybody can of membarrier.
 *
 * The grace period interrupts the CPUs that run user code, which is what the owner's missing fence needs. Where it does not
 * (nohz_full: user code counts as quiescent) or costs too much (PREEMPT_RT) rings are fenced for good.
 */
#include <linux/rcupdate.h>
#include <linux/tick.h>
#include "dmp.h"

#define DMP_IDLE HZ /* so long nobody must have slept before a sequence is quiet again */

static bool fenced_for_good(const struct dmp_ring *ring)
{
	return IS_ENABLED(CONFIG_PREEMPT_RT) || tick_nohz_full_enabled() || (ring->flags & DMP_RING_FENCED);
}

/* Nobody has queued for a while: the owner need not look any more. */
static bool make_quiet(struct dmp_sequence *s)
{
	if (!RB_EMPTY_ROOT(&s->waiters.rb_root) || time_before(jiffies, s->slept + DMP_IDLE))
		return false;
	s->fenced = false;
	s->settled = false;
	WRITE_ONCE(s->line->mode, DMP_MODE_QUIET);
	return true;
}

static void quiet_work(struct work_struct *work)
{
	struct dmp_ring *ring = container_of(to_delayed_work(work), struct dmp_ring, quiet);
	bool again = false;
	u32 i;

	spin_lock(&ring->lock);
	for (i = 0; i < DMP_SEQUENCES; i++)
		if (ring->seq[i].fenced)
			again |= !make_quiet(&ring->seq[i]);
	spin_unlock(&ring->lock);
	if (again)
		schedule_delayed_work(&ring->quiet, DMP_IDLE);
}

void dmp_mode_init(struct dmp_ring *ring)
{
	bool fenced = fenced_for_good(ring);
	u32 i;

	INIT_DELAYED_WORK(&ring->quiet, quiet_work);
	for (i = 0; i < DMP_SEQUENCES; i++) {
		ring->seq[i].fenced = ring->seq[i].settled = fenced;
		ring->seq[i].line->mode = fenced ? DMP_MODE_FENCED : DMP_MODE_QUIET;
	}
}

void dmp_mode_exit(struct dmp_ring *ring)
{
	cancel_delayed_work_sync(&ring->quiet);
}

/* Part of C: somebody is about to sleep on s. Returns whether D is needed. */
bool dmp_mode_fence(struct dmp_ring *ring, struct dmp_sequence *s)
{
	lockdep_assert_held(&ring->lock);
	s->slept = jiffies;
	if (!s->fenced) {
		s->fenced = true;
		s->switched = ++ring->switches;
		WRITE_ONCE(s->line->mode, DMP_MODE_FENCED);
		schedule_delayed_work(&ring->quiet, DMP_IDLE);
	}
	return !s->settled;
}

/*
 * D: a grace period that begins after the switch. One that somebody else began may have been under way when we came, so
 * everyone who finds the sequence unsettled runs its own.
 */
void dmp_mode_settle(struct dmp_ring *ring)
{
	u64 seen;
	u32 i;

	spin_lock(&ring->lock);
	seen = ring->switches;
	spin_unlock(&ring->lock);
	synchronize_rcu_expedited();
	spin_lock(&ring->lock);
	ring->stats.fences++;
	for (i = 0; i < DMP_SEQUENCES; i++)
		if (ring->seq[i].fenced && ring->seq[i].switched <= seen)
			ring->seq[i].settled = true;
	spin_unlock(&ring->lock);
}
