// SPDX-License-Identifier: GPL-2.0
/*
 * sample.c: what the members count, told of while somebody listens
 *
 * Counting is plain stores to a page of the member's own, and nobody is told. While the tracepoint dmp_sample is on, each
 * member that is there has its page looked at every sample_ms, and once more when it leaves, dies or is removed: then
 * nothing of what it has counted is lost. While it is off none of this runs. Looking takes at most a hundredth of a
 * CPU's time: with very many members it is done less often.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/workqueue.h>
#include <dmp/counters.h>
#include "dmp.h"
#include "trace.h"

#define REST 99 /* times as long as the looks of a round have taken */

static unsigned int sample_ms = 100;
module_param(sample_ms, uint, 0644);
MODULE_PARM_DESC(sample_ms, "ms between two samples of each member's counters, while somebody listens (100)");

static void sample_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(samples, sample_work);

/* Its second page. All of it is the member's word. */
const struct dmp_counters_page *dmp_sample_page(const struct dmp_member *m)
{
	return (void *)m->ring->cursor + PAGE_SIZE + ((size_t)m->index * DMP_MEMBER_PAGES + 1) * PAGE_SIZE;
}

/* T of dmp/counters.h. As its owner made it. Before that it is empty, or of whoever had the place that m has resumed. */
static bool page_is_of(const struct dmp_counters_page *page, const struct dmp_member *m)
{
	return smp_load_acquire(&page->head.incarnation) == m->incarnation &&
	       READ_ONCE(page->head.magic) == DMP_COUNTERS_MAGIC;
}

/* The built-in ones, each loaded once; those that positions tell made from them. */
void dmp_sample_counters(const struct dmp_member *m, u64 *to)
{
	const struct dmp_counters_page *page = dmp_sample_page(m);
	struct dmp_ring *ring = m->ring;
	const struct dmp_counted c = {
		.role = m->role,
		.ring_flags = ring->flags,
		.event_size = ring->event_size,
		.start = ring->table[m->index].start,
		.cursor = READ_ONCE(ring->cursor->cursor),
		.released = READ_ONCE(dmp_ring_own(ring, m->index)->cursor),
		.aborted = READ_ONCE(dmp_ring_own(ring, m->index)->aborted),
		.counted = READ_ONCE(page->slot[dmp_counted_at(m->role)].value),
	};
	bool valid = page_is_of(page, m);
	u32 i;

	for (i = 0; i < DMP_COUNTERS_BUILT_IN; i++) {
		const struct dmp_counter_slot *slot = &page->slot[i];
		u32 flags = valid ? smp_load_acquire(&slot->flags) : 0; /* S */

		to[i] = flags & DMP_COUNTER_IN_USE
				? dmp_counter_value(READ_ONCE(slot->id), flags, READ_ONCE(slot->value), &c)
				: 0;
	}
}

/* How many ns it has taken. */
static u64 sample_member(struct dmp_ring *ring, u32 index)
{
	const struct dmp_member *m;
	u64 took;

	spin_lock(&ring->lock); /* keeps the member: dmp_member_free_slot() takes it */
	took = ktime_get_ns();
	m = ring->member[index];
	if (m && !m->left)
		trace_dmp_sample(m);
	took = ktime_get_ns() - took;
	spin_unlock(&ring->lock);
	return took;
}

static u64 sample_ring(struct dmp_ring *ring)
{
	u64 spent = 0;
	u32 i;

	for (i = 0; i < ring->members; i++) {
		if (!READ_ONCE(ring->member[i]))
			continue;
		spent += sample_member(ring, i);
		cond_resched();
	}
	return spent;
}

static void sample_work(struct work_struct *work)
{
	struct dmp_ring *ring = NULL;
	u64 spent = 0;

	while ((ring = dmp_ring_after(ring)))
		spent += sample_ring(ring);
	queue_delayed_work(system_unbound_wq, &samples,
			   max(msecs_to_jiffies(READ_ONCE(sample_ms)), nsecs_to_jiffies(REST * spent) + 1));
}

/* Somebody listens: the first, and nobody any more, the last. */
int dmp_sample_begin(void)
{
	queue_delayed_work(system_unbound_wq, &samples, 0);
	return 0;
}

void dmp_sample_end(void)
{
	cancel_delayed_work_sync(&samples);
}
