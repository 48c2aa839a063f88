// SPDX-License-Identifier: LGPL-2.1 OR MIT
/*
 * segment_wait.c: sleep and wake where no kernel keeps the list of who sleeps
 *
 * A notify word has many writers here, so it cannot say who sleeps, only that somebody does:
 *
 *   owner of a sequence                            sleeper
 *     A  store-release the cursor                  N  load the wake count
 *     B  load mode; quiet: done                    C  lower notify to the target, by compare-and-swap; note the time
 *        fenced: full barrier, load notify,        D  mode quiet: draw a number for it; not settled since: membarrier
 *        if notify <= cursor:                      E  full barrier, re-check; met: leave
 *     X  exchange notify for all-ones              W  futex wait, if the count is still that of N
 *     Y  raise the wake count, futex wake all
 *
 * N  before C, and X before Y: whose notify was taken by an X sees a count raised after its N, and W does not sleep.
 *    With Y before X a sleeper could read the raised count, announce itself, and be wiped out by X: lost wake.
 * D  the module's grace period is a membarrier here: it interrupts every running process that owns a sequence. The mode
 *    is a number drawn at each switch; "settled" names the mode since which a barrier has run, so that one that was
 *    begun for an older switch proves nothing.
 * Q  the owner goes back to quiet: store quiet, full barrier, load notify; somebody there: take it back. Against C and
 *    the load of the mode in D it is store buffering: one sees the other.
 *
 * Everybody is woken and looks for himself. Whoever dies between X and Y leaves sleepers behind; they look up by
 * themselves, after LOOK_UP_NS and then ever more rarely, and see to the dead then.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "segment.h"

#define LOOK_UP_NS   100000000
#define LOOK_UP_MOST 1600000000
#define UNSURE_NS    1000000	/* ... where no membarrier is to be had */
#define CALM_AFTER   1000000000 /* nobody has slept for so long: quiet */
#define NO_SEQUENCE  UINT32_MAX

/* ---- waking ---- */

static int wake_line(struct dmp_notify *line)
{
	dmp_exchange(line->notify, DMP_NOBODY); /* X */
	DMP_TEST_POINT(WAKE_TAKEN);
	dmp_raise(line->wakes, 1); /* Y */
	return (int)syscall(SYS_futex, &line->wakes, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

int dmp_segment_wake_(struct dmp_member *m)
{
	struct dmp_tally *ring = &m->segment->head->tally, *own = &m->segment->seats[m->index].tally;
	int woken = wake_line(m->line);

	dmp_count(ring->wakes, 1);
	dmp_count(own->wakes, 1);
	if (woken <= 0) {
		dmp_count(ring->empty, 1);
		dmp_count(own->empty, 1);
	}
	return woken > 0 ? woken : 0;
}

void dmp_segment_wake_sequence_(struct dmp_segment_ *s, uint32_t sequence, uint64_t cursor)
{
	dmp_full_barrier(); /* B, pairs with E */
	if (dmp_load_once(s->lines[sequence].notify) <= cursor)
		wake_line(&s->lines[sequence]);
}

void dmp_segment_wake_all_(struct dmp_segment_ *s)
{
	uint32_t i;
	int woken;

	dmp_full_barrier(); /* B in its stead, pairs with E: what has changed before who sleeps */
	for (i = 0; i < 1 + DMP_MAX_GATES; i++) {
		if (dmp_load_once(s->lines[i].notify) == DMP_NOBODY)
			continue;
		woken = wake_line(&s->lines[i]);
		if (woken > 0)
			dmp_count(s->head->tally.changed, (uint64_t)woken);
	}
}

/* ---- quiet and fenced ---- */

static int membarrier(int command)
{
	return (int)syscall(SYS_membarrier, command, 0, 0);
}

/* A process that cannot be interrupted by others' barriers must fence by itself. */
void dmp_segment_own_sequence_(struct dmp_segment_ *s, uint32_t sequence)
{
	struct dmp_notify *line = &s->lines[sequence];
	bool quiet = !(s->meta->flags & DMP_RING_FENCED) && !membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);

	if (quiet) {
		if (dmp_load_once(line->mode) == DMP_MODE_FENCED)
			dmp_store_once(line->mode, (__u32)DMP_MODE_QUIET);
		return;
	}
	dmp_store_once(line->settled, (__u32)DMP_MODE_FENCED);
	dmp_store_once(line->mode, (__u32)DMP_MODE_FENCED);
}

/* The mode after this is not quiet. */
static uint32_t make_fenced(struct dmp_segment_ *s, struct dmp_notify *line)
{
	uint32_t mode = dmp_load_once(line->mode), drawn;

	if (mode != DMP_MODE_QUIET)
		return mode;
	drawn = (uint32_t)dmp_raise(s->head->switches, 1);
	if (drawn <= DMP_MODE_FENCED) /* the count has come round */
		drawn = (uint32_t)dmp_raise(s->head->switches, 2);
	return dmp_replace(line->mode, &mode, drawn) ? drawn : mode;
}

/* D. Whether the owner is known to look from now on. */
static bool fence(struct dmp_segment_ *s, struct dmp_notify *line)
{
	uint32_t mode;

	dmp_full_barrier(); /* C before the mode, pairs with Q */
	mode = make_fenced(s, line);

	if (dmp_load_acquire(line->settled) == mode)
		return true;
	if (membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED) && membarrier(MEMBARRIER_CMD_GLOBAL))
		return false;
	dmp_count(s->head->tally.fences, 1);
	dmp_store_release(line->settled, mode);
	return true;
}

/* Q */
void dmp_segment_calm_(struct dmp_member *m)
{
	struct dmp_notify *line = m->line;
	uint32_t mode = dmp_load_once(line->mode), quiet = DMP_MODE_QUIET;

	if (mode == DMP_MODE_FENCED || dmp_sys_now() - dmp_load_once(line->slept) < CALM_AFTER)
		return;
	DMP_TEST_POINT(CALM_BEFORE);
	dmp_store_once(line->mode, quiet);
	dmp_full_barrier();
	if (dmp_load_once(line->notify) != DMP_NOBODY)
		dmp_replace(line->mode, &quiet, mode);
}

/* ---- sleeping ---- */

/* The first sequence of the member's barrier that has not reached the target. */
static uint32_t unmet(const struct dmp_member *m, uint64_t target)
{
	const struct dmp_segment_ *s = m->segment;
	uint64_t bits = m->role == DMP_ROLE_PRODUCER ? dmp_load_acquire(m->meta->gates) : dmp_load_once(m->entry->deps);

	if (m->role != DMP_ROLE_PRODUCER && !dmp_reached(dmp_load_acquire(s->cursor->cursor), target))
		return 0;
	if (dmp_is_file_(s))
		bits &= ~(1ULL << DMP_SAVED_INDEX); /* nobody to wait for: who needs that room makes it (saved.c) */
	for (; bits; bits &= bits - 1) {
		uint32_t sequence = 1 + (uint32_t)__builtin_ctzll(bits);

		if (!dmp_reached(dmp_load_acquire(*dmp_sequence_(s, sequence)), target))
			return sequence;
	}
	return NO_SEQUENCE;
}

/* C */
static void announce(struct dmp_notify *line, uint64_t target, uint64_t now)
{
	__u64 notify = dmp_load_once(line->notify);

	while (target < notify && !dmp_replace(line->notify, &notify, target))
		;
	dmp_store_once(line->slept, now);
	DMP_TEST_POINT(SLEEP_ANNOUNCED);
}

/* W. 0: woken; -EAGAIN: before it slept; -ETIMEDOUT -EINTR */
static int futex_wait(struct dmp_notify *line, uint32_t count, uint64_t until)
{
	struct timespec t = { .tv_sec = (time_t)(until / 1000000000), .tv_nsec = (long)(until % 1000000000) };

	if (!syscall(SYS_futex, &line->wakes, FUTEX_WAIT_BITSET, count, &t, NULL, FUTEX_BITSET_MATCH_ANY))
		return 0;
	return -errno;
}

static void count_sleep(struct dmp_member *m, int err)
{
	struct dmp_tally *ring = &m->segment->head->tally, *own = &m->segment->seats[m->index].tally;

	dmp_count(ring->sleeps, 1);
	dmp_count(own->sleeps, 1);
	dmp_count_(m, DMP_COUNTER_AT_SLEEPS, 1);
	if (!err) {
		dmp_count(ring->woken, 1);
		dmp_count(own->woken, 1);
	}
}

struct nap {
	uint64_t target;
	uint64_t until;	     /* its deadline */
	uint64_t look_up;    /* the longest sleep */
	uint64_t generation; /* of the membership when it began */
};

static bool is_over(const struct dmp_member *m, const struct nap *nap)
{
	return unmet(m, nap->target) == NO_SEQUENCE || dmp_load_acquire(m->meta->generation) != nap->generation;
}

/* ... or this sequence has reached the target, whatever others have. */
static bool is_crossed(const struct dmp_member *m, uint32_t sequence, const struct nap *nap)
{
	return dmp_reached(dmp_load_acquire(*dmp_sequence_(m->segment, sequence)), nap->target) || is_over(m, nap);
}

/* Sleep on one sequence: who waits for several finds the next when it is woken. */
static int sleep_on(struct dmp_member *m, uint32_t sequence, const struct nap *nap, uint64_t now)
{
	struct dmp_notify *line = &m->segment->lines[sequence];
	uint32_t wakes = dmp_load_acquire(line->wakes); /* N */
	uint64_t slice;
	int err;

	announce(line, nap->target, now);
	slice = now + (fence(m->segment, line) ? nap->look_up : UNSURE_NS);
	dmp_full_barrier(); /* E, pairs with B */
	if (is_crossed(m, sequence, nap))
		return 0;
	DMP_TEST_POINT(SLEEP_BEFORE);
	err = futex_wait(line, wakes, nap->until < slice ? nap->until : slice);
	count_sleep(m, err);
	if (!err && !is_crossed(m, sequence, nap))
		dmp_count_(m, DMP_COUNTER_AT_FUTILE, 1);
	return err;
}

/* Until the barrier is crossed, the membership changes, a signal comes or the deadline passes. */
static int nap(struct dmp_member *m, struct dmp_seat *seat, struct nap *nap)
{
	int err = 0;

	for (;;) {
		uint32_t sequence = unmet(m, nap->target);
		uint64_t now;

		if (sequence == NO_SEQUENCE || dmp_load_acquire(m->meta->generation) != nap->generation)
			return 0;
		now = dmp_sys_now();
		if (now >= nap->until)
			return -ETIMEDOUT;
		seat->waits_on = sequence;
		err = sleep_on(m, sequence, nap, now);
		if (err == -EINTR)
			return err;
		if (err != -ETIMEDOUT)
			continue;
		dmp_segment_tend_(m->segment, dmp_sys_now());
		if (nap->look_up < LOOK_UP_MOST)
			nap->look_up *= 2;
	}
}

/* After the generation: an end that is not seen here raises it later. A producer waits for room, not for events. */
static bool is_beyond_the_end(const struct dmp_member *m, uint64_t target)
{
	return m->role != DMP_ROLE_PRODUCER && dmp_has_ended_(m) &&
	       !dmp_reached(dmp_load_acquire(m->segment->cursor->cursor), target);
}

int dmp_segment_wait_(struct dmp_member *m, const struct dmp_wait *wait)
{
	struct dmp_seat *seat = &m->segment->seats[m->index];
	struct nap n = { wait->target, wait->deadline, LOOK_UP_NS, dmp_load_acquire(m->meta->generation) };
	int err;

	if (dmp_load_once(m->entry->incarnation) != m->incarnation)
		return -ESTALE;
	if (is_beyond_the_end(m, wait->target))
		return -EPIPE;
	if (dmp_exchange(seat->waiting, (__u32)DMP_WAITING_ASLEEP))
		return -EBUSY;
	seat->target = wait->target;
	err = nap(m, seat, &n);
	dmp_store_release(seat->waiting, 0U);
	return err;
}

/* A futex is no file: nothing here can be polled. */
int dmp_segment_arm_(struct dmp_member *m, const struct dmp_wait *wait)
{
	(void)m;
	(void)wait;
	return -EOPNOTSUPP;
}

void dmp_segment_tend_member_(struct dmp_member *m)
{
	dmp_segment_tend_(m->segment, dmp_sys_now());
}
