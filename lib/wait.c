// SPDX-License-Identifier: LGPL-2.1 OR MIT
/* wait.c: the slow path of wait: spin, pause, yield, sleep; and wake, and poll. Letters: dmp/ring.h */
#include "internal.h"

#define DEADLINE_LOOKS 64   /* spinning, the clock is read every so many looks */
#define TEND_LOOKS     4096 /* ... and the owner of the memory is called, if it has no eyes of its own */
#define STAMP_LOOKS    32   /* at the next event's own line, before all else is watched as well */
#define CALM_LOOKS     256  /* fenced, and nobody to wake: so often it is asked whether that must be */

const struct dmp_wait_strategy dmp_wait_spin = { .pauses = 1, .pace = 128 };
const struct dmp_wait_strategy dmp_wait_yield = { .pauses = 16, .yields = 1, .pace = 128 };
const struct dmp_wait_strategy dmp_wait_sleep = { .pauses = 512, .pace = 128, .sleep = true };
const struct dmp_wait_strategy dmp_wait_block = { .sleep = true };

/* ---- waking ---- */

/* B, fenced: somebody sleeps, or did a moment ago. */
void dmp_wake_slow_(struct dmp_member *m, uint64_t cursor)
{
	dmp_full_barrier(); /* B, pairs with E */
	if (dmp_load_once(m->line->notify) > cursor) {
		if (m->ops->calm && !(++m->fenced_looks % CALM_LOOKS))
			m->ops->calm(m);
		return;
	}
	DMP_TEST_POINT(WAKE_BEFORE);
	dmp_counted_wake_(m);
}

/* ---- one loop for all: dmp_wait_loop_ looks, this is what happens in between ---- */

enum step { SPIN, PAUSE, YIELD, SLEEP };

/* Which step comes after so many looks in vain. Without sleep the last step that has a budget goes on. */
static enum step step_of(const struct dmp_wait_strategy *s, uint64_t looks)
{
	if (looks <= s->spins)
		return SPIN;
	if (looks <= (uint64_t)s->spins + s->pauses)
		return PAUSE;
	if (looks <= (uint64_t)s->spins + s->pauses + s->yields)
		return YIELD;
	if (s->sleep)
		return SLEEP;
	if (s->yields)
		return YIELD;
	return s->spins && !s->pauses ? SPIN : PAUSE;
}

/* Whether the look in vain was not the first after which to sleep. */
static bool has_slept(const struct dmp_wait_strategy *s, uint64_t looks)
{
	return looks > (uint64_t)s->spins + s->pauses + s->yields + 1;
}

static bool past(uint64_t deadline)
{
	return deadline != DMP_FOREVER && dmp_sys_now() >= deadline;
}

/* C, D and E are the owner's. Whatever it found, the next look decides, but for what only it can know. */
static int sleep_until(struct dmp_member *m, const struct dmp_want_ *w)
{
	struct dmp_wait wait = {
		.size = sizeof(wait), .flags = w->flags, .target = w->target, .deadline = w->deadline
	};
	int err;

	dmp_count_sleep_(m, w->target);
	DMP_TEST_POINT(WAIT_BEFORE);
	err = m->ops->wait(m, &wait);
	DMP_TEST_POINT(WAIT_AFTER);
	if (err)
		m->slept_at = 0; /* it was not woken */
	return err == -EPIPE ? 0 : err;
}

int dmp_wait_step_(struct dmp_member *m, struct dmp_want_ *w)
{
	dmp_count_vain_(m, w);
	if (m->ops->tend && !(w->looks % TEND_LOOKS))
		m->ops->tend(m);
	switch (step_of(&m->wait, w->looks)) {
	case SPIN:
		break;
	case PAUSE:
		dmp_pause();
		break;
	case YIELD:
		dmp_sys_yield();
		return past(w->deadline) ? -ETIMEDOUT : 0;
	case SLEEP:
		if (has_slept(&m->wait, w->looks))
			dmp_count_futile_(m, w->target);
		/* Slept in vain: the kernel goes by the cursor, and a hostile one may be ahead of its stamps for ever. */
		if (has_slept(&m->wait, w->looks) && past(w->deadline))
			return -ETIMEDOUT;
		return sleep_until(m, w);
	}
	if (w->looks % DEADLINE_LOOKS)
		return 0;
	return past(w->deadline) ? -ETIMEDOUT : 0;
}

/* ---- looking: consumers ---- */

#define REMOVED 0 /* instead of a role: a consumer whose release was void */

/* Why its incarnation, which has been loaded, has moved: that was stored before it. */
static int gone(const struct dmp_member *m)
{
	dmp_load_fence();
	return dmp_load_once(m->entry->gone) == DMP_GONE_FAILED ? -EOWNERDEAD : -ESTALE;
}

/*
 * Whether the membership has changed since the last look: then the dependencies may be others, for the cursor of one that
 * has left will not move any more; or the member itself is none any more, which it hears each time it looks. Whatever a
 * generation announces was stored before it. 0: it has; -EAGAIN: it has not.
 */
int dmp_watch_(struct dmp_member *m)
{
	uint64_t generation = dmp_load_acquire(m->meta->generation); /* L, pairs with M */

	if (generation == m->generation)
		return -EAGAIN;
	if (dmp_load_once(m->entry->incarnation) != m->incarnation)
		return gone(m);
	m->generation = generation;
	m->deps = dmp_load_once(m->entry->deps);
	return 0;
}

bool dmp_has_ended_(const struct dmp_member *m)
{
	uint32_t ended = dmp_load_acquire(m->meta->ended);

	return ended == DMP_END_CLEAN || ended == DMP_END_CRASHED;
}

/* How far the ring's cursor and the dependencies let it read. */
static uint64_t barrier(const struct dmp_member *m)
{
	uint64_t barrier = dmp_load_acquire(m->ring->cursor); /* H, pairs with A */
	uint64_t deps;

	for (deps = m->deps; deps; deps &= deps - 1) {
		const struct dmp_own *own = dmp_own_(m, (uint32_t)__builtin_ctzll(deps));
		uint64_t cursor = dmp_load_acquire(own->cursor); /* H, pairs with F of the dependency */

		if (cursor < barrier)
			barrier = cursor;
	}
	return dmp_available(barrier, m->pos, m->mask + 1);
}

static void raise_seen(struct dmp_member *m, uint64_t seen)
{
	if (seen > m->seen)
		m->seen = seen;
}

/* A stamped ring tells of its next event in the event's own line. */
static bool polls_stamps(const struct dmp_member *m, uint64_t n)
{
	return n == 1 && m->stamped && !m->deps && !m->by_cursor;
}

static bool look_at_stamp(struct dmp_member *m)
{
	uint64_t stamp = dmp_load_acquire(*dmp_stamp_(dmp_slot_(m, m->pos))); /* H, pairs with I */

	if (dmp_stamp_done(stamp, m->pos))
		raise_seen(m, m->pos + 1);
	return dmp_has_events_(m, 1);
}

static bool look_at_cursors(struct dmp_member *m, const struct dmp_want_ *w)
{
	raise_seen(m, barrier(m));
	if (dmp_has_events_(m, w->n))
		return true;
	if (w->looks > DMP_NEXT_POLLS && w->n == 1)
		dmp_prefetch(dmp_slot_(m, m->pos)); /* the line the event will be in: its writer is not there yet */
	return false;
}

/*
 * At the end of the stream what is left comes as a short batch: want no more than that. -EAGAIN: not the end, or all
 * that is wanted is published and a dependency has still to release it.
 */
static int shorten(struct dmp_member *m, struct dmp_want_ *w)
{
	uint64_t left;

	if (!dmp_has_ended_(m))
		return -EAGAIN;
	left = dmp_available(dmp_load_acquire(m->ring->cursor), m->pos, m->mask + 1) - m->pos; /* H, pairs with A */
	if (!left)
		return -EPIPE;
	if (left >= w->n && m->deps)
		return -EAGAIN;
	if (left >= w->n) {
		raise_seen(m, m->pos + left); /* the cursor is the last word, whatever a dead producer's stamps say */
		return 0;
	}
	w->n = left;
	w->target = m->pos + left;
	return 0;
}

DMP_ALWAYS_ int look_for_events(struct dmp_member *m, struct dmp_want_ *w)
{
	int err;

	do {
		if (polls_stamps(m, w->n) ? look_at_stamp(m) : look_at_cursors(m, w))
			return 0;
		err = dmp_watch_(m);
		if (err == -EAGAIN)
			err = shorten(m, w);
	} while (!err);
	return err;
}

/* One line brings an event and its news; a batch has the cursor for news, and its lines are its producer's until then. */
static void choose_news(struct dmp_member *m)
{
	uint64_t found = m->seen - m->pos;

	if (m->by_cursor)
		m->by_cursor = found > 1;
	else
		m->by_cursor = found >= DMP_MANY;
}

/* Fewer than that, found again and again at the first look: on the producer's heels. */
static uint64_t pace_batch(const struct dmp_member *m)
{
	uint64_t quarter = (m->mask + 1) / 4;

	return quarter < DMP_PACE_BATCH ? quarter : DMP_PACE_BATCH;
}

/*
 * A consumer that finds events at its very first look, twice running, is behind the producer: it reads the cursor once
 * and takes all there is. If that goes on and it still finds few, it is on the producer's heels, and the two hand lines
 * to and fro for each event; a pause of about a microsecond lets the producer get ahead. Looks in vain mean that it has
 * caught up: nothing is delayed then, nor is a burst.
 */
static void keep_pace(struct dmp_member *m, const struct dmp_want_ *w)
{
	m->streak = w->looks ? 0 : m->streak + 1;
	if (m->streak >= 2)
		raise_seen(m, barrier(m));
	choose_news(m);
	if (m->streak < DMP_PACE_STREAK || m->seen - m->pos >= pace_batch(m))
		return;
	if (!w->pace)
		m->streak = -DMP_PACE_REST; /* not to be paced: leave the cursor's line alone for a while */
	dmp_pause_for_(w->pace);
	if (w->pace)
		raise_seen(m, barrier(m));
}

/*
 * The shortest way from the line that brings an event to who waits for it: nothing but that line is looked at. Returns
 * how many looks were in vain; STAMP_LOOKS: all.
 */
DMP_ALWAYS_ uint64_t poll_stamp(const struct dmp_member *m)
{
	const __u64 *stamp = dmp_stamp_(dmp_slot_(m, m->pos));
	uint64_t looks;

	for (looks = 0; looks < STAMP_LOOKS; looks++) {
		if (dmp_stamp_done(dmp_load_acquire(*stamp), m->pos)) /* H, pairs with I */
			break;
		dmp_pause();
	}
	return looks;
}

/* Whether the strategy allows for so many looks. */
static bool may_poll(const struct dmp_member *m, uint64_t n)
{
	return polls_stamps(m, n) && m->wait.pauses && (!m->wait.sleep || m->wait.pauses > STAMP_LOOKS);
}

int dmp_waitable_(const struct dmp_member *m, uint64_t n)
{
	if (m->role != DMP_ROLE_CONSUMER)
		return m->role == REMOVED ? gone(m) : -EACCES;
	return n - 1 <= m->mask ? 0 : -EINVAL;
}

/* Nothing that it has seen is its own, and its next wait hears why: a loop that goes on all the same is not for ever. */
int dmp_release_void_(struct dmp_member *m)
{
	m->seen = m->pos;
	m->role = REMOVED;
	return -ESTALE;
}

/* The long way, after some looks. */
static int wait_on(struct dmp_member *m, uint64_t n, struct dmp_batch *batch, uint64_t deadline, uint64_t looks)
{
	struct dmp_want_ w = {
		.n = n, .target = m->pos + n, .deadline = deadline, .looks = looks, .pace = m->wait.pace
	};
	int err;

	if (looks)
		dmp_detail_(m, DMP_COUNTER_AT_SPINS, looks);
	err = dmp_wait_loop_(m, &w, look_for_events);

	if (err)
		return err;
	keep_pace(m, &w);
	dmp_count_found_(m);
	dmp_give_(m, n, batch);
	return 0;
}

int dmp_wait_slow_(struct dmp_member *m, uint64_t n, struct dmp_batch *batch, uint64_t deadline)
{
	uint64_t looks = 0;
	int err;

	if (m->multi)
		return dmp_wait_several_(m, n, batch, deadline);
	err = dmp_waitable_(m, n);
	if (err)
		return err;
	if (may_poll(m, n))
		looks = poll_stamp(m);
	if (!looks || looks == STAMP_LOOKS)
		return wait_on(m, n, batch, deadline, looks);
	m->streak = 0;
	batch->pos = m->pos;
	batch->end = m->seen = m->pos + 1;
	dmp_detail_(m, DMP_COUNTER_AT_SPINS, looks);
	dmp_count_found_(m);
	return 0;
}

int dmp_try_wait_slow_(struct dmp_member *m, uint64_t n, struct dmp_batch *batch)
{
	struct dmp_want_ w = { .n = n };
	int err;

	if (m->multi)
		return dmp_try_wait_several_(m, n, batch);
	err = dmp_waitable_(m, n);
	if (err)
		return err;
	err = look_for_events(m, &w);
	if (err) {
		m->streak = 0;
		return dmp_count_try_(m, err);
	}
	keep_pace(m, &w);
	dmp_count_found_(m);
	dmp_give_(m, n, batch);
	return 0;
}

/* ---- poll ---- */

static int arm_target(const struct dmp_member *m, uint64_t n, uint64_t *target)
{
	bool producer = m->role == DMP_ROLE_PRODUCER;

	if (producer ? !dmp_claimable_(m, n) : n - 1 > m->mask)
		return -EINVAL;
	*target = producer ? dmp_gate_target_(m, n) : m->pos + n;
	return 0;
}

int dmp_arm(struct dmp_member *m, uint64_t n)
{
	struct dmp_wait wait = { .size = sizeof(wait), .deadline = DMP_FOREVER };
	uint64_t target;
	int err = arm_target(m, n, &target);

	if (err)
		return err;
	wait.target = target;
	return m->ops->arm(m, &wait);
}
