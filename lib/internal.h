/* SPDX-License-Identifier: LGPL-2.1 OR MIT */
/* internal.h: what the files of the library share */
#ifndef DMP_LIB_INTERNAL_H
#define DMP_LIB_INTERNAL_H

#include <dmp.h>

#include "ops.h"
#include "sys.h"

/* ---- map.c ---- */

/* The regions of a ring as a member has them mapped. */
enum dmp_region_ { DMP_META_, DMP_CURSOR_, DMP_MEMBERS_, DMP_SELF_, DMP_DATA_, DMP_REGIONS_ };

struct dmp_maps_ {
	struct {
		void *at;
		size_t size; /* to unmap; 0: it is part of something else */
	} region[DMP_REGIONS_];
};

/* The ring is of the layout that this library knows, and what it says of itself fits together. */
bool dmp_layout_matches_(const struct dmp_meta *meta, uint64_t meta_size);

/* Map what a member file's role may touch, and check it. -EPROTO, errors of mmap. */
int dmp_map_(struct dmp_maps_ *maps, int fd, uint32_t role, const struct dmp_join *joined);
void dmp_unmap_(struct dmp_maps_ *maps);

/* ---- member.c ---- */

/* Names of members into fields of their own. -EINVAL */
int dmp_member_names_(char (*to)[DMP_MEMBER_NAME_MAX], const char *const *names, uint32_t count);

/* What a member waits for. */
struct dmp_want_ {
	uint64_t n;	   /* slots or events; a consumer's shrinks at the end of the stream */
	uint64_t target;   /* the position that says so to WAIT */
	uint64_t deadline; /* DMP_FOREVER: none */
	uint64_t looks;	   /* in vain so far */
	uint32_t pace;	   /* budget, see dmp_wait_strategy */
	uint32_t flags;	   /* of WAIT */
};

/* ---- counters.c ---- */

void dmp_counters_begin_(struct dmp_member *m, uint32_t selection);

/* Of the built-in ones, off the hot path: of those that lite has, and of the rest. */
static inline void dmp_count_(const struct dmp_member *m, uint32_t at, uint64_t n)
{
	if (m->counters)
		dmp_grow(m->counters[at].value, n);
}

static inline void dmp_detail_(const struct dmp_member *m, uint32_t at, uint64_t n)
{
	if (m->detail)
		dmp_grow(m->detail[at].value, n);
}

void dmp_count_lag_(struct dmp_member *m, uint64_t there) __attribute__((cold));
void dmp_count_vain_look_(const struct dmp_member *m, bool found_full) __attribute__((cold));
int dmp_count_tried_(const struct dmp_member *m, int err) __attribute__((cold));

/* A look that found events. */
static inline void dmp_count_found_(struct dmp_member *m)
{
	if (dmp_likely_(!m->detail))
		return;
	dmp_grow(m->detail[DMP_COUNTER_AT_BATCHES].value, 1);
	if (m->seen - m->pos >= m->lag_from)
		dmp_count_lag_(m, m->seen - m->pos);
}

/* A look in vain, of a wait. The first of a claim, however it goes on, found the ring full. */
static inline void dmp_count_vain_(const struct dmp_member *m, struct dmp_want_ *w)
{
	w->looks++;
	if (!dmp_likely_(!m->detail))
		dmp_count_vain_look_(m, w->looks == 1 && m->role == DMP_ROLE_PRODUCER && !w->flags);
}

/* A try that failed, for whatever reason. Returns it. */
static inline int dmp_count_try_(const struct dmp_member *m, int err)
{
	return dmp_likely_(!m->detail) ? err : dmp_count_tried_(m, err);
}

/* The owner's wake, counted. */
void dmp_counted_wake_(struct dmp_member *m);

/* A sleep for target begins; it has ended, and the look after it was in vain. */
void dmp_count_sleep_(struct dmp_member *m, uint64_t target);
void dmp_count_futile_(struct dmp_member *m, uint64_t target);

/* ---- claim.c ---- */

/* Where a producer's gates must stand for n more slots. */
uint64_t dmp_gate_target_(const struct dmp_member *m, uint64_t n);

/* n slots can be had at once at all. */
bool dmp_claimable_(const struct dmp_member *m, uint64_t n);

/* The smallest gate, never above highest, which was read before. Sets m->slowest. */
uint64_t dmp_gate_(struct dmp_member *m, uint64_t highest);

/* Full still: who held the gate at the last look has not moved, and membership is the same. */
bool dmp_still_full_(const struct dmp_member *m);

/* ---- wait.c ---- */

/* After a look in vain. 0: the membership has changed since the last one, look again; -EAGAIN: it has not; -ESTALE,
 * -EOWNERDEAD: the member has been removed. */
int dmp_watch_(struct dmp_member *m);

static inline void dmp_pause_for_(uint32_t pauses)
{
	for (; pauses; pauses--)
		dmp_pause();
}

/* That it may wait for n events. -EACCES, -EINVAL */
int dmp_waitable_(const struct dmp_member *m, uint64_t n);

/* All producers have left. Read before the cursor: what is published then is all there will be. */
bool dmp_has_ended_(const struct dmp_member *m);

/* One step of waiting after a look in vain: by the strategy a pause, a yield or a sleep. 0: look again. */
int dmp_wait_step_(struct dmp_member *m, struct dmp_want_ *w);

/*
 * Wait, of every role: look until it is there. look returns 0: it is; -EAGAIN: not yet; else an error. Inline for the
 * sake of the look, which is so, too: a poll of a line that another CPU writes should be no longer than that.
 */
DMP_ALWAYS_ int dmp_wait_loop_(struct dmp_member *m, struct dmp_want_ *w,
			       int (*look)(struct dmp_member *m, struct dmp_want_ *w))
{
	int err;

	for (;;) {
		err = look(m, w);
		if (err != -EAGAIN)
			return err;
		err = dmp_wait_step_(m, w);
		if (err)
			return err;
	}
}

/* ---- several.c: what claim.c and wait.c have, of rings with several producers ---- */

int dmp_claim_several_(struct dmp_member *m, uint64_t n, uint64_t *pos, uint64_t deadline);
int dmp_try_claim_several_(struct dmp_member *m, uint64_t n, uint64_t *pos);
int dmp_abort_several_(struct dmp_member *m, uint64_t pos, uint64_t n);
int dmp_wait_several_(struct dmp_member *m, uint64_t n, struct dmp_batch *batch, uint64_t deadline);
int dmp_try_wait_several_(struct dmp_member *m, uint64_t n, struct dmp_batch *batch);

/* Whether the slot that the sleepers watch is done: whoever fills it wakes them. */
bool dmp_watched_is_done_(const struct dmp_member *m);

static inline const struct dmp_own *dmp_own_(const struct dmp_member *m, uint32_t index)
{
	return (const void *)(m->members + (size_t)index * m->member_size + dmp_own_offset(index));
}

#endif /* DMP_LIB_INTERNAL_H */
